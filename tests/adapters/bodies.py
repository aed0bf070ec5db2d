"""Answers given byte by byte, at the edge of HTTP, where a simulator would be too healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from adapters import Adapter, AdapterError, ChatRequest, Delta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

ASK = [{"role": "user", "content": "hello"}]
CHUNKED = {"transfer-encoding": "chunked"}


class Body(httpx.AsyncByteStream):
    """A body in the pieces given; `cut` ends it as a lost connection does."""

    def __init__(self, pieces: Sequence[bytes], *, cut: bool = False) -> None:
        self.pieces = pieces
        self.cut = cut
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if self.closed:
                return
            yield piece
        if self.cut:
            raise httpx.RemoteProtocolError("peer closed connection (incomplete chunked read)")

    async def aclose(self) -> None:
        self.closed = True


class Wire(httpx.AsyncBaseTransport):
    """The transport of tests: answers every request with what was last put on it; keeps the requests.

    One that answers by another rule overrides `answer_to`.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = httpx.Response(200)
        self.body = Body([])

    def put(
        self,
        *pieces: bytes,
        cut: bool = False,
        status: int = 200,
        headers: Mapping[str, str] = CHUNKED,
        reason: str | None = None,
    ) -> None:
        self.body = Body(pieces, cut=cut)
        self.answer = httpx.Response(status, headers=headers, stream=self.body)
        if reason is not None:
            self.answer.extensions["reason_phrase"] = reason.encode()

    def answer_to(self, request: httpx.Request) -> httpx.Response:
        return self.answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer_to(request)

    @property
    def paths(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]


PAGE = (404, b"<html>", "text/html")


class Answers(httpx.AsyncBaseTransport):
    """Answers by method and path, such as `post_settings`, and all other requests with `otherwise`.

    Each answer is a status, a body and a content type. Every one sets the cookie of a load balancer.
    """

    def __init__(self, otherwise: tuple[int, bytes, str] = PAGE, **answers: tuple[int, bytes, str]) -> None:
        self.otherwise = otherwise
        self.answers = answers
        self.requests: list[httpx.Request] = []

    @property
    def paths(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = (request.method + request.url.path.replace("/", "_")).lower()
        status, body, content_type = self.answers.get(name, self.otherwise)
        headers = {"content-type": content_type, "set-cookie": "balancer=a1; Path=/", **CHUNKED}
        return httpx.Response(status, headers=headers, stream=Body([body]))


async def read(
    adapter: Adapter, messages: Any = ASK, **options: Any
) -> tuple[list[Delta], AdapterError | None]:
    """Read a reply to its end; return its deltas, and the error that ended it."""
    deltas: list[Delta] = []
    stream = adapter.stream(ChatRequest.build(messages, **options))
    try:
        async for delta in stream:
            deltas.append(delta)  # noqa: PERF401 - an error must not take what came before it
    except AdapterError as error:
        return deltas, error
    finally:
        await stream.aclose()
    return deltas, None


def text(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def proved(deltas: Sequence[Delta]) -> bool:
    return bool(deltas) and deltas[-1].is_last
