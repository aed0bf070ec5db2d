"""The end of a reply: every word that a server sends before it is delivered, at whatever pace it comes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import AdapterError, ChatRequest, ConnectionLost, Delta, Limits, OpenAICompatible, Usage
from tests.adapters.bodies import ASK, CHUNKED, proved, text
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DONE: Final = b"data: [DONE]\n\n"
SILENCE: Final = Limits().silence_after_finish


@dataclass
class Paced(httpx.AsyncByteStream):
    """A body whose pieces come after pauses, and which ends, is cut, or says nothing more.

    `sent` is when each piece left.
    """

    pieces: list[tuple[float, bytes]]
    end: str
    sent: list[float] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for pause, piece in self.pieces:
            await anyio.sleep(pause)
            self.sent.append(anyio.current_time())
            yield piece
        if self.end == "silence":
            while True:
                await anyio.sleep(0.3)
                yield b": still here\n\n"
        if self.end == "cut":
            raise httpx.RemoteProtocolError("peer closed connection (incomplete chunked read)")


class Server(httpx.AsyncBaseTransport):
    def __init__(self, body: Paced) -> None:
        self.body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=CHUNKED, stream=self.body)


@dataclass
class Read:
    """What was read of a reply, when each delta came, and when it was over."""

    deltas: list[Delta] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    error: AdapterError | None = None
    ended: float = 0.0


def read(body: Paced, backend: str, **settings: Any) -> Read:
    """Read a reply on virtual time."""

    async def reading() -> Read:
        result = Read()
        adapter = OpenAICompatible("http://127.0.0.1:9/v1", model="m", transport=Server(body), **settings)
        stream = adapter.stream(ChatRequest.build(ASK))
        try:
            async for delta in stream:
                result.deltas.append(delta)
                result.at.append(anyio.current_time())
        except AdapterError as error:
            result.error = error
        finally:
            await stream.aclose()
            await adapter.aclose()
        result.ended = anyio.current_time()
        return result

    return run_virtual(reading, backend)


def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).encode()
        + b"\n\n"
    )


def calls(number: int) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "id": f"c{number}", "function": {"name": "f", "arguments": "{}"}}]}


USAGE: Final = b'data: {"choices": [], "usage": {"total_tokens": 5}}\n\n'
KINDS: Final = ("text", "reasoning", "call", "usage", "ping")
PACES: Final = st.sampled_from([0.0, 0.05, 0.1, 0.4, 0.9])
EVENTS: Final = st.lists(st.tuples(PACES, st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=8)


def event(number: int, kind: str, reason: str | None) -> bytes:
    match kind:
        case "text":
            return chunk({"content": f"t{number} "}, reason)
        case "reasoning":
            return chunk({"reasoning_content": f"r{number} "}, reason)
        case "call":
            return chunk(calls(number), reason)
        case "usage":
            return USAGE
        case _:
            return b": ping\n\n"


@pytest.mark.parametrize("backend", BACKENDS)
@given(events=EVENTS, end=st.sampled_from(["done", "eof", "silence"]))
def test_everything_before_the_end_is_delivered_as_fast_as_it_comes(
    backend: str, events: list[tuple[float, str, bool]], end: str
) -> None:
    pieces = [
        (0.0 if kind == "ping" else pace, event(n, kind, "stop" if ends else None))
        for n, (pace, kind, ends) in enumerate(events)
    ]
    pieces.append((0.0, chunk({"content": "the end"}, "stop")))
    body = Paced(pieces + [(0.05, DONE)] * (end == "done"), end)

    result = read(body, backend)

    expected = [(kind, number) for number, (_, kind, _) in enumerate(events)]
    texts = "".join(f"t{number} " for kind, number in expected if kind == "text") + "the end"
    assert (None, texts) == (result.error, text(result.deltas))
    assert "".join(f"r{n} " for kind, n in expected if kind == "reasoning") == "".join(
        delta.reasoning for delta in result.deltas
    )
    assert [f"c{n}" for kind, n in expected if kind == "call"] == [
        fragment.id for delta in result.deltas for fragment in delta.tool_calls
    ]
    assert proved(result.deltas)
    assert 1 == sum(delta.is_last for delta in result.deltas)
    last = result.deltas[-1]
    assert ("stop", Usage(total_tokens=5) if ("usage" in (kind for kind, _ in expected)) else None) == (
        last.finish_reason,
        last.usage,
    )
    contents = [at for at, delta in zip(result.at, result.deltas, strict=True) if delta.has_content]
    sent = [at for at, (_, kind, _) in zip(body.sent, events, strict=False) if kind not in ("usage", "ping")]
    assert contents == pytest.approx([*sent, body.sent[len(events)]])
    over = body.sent[-1] + (SILENCE if end == "silence" else 0.0)
    assert result.ended == pytest.approx(over, abs=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("late", [0.06, 0.4, 0.95])
def test_usage_and_a_second_call_come_late(backend: str, late: float) -> None:
    pieces = [(0.0, chunk(calls(1), "tool_calls")), (late, chunk(calls(2), "tool_calls")), (late, USAGE)]

    result = read(Paced(pieces, "silence"), backend)

    assert ["c1", "c2"] == [fragment.id for delta in result.deltas for fragment in delta.tool_calls]
    assert ("tool_calls", Usage(total_tokens=5)) == (
        result.deltas[-1].finish_reason,
        result.deltas[-1].usage,
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_silence_is_a_setting(backend: str) -> None:
    pieces = [(0.0, chunk({"content": "a"}, "stop")), (3.0, chunk({"content": "b"}, "stop"))]

    patient = read(Paced(pieces, "silence"), backend, limits=Limits(silence_after_finish=5))
    usual = read(Paced(pieces, "silence"), backend)

    assert ("ab", "a") == (text(patient.deltas), text(usual.deltas))
    assert [8.0, 1.0] == [pytest.approx(patient.ended), pytest.approx(usual.ended)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cut_behind_the_only_finish_reason_is_no_failure_and_behind_further_words_it_is(
    backend: str,
) -> None:
    """Where a finish reason stands on each chunk it proves nothing, so a cut may have lost words."""
    once = read(Paced([(0.0, chunk({"content": "a"}, "stop"))], "cut"), backend)
    more = [(0.0, chunk({"content": "a"}, "stop")), (0.1, chunk({"content": "b"}, "stop"))]
    often = read(Paced(more, "cut"), backend)

    assert (None, True) == (once.error, proved(once.deltas))
    assert (ConnectionLost, False, "ab") == (type(often.error), proved(often.deltas), text(often.deltas))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("end", ["\n", "\r\n\r\n", "", " \n"])
def test_a_document_is_whole_though_a_line_end_and_silence_follow(backend: str, end: str) -> None:
    document = {
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "end_turn"}],
        "usage": {"total_tokens": 5},
    }
    result = read(Paced([(0.0, json.dumps(document).encode()), (0.2, end.encode())], "silence"), backend)

    (delta,) = result.deltas
    assert ("Hi", "stop", Usage(total_tokens=5)) == (delta.text, delta.finish_reason, delta.usage)
    assert result.ended < 0.5
