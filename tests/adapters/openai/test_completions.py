"""Chat completions over HTTP, byte by byte: cut, split, and what no simulator would send."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ConnectionLost,
    ContextTooLong,
    InvalidRequest,
    Limits,
    ModelNotFound,
    NotWorking,
    OpenAICompatible,
    QuotaExhausted,
    RateLimited,
    ReplyTooLarge,
    ServiceFailed,
    Usage,
)
from tests.adapters.bodies import CHUNKED, Wire, proved, read, text

pytestmark = pytest.mark.anyio

KEY: Final = "sk-canary-4711-secret"


def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


USAGE: Final = b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\n'
DONE: Final = b"data: [DONE]\n\n"
FINISH: Final = chunk({}, "stop")
REPLY: Final = (
    chunk({"role": "assistant", "content": ""})
    + b": ping\n\n"
    + chunk({"content": "Grüße, "})
    + chunk({"reasoning_content": "hm"})
    + chunk({"content": "世界 🦉"})
    + FINISH
    + USAGE
    + DONE
)
TEXT: Final = "Grüße, 世界 🦉"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def adapter(wire: Wire) -> OpenAICompatible:
    return OpenAICompatible("http://127.0.0.1:9/v1", model="m", api_key=KEY, transport=wire)


async def test_cut_after_every_byte_is_never_a_silent_end(adapter: OpenAICompatible, wire: Wire) -> None:
    """Only a body that holds its whole finish reason proves the end, however it is broken off."""
    proof = REPLY.index(FINISH) + len(FINISH.rstrip())
    for n in range(len(REPLY)):
        for cut in (False, True):
            wire.put(REPLY[:n], cut=cut)
            deltas, error = await read(adapter)

            assert TEXT.startswith(text(deltas))
            if n < proof:
                assert not proved(deltas)
                assert isinstance(error, ConnectionLost) is cut
            elif not cut:
                assert proved(deltas)
                assert text(deltas) == TEXT


async def test_splitting_at_every_byte_changes_nothing(adapter: OpenAICompatible, wire: Wire) -> None:
    wire.put(REPLY)
    whole, _ = await read(adapter)
    splits = [[REPLY[:n], REPLY[n:]] for n in range(1, len(REPLY))]
    splits.append([REPLY[n : n + 1] for n in range(len(REPLY))])
    for pieces in splits:
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert error is None
        assert deltas == whole

    assert text(whole) == TEXT
    assert whole[-1].usage == Usage(1, 2)


async def test_document_is_recognised_however_it_is_split(adapter: OpenAICompatible, wire: Wire) -> None:
    document = b' \r\n{"choices": [{"message": {"content": "{\\"a\\": {}}"}, "finish_reason": "stop"}]}\n'
    for n in range(len(document)):
        wire.put(document[:n], document[n:], headers={"content-type": "text/event-stream"})
        deltas, error = await read(adapter)

        assert error is None
        assert (text(deltas), proved(deltas)) == ('{"a": {}}', True)

    for n in range(4, len(document) - 2):
        wire.put(document[:n])
        deltas, error = await read(adapter)

        assert isinstance(error, BadReply)
        assert deltas == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}', RateLimited),
        (b'data: {"error": {"message": "no", "code": "insufficient_quota"}}\n\n', QuotaExhausted),
        (b'event: error\ndata: {"message": "overloaded", "code": 503}\n\n', ServiceFailed),
        (b'{"detail": "Invalid API key"}', AuthenticationFailed),
        (b"<!DOCTYPE html><html></html>", BadReply),
        (b"\n\n<html>", BadReply),
        (b"[1, 2]", BadReply),
        (b'{"id": "1"}', BadReply),
        (b"data: {broken\n\n", BadReply),
    ],
)
async def test_what_is_no_reply_is_an_error_with_status_200(
    adapter: OpenAICompatible, wire: Wire, body: bytes, kind: type[AdapterError]
) -> None:
    for pieces in ([body], [body[n : n + 1] for n in range(len(body))]):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert type(error) is kind
        assert text(deltas) == ""
        assert str(error).startswith("openai: POST /chat/completions")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": {"code": "context_length_exceeded", "message": "too long"}}', ContextTooLong),
        (400, b'{"error": {"message": "bad", "type": "invalid_request_error"}}', InvalidRequest),
        (404, b'{"error": {"code": "model_not_found", "message": "no such model"}}', ModelNotFound),
        (403, b"limit to use gpt-3.5-turbo and embeddings", ModelNotFound),
        (401, b"wrong api key", AuthenticationFailed),
        (402, b"", QuotaExhausted),
        (503, b"<html><body>sorry</body></html>", ServiceFailed),
        (529, b'{"error": {"type": "overloaded_error"}}', ServiceFailed),
        (204, b"", BadReply),
    ],
)
async def test_failed_answers_are_told_by_their_body(
    adapter: OpenAICompatible, wire: Wire, status: int, body: bytes, kind: type[AdapterError]
) -> None:
    wire.put(body, status=status)
    _, error = await read(adapter)

    assert type(error) is kind
    assert error.status == status
    assert "sorry" not in str(error)


async def test_error_event_after_the_finish_reason_is_an_error(adapter: OpenAICompatible, wire: Wire) -> None:
    wire.put(chunk({"content": "hi"}) + FINISH + b'data: {"error": {"message": "late"}}\n\n' + DONE)
    deltas, error = await read(adapter)

    assert text(deltas) == "hi"
    assert isinstance(error, ServiceFailed)


async def test_connection_lost_after_the_finish_reason_is_no_error(
    adapter: OpenAICompatible, wire: Wire
) -> None:
    wire.put(chunk({"content": "hi"}, "stop"), cut=True)
    deltas, error = await read(adapter)

    assert error is None
    assert [(d.text, d.finish_reason) for d in deltas] == [("hi", None), ("", "stop")]


async def test_nothing_after_the_end_mark_is_delivered(adapter: OpenAICompatible, wire: Wire) -> None:
    wire.put(chunk({"content": "hi"}) + DONE + chunk({"content": "more"}) + DONE)
    deltas, error = await read(adapter)

    assert error is None
    assert (text(deltas), proved(deltas)) == ("hi", True)


async def test_harmless_frame_of_chat_anywhere_is_passed_over(adapter: OpenAICompatible, wire: Wire) -> None:
    frame = b'data: {"error":{"message":"","type":"chatanywhere_error","param":null,"code":"200 OK"}}\n\n'
    wire.put(frame + REPLY.replace(FINISH, frame + FINISH))
    deltas, error = await read(adapter)

    assert error is None
    assert text(deltas) == TEXT


async def test_limits_hold_for_streams_and_documents(wire: Wire) -> None:
    adapter = OpenAICompatible("http://127.0.0.1:9", transport=wire, limits=Limits(reply=1000, line=2000))
    content = "x" * 1500
    wire.put(chunk({"content": content}))
    _, streamed = await read(adapter)
    wire.put(b'{"choices": [{"message": {"content": "' + content.encode() + b'"}}]}')
    _, document = await read(adapter)

    assert isinstance(streamed, ReplyTooLarge)
    assert isinstance(document, ReplyTooLarge)


async def test_key_is_masked_where_the_peer_echoes_it(adapter: OpenAICompatible, wire: Wire) -> None:
    echo = f"Incorrect API key provided: {KEY}"
    said = []
    for status in (200, 401, 500):
        wire.put(json.dumps({"error": {"message": echo, "code": KEY}}).encode(), status=status)
        said.append((await read(adapter))[1])
    wire.put(b"data: " + json.dumps({"error": echo}).encode() + b"\n\n")
    said.append((await read(adapter))[1])
    wire.put(b"", status=307, headers={"location": f"http://{KEY}.example.org/"})
    said.append((await read(adapter))[1])
    shown = "".join(f"{error!s} {error!r} {error.args}" for error in said if error)

    assert all(said)
    assert "***" in shown
    assert KEY not in shown
    assert KEY not in repr(adapter) + str(vars(adapter))


@pytest.mark.parametrize(
    ("status", "body", "working"),
    [
        (404, b"", None),
        (405, b"", None),
        (200, b'[{"id": "x"}, {"no": 1}]', True),
        (200, b"<html>", None),
        (200, b'{"data": 1}', None),
        (200, b'{"data": null}', None),
        (401, b"", None),
        (403, b"", None),
        (429, b"", None),
        (500, b"", None),
        (503, b"", None),
    ],
)
async def test_probe_says_what_an_answer_shows(
    adapter: OpenAICompatible, wire: Wire, status: int, body: bytes, working: bool | None
) -> None:
    wire.put(body, status=status)
    result = await adapter.probe()

    assert result.working is working
    assert wire.requests[0].url.path == "/v1/models"


@pytest.mark.parametrize("told", ["header", "event"])
async def test_a_200_whose_first_event_is_a_429_is_rate_limited_and_its_headers_count(
    adapter: OpenAICompatible, wire: Wire, told: str
) -> None:
    said = "slow down" if told == "header" else "Rate limit reached. Please try again in 9s."
    headers = {**CHUNKED, **({"retry-after": "9"} if told == "header" else {})}
    for event in (b"data: ", b"error: ", b"event: error\ndata: "):
        body = event + json.dumps({"error": {"message": said, "code": 429}}).encode() + b"\n\n"
        wire.put(body, headers=headers)
        _, error = await read(adapter)

        assert isinstance(error, RateLimited)
        assert 9.0 == error.retry_after


@pytest.mark.parametrize(
    ("status", "body", "kind", "scope", "ambiguous"),
    [
        (403, b"", AuthenticationFailed, "account", True),
        (403, b"<html><title>Attention Required</title></html>", NotWorking, "provider", True),
        (404, b"", NotWorking, "provider", True),
        (403, b'{"error": {"message": "Key limit exceeded"}}', QuotaExhausted, "account", False),
        (
            500,
            b'{"error": {"message": "maximum context length is 9 tokens"}}',
            ContextTooLong,
            "request",
            False,
        ),
        (429, b'{"error": {"message": "Rate limit reached for model gpt-9"}}', RateLimited, "model", False),
        (401, b'{"error": {"code": "invalid_api_key"}}', AuthenticationFailed, "account", False),
    ],
)
async def test_an_error_says_whom_it_speaks_about(
    adapter: OpenAICompatible,
    wire: Wire,
    status: int,
    body: bytes,
    kind: type[AdapterError],
    scope: str,
    ambiguous: bool,
) -> None:
    wire.put(body, status=status, headers={**CHUNKED, "retry-after": "9"})
    _, error = await read(adapter)

    assert kind is type(error)
    assert (scope, ambiguous) == (error.scope, error.ambiguous)
    assert (error.retry_after is None) is (scope == "request" or ambiguous)


async def test_key_is_masked_in_a_finish_reason_that_fails(adapter: OpenAICompatible, wire: Wire) -> None:
    wire.put(chunk({"content": "a"}) + chunk({}, f"error_{KEY}") + chunk({}, "error") + DONE)
    _, error = await read(adapter)

    assert isinstance(error, ServiceFailed)
    assert KEY not in str(error)
