"""The raw socket of one connection.

The streams of anyio are not enough here: on asyncio they say goodbye (FIN) before they close, so a reset
would look like an orderly end. `anyio.wait_readable` and `wait_writable` leave every byte and both ways of
closing to us, and behave the same on both backends.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

import anyio
from anyio.lowlevel import checkpoint

_READ: Final = 65536
_NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Peer:
    """The client's end of a connection, as bytes.

    Args:
        sock: A connected socket; this object closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._waiting: anyio.CancelScope | None = None
        self._left = anyio.Event()
        self.closed = False

    async def receive(self) -> bytes:
        """Return the next bytes, or none where the client is gone or the connection was closed here."""
        while not self.closed:
            try:
                return self._socket.recv(_READ)
            except BlockingIOError:
                await self._wait_readable()
            except OSError:
                break
        return b""

    async def send(self, data: bytes) -> None:
        """Write `data`, in one piece where the socket takes it.

        Raises:
            anyio.BrokenResourceError: The client is gone.
            anyio.ClosedResourceError: The connection was closed here.
        """
        await checkpoint()
        rest = memoryview(data)
        while rest:
            if self.closed:
                raise anyio.ClosedResourceError
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    async def close(self, *, reset: bool = False) -> None:
        """Close the connection, in order (FIN) or by a reset (RST). Does nothing the second time."""
        if self.closed:
            return
        self.closed = True
        if self._waiting is not None:
            # A file descriptor that is closed under a waiting reader would stay registered in the event loop.
            self._waiting.cancel()
            with anyio.CancelScope(shield=True):
                await self._left.wait()
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._socket.close()

    async def _wait_readable(self) -> None:
        self._left = anyio.Event()
        try:
            with anyio.CancelScope() as self._waiting:
                await anyio.wait_readable(self._socket)
        finally:
            self._waiting = None
            self._left.set()
