"""One client's request and its answer over ASGI: whole, or streamed as honestly as HTTP allows.

Before the first content a failure is an HTTP status with an error document. After it, it is an error event,
and the connection is dropped without the last chunk: the SDKs take a body that ends cleanly for a whole one.

A task waits for the client's leaving from the beginning of the request: ASGI servers tell of it nowhere else
while the upstream is silent. Its end cancels the reply, and with it what runs at the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from router.gateway.failure import Failure, Refused, failure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Send

    from router import Router
    from router.gateway.asked import Asked
    from router.gateway.dialects.dialect import Dialect, Writer
    from router.reply.stream import ReplyStream

COMMENT = b": still waiting\n\n"
"""A comment of server-sent events; every client skips it."""


class Dropped(Exception):
    """Ends an answer without its last chunk. The server that runs the application closes the connection."""


class Answer:
    """The answer to one request.

    Args:
        asked: What the client asks for.
        dialect: The API that it speaks.
        send: Takes the parts of the answer.
        comment_after: Seconds of silence after which a streamed answer gets a comment; None for never. The
            first comment sends status 200, so a failure is an error event from then on.

    Attributes:
        stream: The reply, as soon as a provider gives one.
    """

    def __init__(
        self, asked: Asked, dialect: Dialect, send: Send, comment_after: float | None = None
    ) -> None:
        self._asked = asked
        self._dialect = dialect
        self._send = send
        self._comment_after = comment_after if asked.streams else None
        self._writing = anyio.Lock()
        self.stream: ReplyStream | None = None
        self._started = False
        self._failed = False
        self._last_write = 0.0

    async def give(self, router: Router, receive: Receive) -> None:
        """Ask the router, and send what comes of it; a client that leaves cancels everything.

        Raises:
            Dropped: The streamed answer failed after it had begun; an error event was the last that was sent.
        """
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_left, receive, group.cancel_scope)
            if self._comment_after is not None:
                self._last_write = anyio.current_time()
                group.start_soon(self._comment, self._comment_after)
            await (self._stream(router) if self._asked.streams else self._whole(router))
            group.cancel_scope.cancel()
        if self._failed:
            raise Dropped

    async def _whole(self, router: Router) -> None:
        began = anyio.current_time()
        try:
            async with self._asked.put_to(router) as stream:
                self.stream = stream
                headers = _told(stream, anyio.current_time() - began)
                reply = await stream.collect()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            await self.refuse(_failure(error))
            return
        body = self._dialect.whole(self._asked, reply, stream.request_id)
        await send_document(self._send, 200, body, headers)

    async def _stream(self, router: Router) -> None:
        began = anyio.current_time()
        writer = self._dialect.writer(self._asked)
        try:
            async with self._asked.put_to(router) as stream:
                self.stream = stream
                head = _told(stream, anyio.current_time() - began)
                await self._write(writer.begin(stream), head)
                await self._hand_on(stream, writer)
                await self._write(writer.end(stream), last=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            failure = _failure(error)
            if self._started:
                self._failed = True
                await self._write(writer.failed(failure))
            else:
                await self.refuse(failure)

    async def _hand_on(self, stream: ReplyStream, writer: Writer) -> None:
        """Send what comes; deltas that are at hand go out in one write."""
        while True:
            try:
                deltas = await stream.receive_ready()
            except anyio.EndOfStream:
                return
            await self._write(writer.deltas(deltas))

    async def _write(self, data: bytes, head: Sequence[tuple[str, str]] = (), *, last: bool = False) -> None:
        async with self._writing:
            if not self._started:
                self._started = True
                await self._send(_start(200, [*_EVENTS, *head]))
            if data or last:
                await self._send({"type": "http.response.body", "body": data, "more_body": not last})
            self._last_write = anyio.current_time()

    async def _comment(self, after: float) -> None:
        while True:
            left = self._last_write + after - anyio.current_time()
            if left > 0:
                await anyio.sleep(left)
            else:
                await self._write(COMMENT)

    async def refuse(self, failure: Failure) -> None:
        """Send a failure instead of a reply; nothing was sent yet."""
        await send_failure(self._send, self._dialect, failure)


async def send_failure(send: Send, dialect: Dialect, failure: Failure, *, close: bool = False) -> None:
    """Send a failure in the words of an API.

    Args:
        send: Takes the parts of the answer.
        dialect: The API.
        failure: What is told.
        close: Whether the connection is closed after it, since the rest of a request was not read.
    """
    headers = [*failure.headers, *((("connection", "close"),) if close else ())]
    await send_document(send, failure.status, dialect.error(failure, None), headers)


async def send_document(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()
) -> None:
    """Send one JSON document."""
    sized = [("content-type", "application/json"), ("content-length", str(len(body))), *headers]
    await send(_start(status, sized))
    await send({"type": "http.response.body", "body": body})


_EVENTS = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)


def _start(status: int, headers: Sequence[tuple[str, str]]) -> dict[str, object]:
    raw = [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": raw}


def _told(stream: ReplyStream, first_content: float) -> list[tuple[str, str]]:
    """Return the headers that say who answers."""
    return [
        ("x-request-id", stream.request_id),
        ("request-id", stream.request_id),  # the name that Anthropic's clients read
        ("x-chat-router-provider", stream.provider),
        ("x-chat-router-model", stream.model or ""),
        ("x-chat-router-attempts", str(len(stream.attempts))),
        ("x-chat-router-first-content", f"{first_content:.3f}"),
    ]


def _failure(error: Exception) -> Failure:
    if isinstance(error, Refused):
        return error.failure
    return failure_of(error)


async def _cancel_when_left(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
