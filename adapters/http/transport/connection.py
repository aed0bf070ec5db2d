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

    async def readable(self, limit: float) -> None:
        """Wait until something can be read; only let the others have a turn after many reads in a row.

        Args:
            limit: The time until which to wait.

        Raises:
            httpx.ReadTimeout: Nothing came until `limit`.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if self._in_a_row >= _IN_A_ROW:
            await self._wait(_turn, limit, httpx.ReadTimeout)
            return
        if (wait := self._watching(limit)) is None:
            await self._wait(anyio.wait_readable, limit, httpx.ReadTimeout)
            return
        self._in_a_row = 0
        came = await wait
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
        await self._wait(anyio.wait_writable, limit, httpx.WriteTimeout)

    async def either(self, limit: float) -> None:
        """Wait until something can be written or read.

        Raises:
            httpx.WriteTimeout: Neither until `limit`.
            anyio.ClosedResourceError: It was closed from this side meanwhile.
        """
        if self._watch is not None:
            self._watch.pause()  # anyio watches the same socket
        await self._wait(_either, limit, httpx.WriteTimeout)

    async def pause(self, limit: float) -> None:
        """Let the others have a turn where this one has written several times in a row.

        Raises:
            httpx.WriteTimeout: `limit` came.
        """
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            await self._wait(_turn, limit, httpx.WriteTimeout)

    def enter(self, loop: object | None) -> None:
        """Begin an exchange in an event loop; None where it is not known."""
        self._in_loop = self._watch is not None and self._watch.loop is loop

    def rest(self) -> None:
        """Take note of the end of an exchange; the next one may be in another event loop."""
        self._in_loop = False

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

    def _watching(self, limit: float) -> Awaitable[bool | None] | None:
        """Return the wait of a watch, or None where the event loop has none."""
        watch = self._watch
        if not self._in_loop:
            watch = self._watch = watch_for(self.channel, watch) if self._watched else None
            self._in_loop = True
        if watch is None:
            return None
        try:
            return watch.wait(limit)
        except NotImplementedError:  # asyncio's proactor, on Windows
            self._watch, self._watched = None, False
            return None

    async def _wait(
        self,
        wait: Callable[[socket.socket], Awaitable[None]],
        limit: float,
        timeout: type[httpx.TimeoutException],
    ) -> None:
        self._in_a_row = 0
        self._waiting = True
        try:
            if limit == math.inf:
                await wait(self.channel.sock)
                return
            with anyio.CancelScope(deadline=limit) as scope:
                await wait(self.channel.sock)
            if scope.cancelled_caught:
                raise timeout(_TOO_LATE)
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
