"""A server of raw sockets on the loopback address: its handler says every byte, and how a connection ends."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import anyio

from adapters.http.transport import Origin, RequestHead, request_head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Gone(Exception):
    """The client ended or reset the connection."""


class Talk:
    """One connection as the server has it.

    Args:
        sock: Non-blocking; an `ssl.SSLSocket` for TLS.
        number: How many there were, this one included.
    """

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.received = b""

    async def handshake(self) -> None:
        await self._until_done(self.sock.do_handshake)  # type: ignore[attr-defined]  # only within TLS

    async def receive(self) -> bytes:
        """Return what comes; raises `Gone` where nothing will."""
        data: bytes = await self._until_done(lambda: self.sock.recv(65536))
        if not data:
            raise Gone
        return data

    async def request(self) -> bytes:
        """Read one request, and return it whole."""
        while b"\r\n\r\n" not in self.received:
            self.received += await self.receive()
        head, _, _ = self.received.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        size = len(head) + 4 + length
        parts = [self.received]
        while (missing := size - sum(map(len, parts))) > 0:
            parts.append(await self.receive())
        joined = b"".join(parts)
        whole, self.received = (
            joined[: len(joined) + min(missing, 0)],
            joined[len(joined) + min(missing, 0) :],
        )
        return whole

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            left = memoryview(part)
            while left:
                sent = await self._until_done(partial(self.sock.send, left), anyio.wait_writable)
                left = left[sent:]

    def cork(self, on: bool) -> None:
        """Hold back what is sent, so that it goes out in one packet."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

    def close_notify(self) -> None:
        """Say good-bye within TLS, and keep the socket open."""
        with suppress(ssl.SSLWantReadError):
            self.sock.unwrap()  # type: ignore[attr-defined]  # only within TLS

    def reset(self) -> None:
        """Close so that the client gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    async def gone(self) -> None:
        """Wait until the client has closed."""
        with suppress(Gone):
            while True:
                await self.receive()

    async def _until_done(
        self,
        step: Callable[[], Any],
        wait: Callable[[socket.socket], Awaitable[None]] = anyio.wait_readable,
    ) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await anyio.wait_readable(self.sock)
            except ssl.SSLWantWriteError:
                await anyio.wait_writable(self.sock)
            except BlockingIOError:
                await wait(self.sock)
            except OSError as error:
                raise Gone from error


class Peer:
    """Serves while it is entered; each connection is the handler's, and is closed when that returns.

    Args:
        handler: Called with each connection.
        tls: Of the server.
        buffer: Bytes that the kernel receives ahead; its own choice where it is 0.
    """

    def __init__(
        self,
        handler: Callable[[Talk], Awaitable[None]],
        *,
        tls: ssl.SSLContext | None = None,
        buffer: int = 0,
    ) -> None:
        self._handler = handler
        self._tls = tls
        self._listener = socket.socket()
        if buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._listener.setblocking(False)
        self._listener.bind((HOST, 0))
        self._listener.listen(2048)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self.open = 0

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._accept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            await anyio.wait_readable(self._listener)
            sock, _ = self._listener.accept()
            self.accepted += 1
            self.open += 1
            self._group.start_soon(self._serve, sock, self.accepted)

    async def _serve(self, sock: socket.socket, number: int) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with suppress(Gone):
                if self._tls is not None:
                    sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                talk = Talk(sock, number)
                if self._tls is not None:
                    await talk.handshake()
                await self._handler(talk)
        finally:
            sock.close()
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
                talk.reset()
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
        while not condition():  # noqa: ASYNC110 - what the kernel tells the peer sets no event
            await anyio.sleep(0.001)
