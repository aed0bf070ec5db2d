"""A server of raw sockets on the loopback address: its handler says every byte, and how the connection ends."""

from __future__ import annotations

import socket
import struct
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio.streams.tls import TLSStream

from adapters.http.transport import Origin, RequestHead, request_head

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Talk:
    """One connection as the server has it."""

    def __init__(self, stream: Any, number: int) -> None:
        self.stream = stream
        self.number = number
        self.received = b""

    async def request(self) -> bytes:
        """Read one request, and return it whole; raises EndOfStream where none comes."""
        while b"\r\n\r\n" not in self.received:
            self.received += await self.stream.receive()
        head, _, _ = self.received.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        size = len(head) + 4 + length
        while len(self.received) < size:
            self.received += await self.stream.receive()
        whole, self.received = self.received[:size], self.received[size:]
        return whole

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            await self.stream.send(part)

    @property
    def sock(self) -> Any:
        return self.stream.extra(anyio.abc.SocketAttribute.raw_socket)

    async def reset(self) -> None:
        """Close so that the peer gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await anyio.aclose_forcefully(self.stream)

    async def gone(self) -> bool:
        """Wait until the client has closed, and return True."""
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            while True:
                await self.stream.receive()
        return True


class Peer:
    """Serves while it is entered; each connection is the handler's.

    Args:
        handler: Called with each connection. What it raises for a lost connection is nothing.
        tls: Of the server.
    """

    def __init__(
        self,
        handler: Callable[[Talk], Awaitable[None]],
        *,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int = 0,
    ) -> None:
        self._handler = handler
        self._tls = tls
        self._receive_buffer = receive_buffer
        self.port = 0
        self.accepted = 0
        self.open = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            listener = await anyio.create_tcp_listener(local_host=HOST, backlog=2048)
            self.port = listener.extra(anyio.abc.SocketAttribute.local_port)
            if self._receive_buffer:
                raw = listener.listeners[0].extra(anyio.abc.SocketAttribute.raw_socket)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.push_async_callback(listener.aclose)
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(listener.serve, self._serve)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _serve(self, stream: Any) -> None:
        self.accepted += 1
        number = self.accepted
        self.open += 1
        lost = (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError, OSError)
        try:
            async with stream:
                with suppress(*lost):
                    if self._tls is not None:
                        stream = await TLSStream.wrap(
                            stream, server_side=True, ssl_context=self._tls, standard_compatible=False
                        )
                    try:
                        await self._handler(Talk(stream, number))
                    finally:
                        with suppress(*lost):
                            await stream.aclose()
        finally:
            self.open -= 1

    @property
    def origin(self) -> Origin:
        return Origin(self._tls is not None, "localhost" if self._tls else HOST, self.port)

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://{self.origin.host}:{self.port}"

    def head(
        self, method: bytes = b"POST", target: bytes = b"/", headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> RequestHead:
        return request_head(self.origin, method, target, [(b"Host", b"localhost"), *headers])


def saying(*parts: bytes, then: str = "close") -> Callable[[Talk], Awaitable[None]]:
    """Return a handler that reads one request, says `parts`, and then closes, resets, waits or goes on."""

    async def handler(talk: Talk) -> None:
        while True:
            await talk.request()
            await talk.send(*parts)
            if then == "reset":
                await talk.reset()
                return
            if then == "wait":
                await talk.gone()
                return
            if then == "close":
                return

    return handler


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until `condition` holds; fails the test where it never does."""
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.001)
