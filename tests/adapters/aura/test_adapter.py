"""The Aura adapter against simulated servers of both kinds, and against bytes and reason phrases."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import (
    AdapterError,
    Aura,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    ContextTooLong,
    Delta,
    EmptyReply,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    Secret,
    ServiceFailed,
)
from adapters.simulators.aura import AuraSimulator, Generation
from tests.adapters.bodies import ASK, Wire, proved, read, text
from tests.adapters.wire.splits import every_split

if TYPE_CHECKING:
    from adapters.simulators.exchange import Exchange

pytestmark = pytest.mark.anyio

KEY: Final = "sk-canary-4711-secret"
TEXT: Final = "Grüße, 世界 🦉\n"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def adapter(wire: Wire) -> Aura:
    return Aura("http://127.0.0.1:9", transport=wire, key=KEY)


async def test_request_has_the_shape_of_the_site() -> None:
    """System messages become the prompt; `max_tokens` never becomes the context budget."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "three"}], "name": "Ann"},
    ]
    before = json.dumps(messages)
    async with AuraSimulator(text="{prompt}") as simulator:
        adapter = Aura(simulator.url, key=KEY)
        deltas, error = await read(adapter, messages, temperature=0.0, max_tokens=5)
        await adapter.aclose()
    received = simulator.requests[0]

    assert error is None
    assert text(deltas) == "three"
    assert json.dumps(messages) == before
    assert received.json() == {
        "model": {"id": "openchat_3.6", "name": "OpenChat 3.6 (latest)"},
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
        "key": KEY,
        "prompt": "Be brief.\nBe kind.",
        "temperature": 0.0,
    }
    assert received.target == "/api/chat"
    assert received.header("origin") == simulator.url
    assert received.header("referer") == f"{simulator.url}/"


async def test_settings_and_request_change_what_is_asked_for() -> None:
    async with AuraSimulator(generation="chatbot-ui") as simulator:
        adapter = Aura(simulator.url, token_limit=4000, model="gpt-4", models={"fast": "gpt-3.5-turbo"})
        await read(adapter)
        await read(adapter, model="fast", extra={"aura": {"plugins": []}, "other": {"x": 1}})
        await adapter.aclose()
    first, second = (received.json() for received in simulator.requests)

    assert first["model"] == {"id": "gpt-4", "name": "gpt-4", "maxLength": 12000, "tokenLimit": 4000}
    assert (first["key"], first["prompt"], first["temperature"]) == ("", "", 0.5)
    assert (second["model"]["id"], second["plugins"], second.get("x")) == ("gpt-3.5-turbo", [], None)


PROGRAMS: Final[tuple[Generation, ...]] = ("openchat-ui", "openchat-ui-main", "chatbot-ui")
MODEL: Final = {"openchat-ui-main": "openchat_v3.2_mistral", "chatbot-ui": "gpt-4"}


@pytest.mark.parametrize("generation", PROGRAMS)
@pytest.mark.parametrize("token_limit", [None, 1, 8192, 40_000])
async def test_no_limit_of_tokens_makes_the_server_drop_the_newest_message(
    generation: Generation, token_limit: int | None
) -> None:
    """It would answer without the prompt then, with status 200."""
    newest = "word " * 20_000
    messages = [
        {"role": "system", "content": "Be brief. " * 500},
        {"role": "user", "content": "one " * 20_000},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": newest},
    ]
    async with AuraSimulator(generation=generation, text="Hi") as simulator:
        adapter = Aura(simulator.url, token_limit=token_limit, model=MODEL.get(generation, "openchat_3.6"))
        deltas, error = await read(adapter, messages)
        await adapter.aclose()

    assert (error, text(deltas)) == (None, "Hi")
    assert simulator.seen[0][-1] == {"role": "user", "content": newest}
    assert token_limit is not None or len(simulator.seen[0]) == 3


async def test_a_limit_of_tokens_drops_the_oldest_messages() -> None:
    messages = [{"role": "user", "content": f"{number} " * 400} for number in range(20)]
    async with AuraSimulator() as simulator:
        adapter = Aura(simulator.url, token_limit=2000)
        await read(adapter, messages)
        await adapter.aclose()

    seen = simulator.seen[0]
    assert 1 < len(seen) < 20
    assert seen == [{"role": "user", "content": m["content"]} for m in messages[-len(seen) :]]


@pytest.mark.parametrize(
    "body", ["<!DOCTYPE html>\n<p>Here is your page.</p>", '{"error": "none", "code": 7}', "<html>", '{"msg']
)
async def test_what_begins_as_a_page_or_an_error_is_text_where_no_content_type_is_named(
    adapter: Aura, wire: Wire, body: str
) -> None:
    for pieces in every_split(body.encode()):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert (text(deltas), error, proved(deltas)) == (body, None, True)


PAGE: Final = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/pdf", b"%PDF-1.7 plain words", BadReply),
        ("application/json", b'{"error": {"message": "Rate limit reached"}}', RateLimited),
        ("application/json; charset=utf-8", b'["plain", "words"]', BadReply),
        ("application/json", b"plain words", BadReply),
        ("Text/HTML; charset=utf-8", b"plain words", BadReply),
        ("text/html", PAGE, BadReply),
        ("application/xml", b"<error/>", BadReply),
        ("image/png", b"\x89PNG", BadReply),
        ("text/plain", PAGE, BadReply),
    ],
)
async def test_a_body_that_is_not_named_text_is_no_reply(
    adapter: Aura, wire: Wire, kind: str, body: bytes, expected: type[AdapterError]
) -> None:
    wire.put(body, headers={"transfer-encoding": "chunked", "content-type": kind})
    deltas, error = await read(adapter)

    assert (deltas, type(error)) == ([], expected)
    assert error is not None
    assert error.status == 200
    assert str(error).startswith("aura: POST /api/chat: ")


@pytest.mark.parametrize(
    "kind", ["text/plain;charset=UTF-8", "application/octet-stream", "text/event-stream"]
)
async def test_a_body_that_is_named_text_or_bytes_is_a_reply(adapter: Aura, wire: Wire, kind: str) -> None:
    wire.put(TEXT.encode(), headers={"transfer-encoding": "chunked", "content-type": kind})
    deltas, error = await read(adapter)

    assert (text(deltas), error) == (TEXT, None)


@pytest.mark.parametrize("generation", ["openchat-ui", "openchat-ui-main"])
async def test_an_unknown_model_is_told_with_the_list_of_models(generation: Generation) -> None:
    async with AuraSimulator(generation=generation) as simulator:
        adapter = Aura(simulator.url, model="gpt-4")
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert (deltas, type(error)) == ([], ModelNotFound)
    assert error is not None
    assert error.status == 500
    assert "'gpt-4'" in str(error)
    assert "openchat_3.6" in str(error)
    assert [r.target for r in simulator.requests] == ["/api/chat", "/api/models"]


async def test_the_default_that_the_main_branch_lists_and_cannot_use() -> None:
    async with AuraSimulator(generation="openchat-ui-main") as simulator:
        adapter, told = Aura(simulator.url), Aura(simulator.url, model="openchat_v3.2_mistral")
        found = await adapter.probe()
        _, error = await read(adapter)
        deltas, none = await read(told)
        await adapter.aclose()
        await told.aclose()

    assert type(error) is ModelNotFound
    assert "model='openchat_v3.2_mistral'" in str(error)
    assert "cannot use it" in found.reason
    assert "it lists openchat_v3.2_mistral, openchat_3.6" in str(error)
    assert (none, text(deltas)) == (None, AuraSimulator.default_text)


class Silent(AuraSimulator):
    """Its failures have no words: what stands behind it answers them with no JSON."""

    broken = False

    async def answer(self, exchange: Exchange) -> None:
        if self.broken and exchange.received.path == "/api/chat":
            await exchange.answer(self.failure(500, "Internal Server Error"))
        else:
            await super().answer(exchange)


@pytest.mark.parametrize(
    ("generation", "model"),
    [("openchat-ui", "openchat_3.6"), ("chatbot-ui", "gpt-4"), ("chatbot-ui", "mine")],
)
async def test_a_bare_failure_of_a_model_that_is_listed_or_answered_before_is_no_matter_of_the_model(
    generation: Generation, model: str
) -> None:
    async with Silent(generation=generation) as simulator:
        adapter = Aura(simulator.url, model=model)
        assert (await read(adapter))[1] is None
        simulator.broken = True
        _, error = await read(adapter)
        await adapter.aclose()

    assert type(error) is ServiceFailed
    assert error.status == 500


async def test_a_server_that_lists_no_models_leaves_a_bare_failure_as_it_is(
    adapter: Aura, wire: Wire
) -> None:
    wire.put(b"Error", status=500)
    _, error = await read(adapter)

    assert type(error) is ServiceFailed
    assert len(wire.requests) == 2


@pytest.mark.parametrize("generation", PROGRAMS)
async def test_reply_is_streamed_and_its_framed_end_is_the_proof(generation: Generation) -> None:
    async with AuraSimulator(generation=generation, text="one two three", delay=0.01) as simulator:
        adapter = Aura(simulator.url, model=MODEL.get(generation, "openchat_3.6"))
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert [delta.text for delta in deltas] == ["one", " two", " three", ""]
    assert deltas[-1] == Delta(finish_reason="stop", ends=True)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", ConnectFailed),
        ("reset", ConnectionLost),
        ("close", ConnectionLost),
        ("401", AuthenticationFailed),
        ("403", AuthenticationFailed),
        ("404", NotWorking),
        ("429", RateLimited),
        ("500", ServiceFailed),
        ("503", ServiceFailed),
        ("html", BadReply),
        ("redirect", BadReply),
        ("garbage", BadReply),
        ("empty", EmptyReply),
    ],
)
async def test_faults_before_content_are_told_by_their_cause(fault: str, kind: type[AdapterError]) -> None:
    async with AuraSimulator(fault=fault) as simulator:
        adapter = Aura(simulator.url, key=KEY)
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert type(error) is kind
    assert deltas == []
    assert str(error).startswith("aura: POST /api/chat")
    assert simulator.unknown == []
    gc.collect()


async def test_empty_answer_names_both_causes(adapter: Aura, wire: Wire) -> None:
    wire.put(b"")
    _, error = await read(adapter)

    assert isinstance(error, EmptyReply)
    assert "said nothing" in str(error)
    assert "one piece" in str(error)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Rate limit reached for requests", RateLimited),
        ("Too Many Requests", RateLimited),
        ("You exceeded your current quota, please check your plan and billing details.", QuotaExhausted),
        ("Billing hard limit has been reached", QuotaExhausted),
        (f"Incorrect API key provided: {KEY}", AuthenticationFailed),
        ("You didn't provide an API key.", AuthenticationFailed),
        ("The model `nope` does not exist", ModelNotFound),
        ("This model's maximum context length is 4097 tokens.", ContextTooLong),
        ("Service unavailable", ServiceFailed),
        ("Internal Server Error", ServiceFailed),
        ("", ServiceFailed),
        ("过载 \x1b[31m", ServiceFailed),
    ],
)
async def test_reason_phrase_says_what_the_status_does_not(
    adapter: Aura, wire: Wire, reason: str, kind: type[AdapterError]
) -> None:
    wire.put(b"Error", status=500, reason=reason)
    _, error = await read(adapter)

    assert type(error) is kind
    assert error.status == 500
    assert KEY not in str(error)
    assert str(error).isprintable()


async def test_other_statuses_are_told_by_themselves(adapter: Aura, wire: Wire) -> None:
    """A page in front of the service answers with them, and its reason phrase is only the usual one."""
    kinds = []
    for status in (403, 404, 502, 524):
        wire.put(b"<html>blocked</html>", status=status)
        kinds.append(type((await read(adapter))[1]))

    assert kinds == [AuthenticationFailed, NotWorking, ServiceFailed, ServiceFailed]


async def test_bytes_may_be_split_anywhere(adapter: Aura, wire: Wire) -> None:
    for pieces in every_split(TEXT.encode()):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert error is None
        assert (text(deltas), deltas[-1].finish_reason) == (TEXT, "stop")


async def test_cut_after_every_byte_is_never_a_silent_end(adapter: Aura, wire: Wire) -> None:
    body = TEXT.encode()
    for n in range(len(body) + 1):
        wire.put(body[:n], cut=True)
        deltas, error = await read(adapter)

        assert isinstance(error, ConnectionLost)
        assert TEXT.startswith(text(deltas))
        assert not proved(deltas)


async def test_unframed_end_has_no_finish_reason(adapter: Aura, wire: Wire) -> None:
    wire.put(b"hello", headers={})
    deltas, error = await read(adapter)

    assert error is None
    assert deltas == [Delta("hello"), Delta(ends=True)]


async def test_nothing_of_the_text_is_trimmed_or_interpreted(adapter: Aura, wire: Wire) -> None:
    for body in (" null\n", "data: [DONE]\n\n", "\u2028\x00\x85", "{}", "当日额度已消耗完"):
        wire.put(body.encode())
        deltas, error = await read(adapter)

        assert error is None
        assert text(deltas) == body


@pytest.mark.parametrize("fault", ["cut", "cut_clean", "stall_after"])
async def test_reply_that_never_ends_can_be_left(fault: str) -> None:
    """The server says nothing when the service behind it breaks off; the clock is the router's."""
    async with AuraSimulator(fault=fault) as simulator:
        adapter = Aura(simulator.url)
        deltas: list[Delta] = []
        stream = adapter.stream(ChatRequest.build(ASK))
        with anyio.move_on_after(0.05) as clock:
            async for delta in stream:
                deltas.append(delta)  # noqa: PERF401 - what came before the clock struck
        await stream.aclose()
        await simulator.drained()
        await adapter.aclose()

    assert clock.cancelled_caught
    assert not proved(deltas)
    gc.collect()


async def test_end_keeps_the_connection_and_leaving_early_closes_it() -> None:
    async with AuraSimulator(text="word " * 20) as simulator:
        adapter = Aura(simulator.url)
        await read(adapter)
        await read(adapter)
        connections = simulator.connections
        stream = adapter.stream(ChatRequest.build(ASK))
        async for _ in stream:
            break
        await stream.aclose()
        await simulator.drained()
        await adapter.aclose()

    assert connections == 1
    gc.collect()


async def test_probe_lists_the_models_that_the_server_knows() -> None:
    async with AuraSimulator() as simulator:
        known, unknown = Aura(simulator.url), Aura(simulator.url, model="nope")
        results = [await known.probe(), await unknown.probe()]
        await known.aclose()
        await unknown.aclose()

    assert [result.working for result in results] == [True, True]
    assert results[0].models == ("openchat_3.6",)
    assert "'nope'" in results[1].reason
    assert simulator.turns == 0
    assert simulator.requests[0].json() == {"key": ""}


async def test_probe_of_something_else_finds_it_not_working(adapter: Aura, wire: Wire) -> None:
    for body in (b"<html>", b"{}", b""):
        wire.put(body)
        result = await adapter.probe()

        assert result.working is False
    wire.put(b"Error", status=500, reason=f"Incorrect API key provided: {KEY}")
    result = await adapter.probe()

    assert result.working is False
    assert KEY not in result.reason + adapter.working_reason


def test_public_host_is_gone_until_a_probe_succeeds() -> None:
    adapter = Aura()

    assert adapter.working is False
    assert "openchat.team" in adapter.working_reason


@pytest.mark.parametrize("settings", [{"token_limit": 0}, {"key": "two\nlines"}])
def test_settings_that_cannot_be_used_are_refused(settings: Any) -> None:
    with pytest.raises(ValueError):
        Aura("http://127.0.0.1:9", **settings)


def test_key_shows_itself_nowhere() -> None:
    for key in (KEY, Secret(KEY)):
        adapter = Aura("http://127.0.0.1:9", key=key)

        assert KEY not in repr(adapter) + str(vars(adapter))
