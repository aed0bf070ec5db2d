"""A connection: the one place that waits for a socket.

A read tries the socket first, and waits only where nothing is there. A limit is data, a time of
`anyio.current_time()`. Where the event loop has no watch for sockets, a scope is entered around the wait
alone, and none is open when a call returns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
import httpx

from adapters.http.transport.watch import watch_for

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from adapters.http.transport.channel import Channel
    from adapters.http.transport.request import Origin
    from adapters.http.transport.watch import Watch

_IN_A_ROW: Final = 8
"""Reads or writes without a wait before the others have a turn: an endless sender must starve nobody."""
_TOO_LATE: Final = "nothing came or went until the limit of time"


class Connection:
    """One connection to an origin, in use by one exchange, or idle.

    Args:
        channel: Its bytes.
        origin: Where it goes.

    Attributes:
        origin: Where it goes.
        channel: Its bytes, without waiting.
        closed: Whether it was closed from this side.
    """

    __slots__ = ("_in_a_row", "_in_loop", "_waiting", "_watch", "_watched", "channel", "closed", "origin")

    def __init__(self, channel: Channel, origin: Origin) -> None:
        self.channel = channel
        self.origin = origin
        self.closed = False
        self._waiting = False
        self._in_a_row = 0
        self._watch: Watch | None = None
        self._in_loop = False  # whether the watch is that of the loop in which this exchange runs
        self._watched = True  # unless the event loop cannot

    def read_now(self) -> bytes | None:
        """Return what is there, empty where the peer ended; None where it has to be waited for.

        Raises:
            httpx.ReadError: The connection is lost.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if self._in_a_row >= _IN_A_ROW:
            return None
        try:
            data = None if self._watch is None else self._watch.taken()
            if data is None:
                data = self.channel.read()
        except BlockingIOError:
            return None
        except OSError as error:
            if self.closed:
                raise anyio.ClosedResourceError from None
            raise httpx.ReadError(f"reading failed: {error}") from error
        self._in_a_row += 1
        return data

    def readable(self, limit: float) -> Awaitable[bool | None]:
        """Return what to await until something can be read; `judge` takes what comes of it.

        After many reads in a row it only lets the others have a turn.

        Args:
            limit: The time until which to wait.

        Raises:
            anyio.ClosedResourceError: It was closed from this side while it was awaited, too.
        """
        if self._in_a_row >= _IN_A_ROW:
            return self._wait(_turn, limit)
        if not self._in_loop:
            self._watch = watch_for(self.channel, self._watch) if self._watched else None
            self._in_loop = True
        if self._watch is not None:
            self._in_a_row = 0
            try:
                return self._watch.wait(limit)
            except NotImplementedError:  # asyncio's proactor, on Windows
                self._watch, self._watched = None, False
        return self._wait(anyio.wait_readable, limit)

    @staticmethod
    def judge(came: bool | None) -> None:
        """Raise what a wait for something to read has come to, where that is no reading.

        Args:
            came: What `readable` gave: True, or False at the limit, or None once it was closed.

        Raises:
            httpx.ReadTimeout: Nothing came until the limit.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if came is None:
            raise anyio.ClosedResourceError
        if not came:
            raise httpx.ReadTimeout(_TOO_LATE)

    async def writable(self, limit: float) -> None:
        """Wait until something can be written.

        Raises:
            httpx.WriteTimeout: Not until `limit`.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if not await self._wait(anyio.wait_writable, limit):
            raise httpx.WriteTimeout(_TOO_LATE)

    async def either(self, limit: float) -> None:
        """Wait until something can be written or read.

        Raises:
            httpx.WriteTimeout: Neither until `limit`.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if self._watch is not None:
            self._watch.pause()  # anyio watches the same socket
        if not await self._wait(_either, limit):
            raise httpx.WriteTimeout(_TOO_LATE)

    async def pause(self, limit: float) -> None:
        """Let the others have a turn where this one has written several times in a row.

        Raises:
            httpx.WriteTimeout: `limit` came.
        """
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW and not await self._wait(_turn, limit):
            raise httpx.WriteTimeout(_TOO_LATE)

    def enter(self, loop: object | None) -> None:
        """Begin a further exchange, maybe in another event loop; None where it is not known."""
        self._in_loop = self._watch is not None and self._watch.loop is loop

    def close(self) -> None:
        """Close the socket at once. Who waits for it gets ClosedResourceError. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._waiting:
            anyio.notify_closing(self.channel.sock)
        if self._watch is None:
            self.channel.close()
        else:
            self._watch.close()

    def __del__(self) -> None:
        watch: Watch | None = getattr(self, "_watch", None)
        if watch is not None and not self.closed:
            watch.stop()

    async def _wait(self, wait: Callable[[socket.socket], Awaitable[None]], limit: float) -> bool:
        """Wait as the event loop does; return False where the limit came."""
        self._in_a_row = 0
        self._waiting = True
        try:
            if limit == math.inf:
                await wait(self.channel.sock)
                return True
            with anyio.CancelScope(deadline=limit) as scope:
                await wait(self.channel.sock)
            return not scope.cancelled_caught
        finally:
            self._waiting = False


async def _turn(_: socket.socket) -> None:
    await anyio.lowlevel.checkpoint()


async def _either(sock: socket.socket) -> None:
    closed = False

    async def watch(wait: Callable[[socket.socket], Awaitable[None]]) -> None:
        nonlocal closed
        try:
            await wait(sock)
        except anyio.ClosedResourceError:  # raised below: from in here it would come as a group
            closed = True
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch, anyio.wait_readable)
        group.start_soon(watch, anyio.wait_writable)
    if closed:
        raise anyio.ClosedResourceError
