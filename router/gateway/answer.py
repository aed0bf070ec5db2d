"""One client's request and its answer over ASGI: whole, or streamed as honestly as HTTP allows.

Before the first content a failure is an HTTP status with an error document. After it, it is an error event,
and the connection is dropped without the last chunk: the SDKs take a body that ends cleanly for a whole one.

The client's leaving is watched from the beginning of the request: while the upstream is silent, nothing else
would tell of it. It cancels the reply, and with it what runs at the provider.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from router.gateway.body import Left
from router.gateway.failure import Failure, Refused, failure_of, id_headers, identified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message, Receive, Send

    from router import Router
    from router.gateway.asked import Asked
    from router.gateway.client import Client
    from router.gateway.dialects.dialect import Dialect
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
        client: Tells when the client leaves; None where the server that runs the application cannot.
        comment_after: Seconds of silence after which a streamed answer gets a comment; None for never. The
            first comment sends status 200, so a failure is an error event from then on.

    Attributes:
        stream: The reply, as soon as a provider gives one.
    """

    def __init__(
        self,
        asked: Asked,
        dialect: Dialect,
        send: Send,
        client: Client | None = None,
        comment_after: float | None = None,
    ) -> None:
        self._asked = asked
        self._dialect = dialect
        self._send = send
        self._client = client
        self._comment_after = comment_after if asked.streams else None
        self._writing = anyio.Lock(fast_acquire=True)
        self.stream: ReplyStream | None = None
        self._started = False
        self._over = False  # the last part was sent, or an error event
        self._failed = False
        self._bug: Exception | None = None
        self._last_write = 0.0

    async def give(self, router: Router, receive: Receive) -> None:
        """Ask the router, and send what comes of it; a client that leaves cancels everything.

        Raises:
            Dropped: The streamed answer failed after it had begun; an error event was the last that was sent.
            Exception: A bug of this side. The client was told; the server that runs the application logs it.
        """
        if self._client is None or self._comment_after is not None:
            await self._reply_beside_tasks(router, receive)
        else:
            with anyio.CancelScope() as scope:
                self._client.when_left(partial(self._left, scope))
                await self._reply(router)
                self._client.when_left(None)
        if self._bug is not None:
            raise self._bug
        if self._failed:
            raise Dropped

    async def _reply_beside_tasks(self, router: Router, receive: Receive) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, receive, group.cancel_scope)
            if self._comment_after is not None:
                self._last_write = anyio.current_time()
                group.start_soon(self._comment, self._comment_after)
            await self._reply(router)
            group.cancel_scope.cancel()

    async def _reply(self, router: Router) -> None:
        try:
            await (self._stream(router) if self._asked.streams else self._whole(router))
        except Left:
            pass  # a server may say so where something is sent
        except Exception as bug:  # noqa: BLE001 - raised again, outside of all scopes
            self._bug = bug

    async def _whole(self, router: Router) -> None:
        began = anyio.current_time()
        reply = None
        try:
            async with self._asked.put_to(router) as stream:
                self.stream = stream
                first_content = anyio.current_time() - began
                reply = await stream.collect()
            body = self._dialect.whole(self._asked, reply, stream.request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            await self.refuse(self._failure(error))
            return
        await send_document(self._putting, 200, body, _told(stream, first_content))

    async def _stream(self, router: Router) -> None:
        began = anyio.current_time()
        writer = self._dialect.writer(self._asked)
        try:
            async with self._asked.put_to(router) as stream:
                self.stream = stream
                first_content = anyio.current_time() - began
                # There is content already, and it may name the model.
                deltas = await stream.receive_ready()
                head, data = _told(stream, first_content), writer.begin(stream) + writer.deltas(deltas)
                while not stream.is_proved:
                    await self._write(data, head)
                    # Deltas that are at hand go out in one write.
                    data = writer.deltas(await stream.receive_ready())
                # The client need not wait for what is cleaned up at the provider.
                await self._write(data + writer.end(stream), head, last=True)
                with suppress(anyio.EndOfStream):
                    await stream.receive()
        except Left:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            failure = self._failure(error)
            if self._over:
                return
            if self._started:
                self._failed = True
                await self._write(writer.failed(failure), failed=True)
            else:
                await self.refuse(failure)

    async def _write(
        self, data: bytes, head: Sequence[tuple[str, str]] = (), *, last: bool = False, failed: bool = False
    ) -> None:
        if not data and not last:
            return
        async with self._writing:
            if not self._started:
                self._started = True
                await self._putting(_start(200, head, _EVENTS))
            self._over = last or failed
            await self._putting({"type": "http.response.body", "body": data, "more_body": not last})
            self._last_write = anyio.current_time()

    async def _putting(self, message: Message) -> None:
        """Send a part of the answer.

        Raises:
            Left: The server says that the client is gone, as ASGI 2.4 lets it.
        """
        try:
            await self._send(message)
        except OSError as gone:
            raise Left from gone

    async def _comment(self, after: float) -> None:
        with suppress(Left):  # whoever writes the reply is told too
            while not self._over:
                left = self._last_write + after - anyio.current_time()
                if left > 0:
                    await anyio.sleep(left)
                else:
                    await self._write(COMMENT)

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left(scope)

    def _left(self, scope: anyio.CancelScope) -> None:
        if not self._over:  # servers report a client as gone, too, once its answer is whole
            scope.cancel()

    def _failure(self, error: Exception) -> Failure:
        """Return what the client is told of an error; one of this side's own is kept, to be raised."""
        if isinstance(error, Refused):
            return error.failure
        failure = failure_of(error, asked=self.stream is not None)
        if failure.request_id is None and self.stream is not None:
            failure = replace(failure, request_id=self.stream.request_id)
        if failure.is_bug:
            self._bug = error
        return failure

    async def refuse(self, failure: Failure) -> None:
        """Send a failure instead of a reply; nothing was sent yet."""
        async with self._writing:
            self._started = self._over = True
            await send_failure(self._putting, self._dialect, failure)


async def send_failure(send: Send, dialect: Dialect, failure: Failure, *, close: bool = False) -> None:
    """Send a failure in the words of an API.

    Args:
        send: Takes the parts of the answer.
        dialect: The API.
        failure: What is told.
        close: Whether the connection is closed after it, since the rest of a request was not read.
    """
    failure = identified(failure)
    headers = [*failure.headers, *((("connection", "close"),) if close else ())]
    await send_document(send, failure.status, dialect.error(failure), headers)


async def send_document(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()
) -> None:
    """Send one JSON document."""
    sized = [("content-type", "application/json"), ("content-length", str(len(body))), *headers]
    await send(_start(status, sized))
    await send({"type": "http.response.body", "body": body})


_EVENTS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
_UNSENDABLE: Final = re.compile(r"[^\t -~\xa0-\xff]")
"""What a header cannot hold; names of models are a provider's words."""


def _start(
    status: int, headers: Sequence[tuple[str, str]], before: Sequence[tuple[bytes, bytes]] = ()
) -> dict[str, object]:
    raw = [(name.encode("ascii"), _UNSENDABLE.sub("?", value).encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": [*before, *raw]}


def _told(stream: ReplyStream, first_content: float) -> list[tuple[str, str]]:
    """Return the headers that say who answers."""
    model = (("x-chat-router-model", stream.model),) if stream.model else ()
    return [
        *id_headers(stream.request_id),
        ("x-chat-router-provider", stream.provider),
        *model,
        ("x-chat-router-attempts", str(len(stream.attempts))),
        ("x-chat-router-first-content", f"{first_content:.3f}"),
    ]
