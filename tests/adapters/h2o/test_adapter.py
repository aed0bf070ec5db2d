"""H2o against the simulated chat-ui in all its generations: its steps, and what it learns of a server."""

from __future__ import annotations

import json
import os
from typing import Final

import pytest

from adapters import AuthenticationFailed, BadReply, H2o, ModelNotFound, NotWorking, ServiceFailed
from adapters.h2o.conversation import Server
from adapters.h2o.errors import leads_to_login
from adapters.h2o.generations import SEED_MODEL
from adapters.simulators.h2o import GENERATIONS, MODELS, H2oSimulator, Login
from tests.adapters.bodies import Answers, proved, read, text
from tests.adapters.h2o.talk import TEXT, calls, served

pytestmark = pytest.mark.anyio

DIALOGUE: Final = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "4"},
    {"role": "user", "content": "times three?"},
]


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_reply_comes_whole_and_leaves_nothing_behind(generation: str):
    async with served(generation=generation) as (simulator, adapter):
        before = json.dumps(DIALOGUE)
        deltas, error = await read(adapter, DIALOGUE)

        assert error is None
        assert (text(deltas), deltas[-1].finish_reason, deltas[-1].final_text) == (TEXT, "stop", None)
        assert simulator.created == simulator.deleted
        assert len(simulator.created) == 1
        assert simulator.prompts == [
            "System: Be brief.\nUser: 2+2?\nAssistant: 4\nUser: times three?\nAssistant:"
        ]
        assert json.dumps(DIALOGUE) == before
        assert adapter.generation is not None
        assert adapter.generation.name == generation
        assert simulator.stopped == []


STEPS: Final = {
    "G1": ["POST /settings", "POST /conversation", "POST /conversation/*"],
    "G2": ["POST /settings", "POST /conversation", "POST /conversation/*"],
    "G3": ["POST /settings", "POST /conversation", "GET /api/conversation/*", "POST /conversation/*"],
    "G4": ["POST /settings", "POST /conversation", "GET /api/conversation/*", "POST /conversation/*"],
    "G5": ["POST /conversation", "POST /conversation/*"],
}


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_what_was_learnt_is_remembered(generation: str):
    """The second reply asks nothing twice, and tries no form that was refused."""
    async with served(generation=generation) as (simulator, adapter):
        await read(adapter)
        first = len(simulator.requests)
        await read(adapter)

        assert calls(simulator, first) == [*STEPS[generation], "DELETE /conversation/*"]
        assert first <= 9


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_all_requests_of_an_adapter_share_one_session(generation: str):
    """The server keeps a row of settings for each session."""
    async with served(generation=generation) as (simulator, adapter):
        for _ in range(3):
            await read(adapter)
        await adapter.probe()

        sessions = {each.cookies().get("hf-chat") for each in simulator.requests}
        assert len(sessions) == 1
        assert None not in sessions
        assert len(simulator.accepted) == (generation != "G5")
        assert len(simulator.created) == 3


async def test_two_adapters_and_two_processes_have_sessions_of_their_own(monkeypatch: pytest.MonkeyPatch):
    server = Server(frozenset())
    before = server.session
    assert server.session == before
    assert Server(frozenset()).session != before
    monkeypatch.setattr(os, "getpid", lambda: -7)  # as after a fork
    assert server.session != before


@pytest.mark.parametrize("generation", ["G1", "G4", "G5"])
async def test_another_name_of_the_cookie_is_taken_over(generation: str):
    async with served(generation=generation, cookie="my-chat") as (simulator, adapter):
        deltas, error = await read(adapter)
        first = len(simulator.requests)
        again, _ = await read(adapter)

        assert (error, text(deltas), text(again)) == (None, TEXT, TEXT)
        assert adapter._server.cookie_name == "my-chat"
        assert all("my-chat" in each.cookies() for each in simulator.requests[first:])
        assert len({each.cookies()["my-chat"] for each in simulator.requests[first:]}) == 1
        assert generation == "G5" or len(simulator.accepted) == 1
        assert simulator.created == simulator.deleted


async def test_a_session_of_the_user_is_used():
    async with H2oSimulator() as simulator:
        adapter = H2o(simulator.url, cookies={"hf-chat": "the-session-of-the-user"})
        deltas, error = await read(adapter)
        await adapter.aclose()

        assert (error, proved(deltas)) == (None, True)
        assert {each.header("cookie") for each in simulator.requests} == {"hf-chat=the-session-of-the-user"}


@pytest.mark.parametrize(
    ("old", "new"), [("G1", "G2"), ("G1", "G5"), ("G2", "G4"), ("G3", "G4"), ("G4", "G5")]
)
async def test_an_upgraded_server_is_detected_again(old: str, new: str):
    async with served(generation=old) as (simulator, adapter):
        await read(adapter)
        simulator.generation = new
        deltas, error = await read(adapter)

        assert (error, text(deltas)) == (None, TEXT)
        assert adapter.generation is not None
        assert adapter.generation.name == new
        assert simulator.created == simulator.deleted
        assert simulator.turns == 2


async def test_a_server_that_merely_fails_is_asked_for_a_reply_once():
    async with served(fault="500") as (simulator, adapter):
        _, first = await read(adapter)
        _, second = await read(adapter)

        assert isinstance(first, ServiceFailed)
        assert isinstance(second, ServiceFailed)
        assert simulator.turns == 2
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("wraps", [True, False])
async def test_the_parent_is_read_where_create_does_not_tell_it(wraps: bool):
    async with served(wraps=wraps) as (simulator, adapter):
        deltas, error = await read(adapter)

        assert (error, proved(deltas)) == (None, True)
        assert ("GET /api/v2/conversations/*" in calls(simulator)) is not wraps


async def test_options_count_for_the_oldest_generation_only():
    async with served(generation="G1") as (old, adapter):
        assert "temperature" in adapter.capabilities.options
        await read(adapter, temperature=0.9, max_tokens=7, extra={"h2o": {"parameters": {"watermark": True}}})
        sent = old.bodies[0]["parameters"]
    async with served(generation="G5") as (new, adapter):
        await read(adapter, temperature=0.9, extra={"h2o": {"timezone": "UTC"}, "other": {"x": 1}})
        left = adapter.capabilities.options

    assert (sent["temperature"], sent["max_new_tokens"], sent["watermark"]) == (0.9, 7, True)
    assert set(new.bodies[0]) == {"inputs", "id", "is_retry", "timezone"}
    assert left == frozenset()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_without_a_model_the_default_of_the_server_is_asked(generation: str):
    async with served(generation=generation, models=("a/b", "c/d")) as (simulator, adapter):
        assert (await read(adapter))[1] is None
        assert (await read(adapter, model="c/d"))[1] is None

        creates = [each.json() for each in simulator.requests if each.path == "/conversation"]
        assert creates == [{"model": "a/b"}, {"model": "c/d"}]
    assert H2o().model == SEED_MODEL
    assert H2o().working is False


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_default_that_the_server_no_longer_has_is_asked_for_again(generation: str):
    async with served(generation=generation, models=("a/b", "c/d")) as (simulator, adapter):
        await read(adapter)
        simulator.models = ("e/f", "c/d")
        deltas, error = await read(adapter)
        _, named = await read(adapter, model="a/b")

        assert (error, text(deltas)) == (None, TEXT)
        assert isinstance(named, ModelNotFound)
        assert "e/f, c/d" in str(named)
        assert simulator.created == simulator.deleted


async def test_a_server_without_a_list_is_asked_for_the_model_of_the_seed():
    transport = Answers(
        post_settings=(200, b'{"type":"redirect","status":303}', JSON),
        post_conversation=CREATED,
        post_conversation_c=(200, WHOLE, "text/plain"),
    )
    await read(H2o("http://127.0.0.1:9", transport=transport))

    created = next(each for each in transport.requests if each.url.path == "/conversation")
    assert json.loads(created.content) == {"model": SEED_MODEL}


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_unlisted_model_is_told_with_the_list(generation: str):
    async with served(generation=generation) as (simulator, adapter):
        _, error = await read(adapter, model="no/such")
        _, again = await read(adapter, model="no/such")

        for each in (error, again):
            assert isinstance(each, ModelNotFound)
            assert "'no/such'" in str(each)
            assert ", ".join(MODELS) in str(each)
        assert simulator.turns == 0
        assert not simulator.created


LOGIN: Final = "cookies={'hf-chat': …}"


@pytest.mark.parametrize("login", ["demanded", "automatic"])
@pytest.mark.parametrize("cookies", [{}, {"hf-chat": "of-nobody"}])
async def test_a_site_that_demands_a_login_says_what_to_do(login: Login, cookies: dict[str, str]):
    async with H2oSimulator(login=login, users=("of-ann",)) as simulator:
        adapter = H2o(simulator.url, cookies=cookies)
        deltas, error = await read(adapter)
        found = await adapter.probe()
        await adapter.aclose()

        assert (deltas, type(error)) == ([], AuthenticationFailed)
        assert LOGIN in str(error)
        assert (found.working, type(found.error)) == (False, AuthenticationFailed)
        assert LOGIN in found.reason
        assert adapter.working is False
        assert adapter.generation is None or adapter.generation.name == "G5"


@pytest.mark.parametrize("generation", ["G1", "G4"])
async def test_an_older_site_that_demands_a_login_says_what_to_do(generation: str):
    async with served(generation=generation, login="demanded") as (_, adapter):
        deltas, error = await read(adapter)

        assert (deltas, type(error)) == ([], AuthenticationFailed)
        assert "cookie" in str(error)


@pytest.mark.parametrize("login", ["demanded", "automatic"])
async def test_who_is_signed_in_is_answered(login: Login):
    async with H2oSimulator(login=login, users=("of-ann",), text=TEXT) as simulator:
        adapter = H2o(simulator.url, cookies={"hf-chat": "of-ann"})
        deltas, error = await read(adapter)
        found = await adapter.probe()
        await adapter.aclose()

        assert (error, text(deltas)) == (None, TEXT)
        assert (found.working, found.generation, found.models) == (True, "G5", MODELS)


@pytest.mark.parametrize(
    ("status", "location", "cookie", "leads"),
    [
        (302, "https://id.example.org/auth?client_id=x&redirect_uri=y", None, True),
        (307, "/login", None, True),
        (302, "https://team.example.org/access/login/chat", None, True),
        (302, "https://x.example.org/go", "hfChat-codeVerifier=abc; Path=/", True),
        (301, "https://chat.example.org/conversation", None, False),
        (308, "/conversation/", None, False),
        (302, None, None, False),
        (302, "http://[", None, False),
        (200, "/login", None, False),
    ],
)
def test_a_redirect_to_a_login_is_told_from_others(
    status: int, location: str | None, cookie: str | None, leads: bool
):
    assert leads_to_login(status, {"location": location, "set-cookie": cookie}.get) is leads


@pytest.mark.parametrize(
    ("generation", "name"), [("G1", "G1/G2"), ("G3", "G3/G4"), ("G4", "G3/G4"), ("G5", "G5")]
)
async def test_the_probe_costs_no_generation(generation: str, name: str):
    async with served(generation=generation) as (simulator, adapter):
        found = await adapter.probe()

        assert (found.working, found.generation) == (True, name)
        assert found.models == MODELS
        assert simulator.turns == 0
        assert not simulator.created
        assert adapter.working is True

        await read(adapter)
        assert (await adapter.probe()).generation == generation


async def test_the_probe_of_any_other_web_server_cannot_tell():
    found = await H2o("http://127.0.0.1:9", transport=Answers()).probe()

    assert found.working is None


JSON: Final = "application/json"
CREATED: Final = (200, b'{"conversationId":"c"}', JSON)
WHOLE: Final = b'{"type":"stream","token":"Hi"}\n{"type":"finalAnswer","text":"Hi"}'


async def test_the_first_servers_of_the_second_generation_took_the_form():
    """Form settings, but JSON lines; the last line without an end; a load balancer's cookie goes along."""
    transport = Answers(
        post_settings=(200, b'{"type":"redirect","status":303}', JSON),
        post_conversation=CREATED,
        post_conversation_c=(200, WHOLE, "text/plain"),
    )
    adapter = H2o("http://127.0.0.1:9", transport=transport)
    deltas, error = await read(adapter)

    assert (error, text(deltas), proved(deltas)) == (None, "Hi", True)
    assert adapter.generation is not None
    assert adapter.generation.exact == "G2"
    assert transport.requests[-1].method == "DELETE"
    assert "balancer=a1" in transport.requests[-1].headers["cookie"]
    assert adapter._server.cookie_name == "hf-chat"


async def test_a_conversation_that_cannot_be_read_has_a_turn_without_a_parent():
    """The last servers of the second generation have an API, and conversations without a root."""
    transport = Answers(
        get_api_models=(200, b"[]", JSON),
        post_settings=(200, b"", JSON),
        post_conversation=CREATED,
        post_conversation_c=(200, WHOLE + b"\n", JSON),
    )
    deltas, error = await read(H2o("http://127.0.0.1:9", transport=transport))

    assert (error, text(deltas)) == (None, "Hi")


async def test_a_page_instead_of_the_settings_is_not_chat_ui():
    transport = Answers(post_settings=(200, b"<!doctype html><p>Shop", "text/html"))
    _, error = await read(H2o("http://127.0.0.1:9", transport=transport))

    assert isinstance(error, BadReply)
    assert "HTML page" in str(error)


async def test_a_path_prefix_is_kept_and_named_as_the_referer():
    transport = Answers()
    await read(H2o("http://127.0.0.1:9/chat", transport=transport))

    assert {each.url.path.split("/")[1] for each in transport.requests} == {"chat"}
    assert {each.headers["referer"] for each in transport.requests} == {"http://127.0.0.1:9/chat/"}
    assert {each.headers["origin"] for each in transport.requests} == {"http://127.0.0.1:9"}


async def test_what_is_known_outlives_a_failure():
    async with served(generation="G4") as (simulator, adapter):
        await read(adapter)
        known = adapter.generation
        simulator.set_fault("404")
        deltas, error = await read(adapter)

        assert (deltas, type(error)) == ([], NotWorking)
        assert adapter.generation == known
