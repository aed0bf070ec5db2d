"""Opchatgpts against simulated sites of three generations, on both backends."""

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, get_args

import anyio
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Delta,
    EmptyReply,
    InvalidRequest,
    Limits,
    NotWorking,
    Opchatgpts,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.conformance import check_adapter
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator

pytestmark = pytest.mark.anyio

GENERATIONS: tuple[Generation, ...] = get_args(Generation)
START = "/wp-json/mwai/v1/start_session"
SUBMIT = "/wp-json/mwai-ui/v1/chats/submit"
every_generation = pytest.mark.parametrize("generation", GENERATIONS)


async def ask(
    adapter: Opchatgpts, *messages: Mapping[str, Any] | str, extra: Mapping[str, Any] | None = None
) -> list[Delta]:
    given = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages or ("Hello",)]
    request = ChatRequest.build(given, extra={"opchatgpts": extra} if extra else None)
    async with aclosing(adapter.stream(request)) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: list[Delta]) -> str:
    return "".join(map(str, deltas))


def paths(simulator: OpchatgptsSimulator) -> list[str]:
    return [f"{r.method} {r.target}" for r in simulator.requests]


def bodies(simulator: OpchatgptsSimulator) -> list[dict[str, Any]]:
    return [r.json() for r in simulator.requests if r.body]


@every_generation
async def test_a_reply_streams_and_is_proved(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="You said {prompt} 😀\n") as simulator:
        adapter = Opchatgpts(simulator.url)
        deltas = await ask(adapter, "Hello")
        await adapter.aclose()

    assert text_of(deltas) == "You said Hello 😀\n"
    assert len(deltas) > 3
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].final_text is None


@pytest.mark.parametrize(
    ("generation", "handshake"),
    [("1.x", [START, "/chat/"]), ("2.x", [START, "/chat/"]), ("3.x", [START, "/chat/"])],
)
async def test_the_handshake_is_done_once(generation: Generation, handshake: list[str]):
    async with OpchatgptsSimulator(generation=generation, page="/chat/") as simulator:
        adapter = Opchatgpts(simulator.url, page="/chat/")
        for _ in range(3):
            await ask(adapter)
        await adapter.aclose()

        assert [r.path for r in simulator.requests] == [*handshake, *[SUBMIT] * 3]
        nonces = {r.header("x-wp-nonce") for r in simulator.requests if r.path == SUBMIT}
        assert nonces == ({None} if generation == "1.x" else {simulator.nonce})


async def test_a_known_chatbot_needs_no_page_where_the_session_has_the_nonce():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url, bot_id="default")
        await ask(adapter)
        await adapter.aclose()

        assert paths(simulator) == [f"POST {START}", f"POST {SUBMIT}"]


async def test_the_body_is_that_of_the_first_client():
    async with OpchatgptsSimulator(generation="1.x", page="/chat/", bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url, page="/chat/")
        history: list[dict[str, Any]] = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c"},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "d"},
        ]
        before = json.dumps(history)
        await ask(adapter, *history)
        await adapter.aclose()

        body = bodies(simulator)[-1]
        chat_id = body.pop("chatId")
        assert body == {
            "botId": "helper",
            "contextId": 4,
            "customId": None,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "ab"},
                {"role": "assistant", "content": "c"},
                {"role": "system", "content": "Be kind."},
            ],
            "newMessage": "d",
            "session": "N/A",
            "stream": True,
        }
        assert len(chat_id) == 10
        assert chat_id.isalnum()
        assert json.dumps(history) == before
        sent = simulator.requests[-1]
        assert sent.header("origin") == simulator.url
        assert sent.header("referer") == f"{simulator.url}/chat/"
        assert (sent.header("user-agent") or "").startswith("chat-router/")


async def test_no_option_reaches_the_owners_settings_but_extra_does():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url)
        message = {"role": "user", "content": "Hi"}
        request = ChatRequest.build(
            [message], model="gpt-4", temperature=0.1, extra={"opchatgpts": {"stream": False, "x": 1}}
        )
        async with aclosing(adapter.stream(request)) as deltas:
            assert text_of([d async for d in deltas]) == simulator.default_text
        await adapter.aclose()

        body = bodies(simulator)[-1]
        assert (body["stream"], body["x"]) == (False, 1)
        assert not {"model", "temperature"} & set(body)


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
@pytest.mark.parametrize("bot_id", [None, "default"])
async def test_a_stale_nonce_is_renewed_exactly_once(generation: Generation, bot_id: str | None):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url, bot_id=bot_id)
        await ask(adapter)
        simulator.expire_nonce()
        simulator.requests.clear()
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        submits = [r.header("x-wp-nonce") for r in simulator.requests if r.path == SUBMIT]
        assert len(submits) == 2
        assert submits[1] == simulator.nonce
        assert [r.path for r in simulator.requests].count(START) == 1
        assert simulator.turns == 2


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
async def test_a_nonce_in_use_renews_itself(generation: Generation):
    """Each answer brings the current one, so ageing by one tick at a time never leads to a refusal."""
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        for _ in range(4):
            await ask(adapter)
            simulator.expire_nonce(1)
        await adapter.aclose()

        assert [r.path for r in simulator.requests].count(SUBMIT) == 4
        assert [r.path for r in simulator.requests].count(START) == 1


async def test_a_page_from_a_cache_is_tried_twice_and_no_more():
    class Cached(OpchatgptsSimulator):
        def _shown(self) -> str:
            return super()._shown().replace(self.nonce, "0123456789")

    async with Cached(generation="2.x") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(AuthenticationFailed, match="even a fresh nonce") as caught:
            await ask(adapter)
        await adapter.aclose()

        assert type(caught.value) is AuthenticationFailed
        assert caught.value.status == 403
        assert [r.path for r in simulator.requests] == [START, "/", SUBMIT] * 2


async def test_a_site_updated_from_1_x_is_met_anew():
    async with OpchatgptsSimulator(generation="1.x") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator._generation = "3.x"
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        assert simulator.turns == 2


async def test_a_nonce_is_never_empty_or_invented():
    """2.0.0 shows its nonce to nobody."""
    async with OpchatgptsSimulator(generation="2.x") as simulator:
        adapter = Opchatgpts(simulator.url, page="/elsewhere/")
        with pytest.raises(AuthenticationFailed, match=r"GET /elsewhere/.*set page"):
            await ask(adapter)
        await adapter.aclose()

        assert all(r.header("x-wp-nonce") is None for r in simulator.requests)
        assert [r.path for r in simulator.requests].count(SUBMIT) == 2


@every_generation
async def test_streams_at_the_same_time_on_a_fresh_adapter(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="Dear {prompt}!") as simulator:
        adapter = Opchatgpts(simulator.url)
        texts: dict[str, str] = {}

        async def one(name: str) -> None:
            texts[name] = text_of(await ask(adapter, name))

        for _ in range(2):
            async with anyio.create_task_group() as group:
                for number in range(8):
                    group.start_soon(one, f"reader {number}")
            simulator.expire_nonce()
        await adapter.aclose()

    assert texts == {f"reader {n}": f"Dear reader {n}!" for n in range(8)}


@every_generation
async def test_a_site_without_permalinks_is_asked_through_rest_route(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, permalinks=False) as simulator:
        adapter = Opchatgpts(simulator.url)
        for _ in range(2):
            assert text_of(await ask(adapter)) == simulator.default_text
        probed = await adapter.probe()
        await adapter.aclose()

        assert probed.working is True
        assert [r.path for r in simulator.requests].count(START) == 1
        assert len([r for r in simulator.requests if r.path == "/index.php"]) == 4


@pytest.mark.parametrize("generation", ["1.x", "2.x"])
async def test_a_wrong_chatbot_is_told(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url, bot_id="nobody")
        for extra in ({}, {"stream": False}):
            with pytest.raises(InvalidRequest, match="no such chatbot"):
                await ask(adapter, extra=extra)
        await adapter.aclose()


async def test_a_chatbot_of_the_pages_own_is_found_again_when_the_site_forgot_it():
    async with OpchatgptsSimulator(generation="1.x", bot_id="", custom_id="first") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.custom_id = "second"
        with pytest.raises(InvalidRequest):
            await ask(adapter)
        await ask(adapter)
        await adapter.aclose()

        sent = [(b["botId"], b["customId"]) for b in bodies(simulator)]
        assert sent == [(None, "first"), (None, "first"), (None, "second")]


async def test_a_custom_id_is_sent_as_it_is():
    async with OpchatgptsSimulator(generation="1.x", custom_id="mine") as simulator:
        adapter = Opchatgpts(simulator.url, custom_id="mine")
        await ask(adapter)
        await adapter.aclose()

        assert [(b["botId"], b["customId"]) for b in bodies(simulator)] == [(None, "mine")]


FAULTS = {
    "refuse": ConnectFailed,
    "reset": ConnectionLost,
    "close": ConnectionLost,
    "401": AuthenticationFailed,
    "403": AuthenticationFailed,
    "404": NotWorking,
    "429": RateLimited,
    "500": ServiceFailed,
    "503": ServiceFailed,
    "html": BadReply,
    "json_error": ServiceFailed,
    "empty": EmptyReply,
    "error_event": ServiceFailed,
    "limit": QuotaExhausted,
    "redirect": BadReply,
    "gzip": BadReply,
    "garbage": BadReply,
}


@every_generation
@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_before_content(fault: str, generation: Generation):
    async with OpchatgptsSimulator(fault=fault, generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(AdapterError) as caught:
            await ask(adapter)
        await adapter.aclose()

        assert type(caught.value) is FAULTS[fault]
        assert caught.value.retry_after == (1.0 if fault == "429" else None)
        assert simulator.turns <= (2 if fault == "401" and generation == "1.x" else 1)
        assert simulator.unknown == []


@pytest.mark.parametrize("fault", ["401", "500", "json_error", "empty", "limit", "html"])
async def test_faults_of_an_answer_without_stream(fault: str):
    async with OpchatgptsSimulator(fault=fault) as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(FAULTS[fault]):
            await ask(adapter, extra={"stream": False})
        await adapter.aclose()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", ConnectionLost),
        ("reset_after", ConnectionLost),
        ("error_after", ServiceFailed),
        ("cut_clean", None),
    ],
)
async def test_faults_after_content_come_after_the_text(fault: str, error: type[AdapterError] | None):
    async with OpchatgptsSimulator(fault=fault, text="one two three four") as simulator:
        adapter = Opchatgpts(simulator.url)
        request = ChatRequest.build([{"role": "user", "content": "Hi"}])
        got: list[Delta] = []
        raised: type[Exception] | None = None
        async with aclosing(adapter.stream(request)) as deltas:
            try:
                async for delta in deltas:
                    got.append(delta)  # noqa: PERF401 - what came before the error is looked at
            except AdapterError as caught:
                raised = type(caught)
        await adapter.aclose()

    assert (text_of(got), raised) == ("one two", error)
    assert not any(delta.is_last for delta in got)


async def test_notices_are_neither_text_nor_progress():
    async with OpchatgptsSimulator(fault="typed_events", text="one two") as simulator:
        adapter = Opchatgpts(simulator.url)
        deltas = await ask(adapter)
        await adapter.aclose()

    assert [str(d) for d in deltas] == ["one", " two", ""]


async def test_notices_without_end_are_ended():
    async with OpchatgptsSimulator(fault="endless_comments", delay=0.001) as simulator:
        adapter = Opchatgpts(simulator.url, limits=Limits(empty=20))
        with pytest.raises(BadReply, match="in a row without content"):
            await ask(adapter)
        await adapter.aclose()
        await simulator.drained()


async def test_an_empty_message_is_refused_by_the_site():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(InvalidRequest, match="empty or too long"):
            await ask(adapter, "  ")
        await adapter.aclose()

        assert simulator.turns == 0


async def test_the_prompt_and_the_nonce_are_in_no_error_and_no_repr():
    async with OpchatgptsSimulator(fault="500") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(ServiceFailed) as caught:
            await ask(adapter, "a secret wish")
        shown = f"{caught.value}{adapter!r}{adapter._site!r}"
        await adapter.aclose()

    assert "wish" not in shown
    assert simulator.nonce not in shown


@pytest.mark.parametrize(
    ("generation", "told"), [("1.x", "1.x"), ("2.x", "2.0.1–2.4.3"), ("3.x", "2.4.4 or later")]
)
async def test_the_probe_tells_the_generation_and_generates_nothing(generation: Generation, told: str):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        results = [await adapter.probe(), await adapter.probe()]
        await ask(adapter)
        await adapter.aclose()

        assert [(r.working, r.generation) for r in results] == [(True, told)] * 2
        assert [r.path for r in simulator.requests].count(START) == 1
        assert simulator.turns == 1
        assert adapter.working is True


async def test_the_probe_of_a_page_without_a_chatbot_cannot_tell():
    async with OpchatgptsSimulator(generation="1.x") as simulator:
        adapter = Opchatgpts(simulator.url, page="/about/")
        result = await adapter.probe()
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

    assert result.working is None
    assert "GET /about/" in result.reason


async def test_what_is_no_wordpress_is_told():
    class Other(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.respond(200, "<!doctype html><p>Hi", content_type="text/html")

    async with Other() as simulator:
        adapter = Opchatgpts(simulator.url)
        result = await adapter.probe()
        with pytest.raises(BadReply, match="no WordPress site is here; check base_url"):
            await ask(adapter)
        await adapter.aclose()

    assert result.working is False


async def test_wordpress_without_the_plugin_is_told():
    class Bare(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.answer(self.failure(404, ""))

    async with Bare() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(NotWorking, match="no such route"):
            await ask(adapter)
        assert (await adapter.probe()).working is False
        await adapter.aclose()


async def test_a_firewall_before_the_site_is_told():
    class Walled(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.respond(403, "<html>Attention Required!", content_type="text/html")

    async with Walled() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(NotWorking, match="something before the site blocks it") as caught:
            await ask(adapter)
        await adapter.aclose()

    assert type(caught.value) is NotWorking


async def test_a_page_that_fails_for_now_is_asked_again_next_time():
    class Flaky(OpchatgptsSimulator):
        broken = True

        async def answer(self, exchange: Any) -> None:
            if exchange.received.path == "/" and self.broken:
                await exchange.respond(503, "busy")
            else:
                await super().answer(exchange)

    async with Flaky(bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.broken = False
        await ask(adapter)
        await ask(adapter)
        await adapter.aclose()

        assert [b["botId"] for b in bodies(simulator)] == ["default", "helper", "helper"]


async def test_a_path_prefix_and_a_page_with_a_query():
    class Below(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            target = exchange.received.target
            assert target.startswith("/blog/")
            object.__setattr__(exchange.received, "target", target.removeprefix("/blog"))
            exchange.received.__dict__.pop("path", None)
            await super().answer(exchange)

    async with Below(generation="2.x") as simulator:
        adapter = Opchatgpts(f"{simulator.url}/blog/", page="/?page_id=4&x=ä")
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

        assert "GET /?page_id=4&x=%C3%A4" in paths(simulator)
        assert simulator.requests[-1].header("referer") == f"{simulator.url}/blog/?page_id=4&x=%C3%A4"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"page": "chat"}, "page is 'chat'"),
        ({"page": "//evil.example"}, "page is"),
        ({"page": "/#top"}, "page is"),
        ({"bot_id": ""}, "bot_id is ''"),
        ({"bot_id": 5}, "bot_id is 5"),
        ({"custom_id": " "}, "custom_id is"),
    ],
)
def test_settings_that_cannot_be_used_are_told(settings: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        Opchatgpts("http://127.0.0.1:1", **settings)


def test_without_an_address_it_does_not_work_and_says_why():
    adapter = Opchatgpts()

    assert adapter.working is False
    assert adapter.base_url.startswith("https://opchatgpts.net")
    assert "is gone" in adapter.working_reason
    assert adapter.name == "opchatgpts"


@every_generation
async def test_it_keeps_the_contract(generation: Generation):
    async with (
        OpchatgptsSimulator(generation=generation, text="one two three four five", delay=0.002) as simulator,
        OpchatgptsSimulator(generation=generation, fault="500") as failing,
    ):
        await check_adapter(
            lambda: Opchatgpts(simulator.url),
            failing=lambda: Opchatgpts(failing.url),
            leftovers=lambda: [1] * simulator.running,
        )
