"""The simulated AI Engine: nonces, refusals and events, as the plugin has them."""

import html
import json
import re
from typing import Any, get_args

import httpx
import pytest

from adapters.simulators.opchatgpts import LIMIT, REJECTED, Generation, OpchatgptsSimulator
from tests.adapters.simulators.raw import connected, posting, read_until

pytestmark = pytest.mark.anyio

GENERATIONS: tuple[Generation, ...] = get_args(Generation)
SUBMIT = "/wp-json/mwai-ui/v1/chats/submit"
START = "/wp-json/mwai/v1/start_session"
BODY = {"botId": "default", "newMessage": "Hi", "stream": True}
every_generation = pytest.mark.parametrize("generation", GENERATIONS)


async def submit(
    simulator: OpchatgptsSimulator,
    nonce: str | None = None,
    body: Any = BODY,
    path: str = SUBMIT,
    **more: Any,
) -> httpx.Response:
    headers = {} if nonce is None else {"X-WP-Nonce": nonce}
    async with httpx.AsyncClient(base_url=simulator.url) as client:
        return await client.post(path, headers=headers, **({"json": body} | more))


async def get(simulator: OpchatgptsSimulator, path: str, method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(base_url=simulator.url) as client:
        return await client.request(method, path)


def valid(simulator: OpchatgptsSimulator, generation: Generation) -> str | None:
    return None if generation == "1.x" else simulator.nonce


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    lines = reply.text.split("\n\n")
    assert lines.pop() == ""
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@every_generation
async def test_a_stream_is_live_events_and_an_end_with_the_whole_answer(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="Hé/ {prompt} 😀") as simulator:
        reply = await submit(simulator, valid(simulator, generation))

    assert reply.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert reply.content.isascii()
    assert b"\\u00e9\\/" in reply.content
    *live, end = events(reply)
    assert live == [{"type": "live", "data": text} for text in ("Hé/", " Hi", " 😀")]
    whole = json.loads(end["data"])
    assert (end["type"], whole["success"], whole["reply"]) == ("end", True, "Hé/ Hi 😀")
    assert whole["usage"]["total_tokens"] == 14
    assert ("blocks" in whole) == (generation == "3.x")
    assert ("x-wp-nonce" in reply.headers) == (generation != "1.x")


@every_generation
async def test_without_stream_the_answer_is_json(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="a\nb") as simulator:
        reply = await submit(simulator, valid(simulator, generation), BODY | {"stream": False})

    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    assert (reply.json()["success"], reply.json()["reply"]) == (True, "a\nb")


@every_generation
async def test_a_wrong_nonce_is_refused_everywhere_and_a_missing_one_from_2_0_on(generation: Generation):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        wrong = [await submit(simulator, nonce) for nonce in ("", "0123456789")]
        missing = await submit(simulator)

    assert [r.status_code for r in wrong] == [403, 403]
    assert {r.json()["code"] for r in wrong} == {"rest_cookie_invalid_nonce"}
    assert missing.status_code == (200 if generation == "1.x" else 401)
    if generation != "1.x":
        assert missing.json()["code"] == "rest_forbidden"


@every_generation
async def test_where_the_nonce_is_shown(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, page="/chat/", custom_id="mine") as simulator:
        page = await get(simulator, "/chat/")
        session = await get(simulator, START, "POST")

        found = re.search("class='mwai-chatbot-container'[^>]* data-system='([^']*)'", page.text)
        assert found is not None
        system = json.loads(html.unescape(found[1]))
        assert (system["botId"], system["customId"], system["contextId"]) == ("default", "mine", 4)
        assert system["restNonce"] == (simulator.nonce if generation == "2.x" else None)
        if generation == "3.x":
            assert session.json()["restNonce"] == simulator.nonce
            assert "mwai_session_id" in session.headers["set-cookie"]
        else:
            assert (session.status_code, session.json()["code"]) == (404, "rest_no_route")
        assert simulator.handshakes == (2 if generation == "3.x" else 1)
        assert re.fullmatch("[0-9a-f]{10}", simulator.nonce)


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
async def test_a_nonce_lives_for_two_ticks(generation: Generation):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        nonce = simulator.nonce
        fresh = await submit(simulator, nonce)
        simulator.expire_nonce(1)
        old = await submit(simulator, nonce)
        simulator.expire_nonce(1)
        stale = await submit(simulator, nonce)

    assert [r.status_code for r in (fresh, old, stale)] == [200, 200, 403]
    assert fresh.headers["x-wp-nonce"] == nonce != old.headers["x-wp-nonce"]
    tokens = [json.loads(events(r)[-1]["data"]).get("new_token") for r in (fresh, old)]
    assert tokens == [None, old.headers["x-wp-nonce"] if generation == "3.x" else None]


@every_generation
@pytest.mark.parametrize("message", ["", " \n ", None])
async def test_an_empty_message_is_rejected(generation: Generation, message: str | None):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        reply = await submit(simulator, valid(simulator, generation), BODY | {"newMessage": message})

        assert (reply.status_code, reply.json()) == (403, {"success": False, "message": REJECTED})
        assert simulator.turns == 0


async def test_a_body_that_is_not_said_to_be_json_is_not_seen():
    async with OpchatgptsSimulator() as simulator:
        form = await submit(simulator, simulator.nonce, None, data={"botId": "default", "newMessage": "Hi"})

    assert (form.status_code, form.json()["message"]) == (403, REJECTED)


async def test_broken_json_is_400():
    async with OpchatgptsSimulator(generation="1.x") as simulator, httpx.AsyncClient() as client:
        reply = await client.post(
            simulator.url + SUBMIT, content=b"{", headers={"content-type": "application/json"}
        )

    assert (reply.status_code, reply.json()["code"]) == (400, "rest_invalid_json")


@every_generation
@pytest.mark.parametrize("stream", [True, False])
async def test_an_unknown_chatbot(generation: Generation, stream: bool):
    """An error before the stream begins is an event under `application/json`; 3.x has its own chatbot."""
    async with OpchatgptsSimulator(generation=generation) as simulator:
        body = BODY | {"botId": "nobody", "stream": stream}
        reply = await submit(simulator, valid(simulator, generation), body)

    if generation == "3.x":
        assert reply.status_code == 200
        assert simulator.turns == 1
    elif stream:
        assert (reply.status_code, events(reply)) == (200, [{"type": "error", "data": REJECTED}])
        assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    else:
        assert (reply.status_code, reply.json()["message"]) == (500, REJECTED)


async def test_a_custom_chatbot_is_known_until_the_site_forgets_it():
    async with OpchatgptsSimulator(generation="1.x", custom_id="mine") as simulator:
        body = {"customId": "mine", "newMessage": "Hi"}
        known = await submit(simulator, body=body)
        simulator.custom_id = None
        forgotten = await submit(simulator, body=body)

    assert (known.status_code, forgotten.status_code) == (200, 500)


@every_generation
async def test_the_routes_are_listed_and_answer_to_their_method_only(generation: Generation):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        index = await get(simulator, "/wp-json/mwai-ui/v1")
        others = [await get(simulator, path) for path in (SUBMIT, START)]
        page = await get(simulator, "/nowhere/")

    assert "/mwai-ui/v1/chats/submit" in index.json()["routes"]
    assert {(r.status_code, r.json()["code"]) for r in others} == {(404, "rest_no_route")}
    assert (page.status_code, len(simulator.unknown)) == (404, 1)
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("permalinks", [True, False])
async def test_rest_route_works_always_and_wp_json_with_permalinks(permalinks: bool):
    async with OpchatgptsSimulator(permalinks=permalinks) as simulator:
        plain = await submit(
            simulator, simulator.nonce, path="/index.php?rest_route=/mwai-ui/v1/chats/submit"
        )
        pretty = await submit(simulator, simulator.nonce)

    assert plain.status_code == 200
    assert pretty.status_code == (200 if permalinks else 404)
    assert pretty.headers["content-type"].startswith("text/event-stream" if permalinks else "text/html")


async def test_a_lone_newline_is_made_hard_by_3_x_alone():
    texts = {}
    for generation in GENERATIONS:
        async with OpchatgptsSimulator(generation=generation, deltas=["a", "\n", "b"]) as simulator:
            reply = await submit(simulator, valid(simulator, generation))
            *live, end = events(reply)
            texts[generation] = "".join(e["data"] for e in live)

            assert json.loads(end["data"])["reply"] == texts[generation]

    assert texts == {"1.x": "a\nb", "2.x": "a\nb", "3.x": "a  \nb"}


@pytest.mark.parametrize("stream", [True, False])
async def test_the_owners_limit_is_an_event_or_500(stream: bool):
    async with OpchatgptsSimulator(fault="limit", fault_times=1) as simulator:
        body = BODY | {"stream": stream}
        limited = await submit(simulator, simulator.nonce, body)
        again = await submit(simulator, simulator.nonce, body)

        assert again.status_code == 200
        assert simulator.turns == 2
        if stream:
            assert events(limited) == [{"type": "error", "data": LIMIT}]
        else:
            assert (limited.status_code, limited.json()["message"]) == (500, LIMIT)


async def test_typed_events_are_notices_between_the_deltas():
    async with OpchatgptsSimulator(fault="typed_events", text="one two") as simulator:
        live = events(await submit(simulator, simulator.nonce))[:-1]

    assert [e["data"] for e in live if "subtype" not in e] == ["one", " two"]
    assert [e["subtype"] for e in live if "subtype" in e] == ["status", "status"]


async def test_an_empty_reply_is_reported_as_a_success():
    async with OpchatgptsSimulator(fault="empty") as simulator:
        streamed = await submit(simulator, simulator.nonce)
        whole = await submit(simulator, simulator.nonce, BODY | {"stream": False})

    assert len(events(streamed)) == 1
    for answer in (json.loads(events(streamed)[0]["data"]), whole.json()):
        assert (answer["success"], answer["reply"]) == (True, "")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", '"rest_forbidden"'),
        ("403", '"rest_forbidden"'),
        ("404", '"rest_no_route"'),
        ("429", "<html>"),
        ("500", '"success": false'),
        ("503", "<html>"),
    ],
)
async def test_a_status_comes_in_the_form_of_whoever_sends_it(fault: str, said: str):
    async with OpchatgptsSimulator(fault=fault) as simulator:
        reply = await submit(simulator, simulator.nonce)

    assert reply.status_code == int(fault)
    assert said in reply.text


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_in_the_protocols_own_form(stream: bool):
    async with OpchatgptsSimulator(fault="error_event") as simulator:
        reply = await submit(simulator, simulator.nonce, BODY | {"stream": stream})

    failed = events(reply)[0] if stream else reply.json()
    assert failed == (
        {"type": "error", "data": "The service failed"}
        if stream
        else {"success": False, "message": "The service failed"}
    )


@pytest.mark.parametrize(("stream", "piece"), [(True, b'"subtype":"status"'), (False, b" ")])
async def test_what_carries_no_content_may_come_without_end(stream: bool, piece: bytes):
    head = b"Host: x\r\nContent-Type: application/json"
    async with OpchatgptsSimulator(fault="endless_comments", generation="1.x") as simulator:
        async with connected(simulator) as client:
            request = posting(SUBMIT, BODY | {"stream": stream})
            await client.send(request.replace(b"Host: x", head))
            await read_until(client, b"\r\n\r\n")
            await read_until(client, b"\r\n" + piece if not stream else piece)
        await simulator.drained()


def test_an_unknown_generation_is_told():
    with pytest.raises(ValueError, match=r"there are: 1\.x, 2\.x, 3\.x"):
        OpchatgptsSimulator(generation="4.x")  # type: ignore[arg-type]  # the mistake
