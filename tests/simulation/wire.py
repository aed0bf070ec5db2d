"""A provider of a simulated world: the real OpenAI-style adapter, over a transport that plays bytes."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from adapters import OpenAICompatible
from tests.simulation.plan import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulation.book import Book, Call
    from tests.simulation.plan import ProviderPlan

HUNG: Final = 1e6
Piece = tuple[float, bytes]
_GARBAGE: Final = (
    b"<html>busy</html>",
    b'data: {"choices": [{"delta": {"content": 7}}]}\n\n',
    b"data: {broken\n\n",
    b'data: {"choices": {}}\n\n',
    b'{"error": {"message": "no"}}',
    b'{"detail": "no"}',
    b'data: "\\ud800"\n\n',
    b"\xff\xfe\x00" * 20,
    b'data: {"id": ' + b"9" * 5000 + b"}\n\n",
    b"data: " + b"[" * 3000 + b"\n\n",
)
_QUIET: Final = (
    b": ping",
    b'data: {"choices": [{"delta": {"role": "assistant"}}]}',
    b'data: {"choices": []}',
    b'data: {"choices": [{"delta": {"content": ""}}], "model": "big"}',
    b"event: ping\ndata: {}",
)


def wire_adapter(plan: ProviderPlan, book: Book) -> OpenAICompatible:
    return OpenAICompatible(
        f"http://{plan.name}.test/v1",
        name=plan.name,
        api_key=KEY,
        transport=_Transport(plan, book),
        cleanup_timeout=book.plan.close,
    )


class _Transport(httpx.AsyncBaseTransport):
    """Answers by script."""

    def __init__(self, plan: ProviderPlan, book: Book) -> None:
        self._plan = plan
        self._book = book

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        messages = json.loads(b"".join(request.stream))["messages"]
        partial = messages[-2]["content"] if len(messages) > 1 else ""
        call = self._book.call(self._plan, messages[0]["content"], partial, anyio.current_time())
        source = random.Random(call.script.style)
        try:
            return await self._answer(call, source)
        except BaseException:
            call.open = False
            raise

    async def _answer(self, call: Call, source: random.Random) -> httpx.Response:
        ending, steps = call.script.ending, call.script.steps
        await anyio.sleep(steps[0].delay)
        if ending.fault in ("refused", "unreachable", "status"):
            await anyio.sleep(ending.delay)
            call.failed_at = anyio.current_time()
            if ending.fault != "status":
                raise _CONNECT[ending.fault]("as told")
            said = json.dumps({"error": {"message": f"no: {KEY}", "type": KEY}}).encode()
            headers = {"retry-after": ending.retry_after} if ending.retry_after else {}
            return httpx.Response(ending.status, headers=headers, stream=_Bytes(call, [(0.0, said)], None))
        return httpx.Response(
            200,
            headers={"transfer-encoding": "chunked", "content-type": "text/event-stream"},
            stream=_Bytes(call, _cut(_pieces(call, source), source), ending.fault),
        )


_CONNECT: Final[dict[str, type[httpx.TransportError]]] = {
    "refused": httpx.ConnectError,
    "unreachable": httpx.ConnectTimeout,
}


class _Bytes(httpx.AsyncByteStream):
    """The body of one answer."""

    def __init__(self, call: Call, pieces: list[Piece], fault: str | None) -> None:
        self._call = call
        self._left = iter(pieces)
        self._fault = fault

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            while self._call.open:
                delay, data = next(self._left, (-1.0, b""))
                if delay < 0:
                    self._end()
                await anyio.sleep(delay)
                if data:
                    return data
        except BaseException:
            self._call.open = False
            raise
        raise httpx.ReadError("closed")

    def _end(self) -> None:
        if self._fault is not None:
            self._call.failed_at = anyio.current_time()
        if self._fault in ("lost", "reused", "bug"):
            raise httpx.ReadError("cut")
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._call.open = False


def _pieces(call: Call, source: random.Random) -> list[Piece]:
    """Return the body: an event a step, the ending, and at times what stands behind the end mark."""
    script, line = call.script, source.choice((b"\n", b"\n", b"\r\n"))
    pieces = [(0.0, b"\xef\xbb\xbf" if source.random() < 0.1 else b"")]
    for place, step in enumerate(script.steps):
        event = _content(step.text, source) if step.text else source.choice(_QUIET)
        pieces.append((step.delay if place else 0.0, event.replace(b"\n", line) + 2 * line))
    data, behind = _ending(call, source)
    pieces.append((script.ending.delay, data.replace(b"\n\n", 2 * line)))
    return [*pieces, *behind]


def _content(text: str, source: random.Random, finish: str | None = None) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    event = {"object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + json.dumps(event, ensure_ascii=source.random() < 0.5).encode()


def _ending(call: Call, source: random.Random) -> tuple[bytes, list[Piece]]:
    done = b"data: [DONE]\n\n"
    match call.script.ending.fault:
        case None:
            stop = _content("", source, source.choice(("stop", "length"))) + b"\n\n"
            usage = b'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n'
            proof = source.choice((stop, stop + done, done, stop + usage + done))
            junk = _content("behind the end", source) + b"\n\n" + b'data: {"error": "late"}\n\n'
            behind: list[Piece] = [(0.0, junk)] if proof.endswith(done) and source.random() < 0.3 else []
            return proof, [*behind, (HUNG, b"")] if source.random() < 0.2 else behind
        case "filter":
            return _content("", source, "content_filter") + b"\n\n" + done, []
        case "error event":
            said = json.dumps({"error": {"message": f"sorry, {KEY}", "code": 500}}).encode()
            end = done if source.random() < 0.5 else b""
            return source.choice((b"", b"event: error\n")) + b"data: " + said + b"\n\n" + end, []
        case "garbage":
            return source.choice(_GARBAGE if not call.text else _GARBAGE[1:4]), []
        case "hang":
            return b": still here\n\n", [(HUNG, b"")]
    return b"", []


def _cut(pieces: list[Piece], source: random.Random) -> list[Piece]:
    """Return the same bytes cut at random places: within a character, a line end, an event."""
    cut: list[Piece] = []
    for delay, data in pieces:
        if len(data) > 2 and source.random() < 0.5:
            places = sorted(source.sample(range(1, len(data)), min(len(data) - 1, source.randint(1, 3))))
            parts = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
            cut += [(delay if n == 0 else 0.0, part) for n, part in enumerate(parts)]
        else:
            cut.append((delay, data))
    return cut
