"""The cheap wait for a socket, where the event loop is one of asyncio's kind.

`anyio.wait_readable` tells the operating system of the socket before each wait and takes that back behind
it, and a limit of time costs a cancel scope and a timer each. Here a socket is watched for the life of an
exchange, its bytes are read in the loop's own callback, and one timer a stream is set again only when it
fires. A wait is then one future: three system calls less, which is most of what a wait costs.

Only public methods of the loop are used: `add_reader`, `call_at`, `create_future`. Where there are none, as
on trio, `watch_for` returns None, and anyio waits.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.http.transport.channel import Channel


class _Timer(Protocol):
    def cancel(self) -> None: ...


class _Waiter(Protocol):
    def done(self) -> bool: ...
    def set_result(self, result: bool | None, /) -> None: ...
    def __await__(self) -> Any: ...


class _Loop(Protocol):
    def time(self) -> float: ...
    def create_future(self) -> _Waiter: ...
    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None: ...
    def remove_reader(self, fd: int, /) -> bool: ...
    def call_at(self, when: float, callback: Callable[[], None], /) -> _Timer: ...
    def call_soon_threadsafe(self, callback: Callable[[], None], /) -> object: ...


class SocketWatch:
    """Watches one socket for one reader, and reads it while that one waits.

    It holds neither the exchange nor the connection, so that both can be dropped.

    Args:
        loop: The event loop that runs here.
        channel: The bytes of the socket.

    Attributes:
        loop: As given.
    """

    __slots__ = ("_armed", "_channel", "_fd", "_limit", "_read", "_timer", "_waiter", "_watching", "loop")

    def __init__(self, loop: _Loop, channel: Channel) -> None:
        self.loop = loop
        self._channel = channel
        self._fd = channel.sock.fileno()
        self._waiter: _Waiter | None = None
        self._read: bytes | Exception | None = None
        self._watching = False
        self._timer: _Timer | None = None
        self._armed = 0.0  # when the timer fires
        self._limit = math.inf

    def taken(self) -> bytes | None:
        """Return what was read while it was waited for, or None where that was nothing.

        Raises:
            Exception: What reading raised.
        """
        read = self._read
        if read is None:
            return None
        self._read = None
        if isinstance(read, Exception):
            raise read
        return read

    def wait(self, limit: float) -> Awaitable[bool | None]:
        """Return what to await until something was read: True then, False at the limit, None once it stopped.

        A cancellation meanwhile leaves nothing behind but what `stop` takes back.

        Args:
            limit: A time of the event loop's clock.

        Raises:
            NotImplementedError: This loop cannot watch sockets.
        """
        if not self._watching:
            self.loop.add_reader(self._fd, self._readable)
            self._watching = True
        self._limit = limit
        if limit != math.inf and (self._timer is None or limit < self._armed):
            self._arm(limit)
        waiter = self._waiter = self.loop.create_future()
        return waiter

    def stop(self) -> None:
        """Watch no longer; who waits is told so. Idempotent; the socket may be closed behind it."""
        with suppress(RuntimeError):  # the loop is closed, and forgot everything by itself
            if self._watching:
                self._watching = False
                self.loop.remove_reader(self._fd)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def stop_from_anywhere(self) -> None:
        """Stop in the loop's own thread: the collector of garbage runs in whatever one."""
        if self._watching or self._timer is not None:
            with suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self.stop)

    def _readable(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._watching = False  # nobody waits: the loop would tell it again at each turn
            self.loop.remove_reader(self._fd)
            return
        try:
            self._read = self._channel.read()
        except BlockingIOError:  # a record of TLS that is not whole
            return
        except Exception as error:  # noqa: BLE001 - raised where the reader takes it
            self._read = error
        waiter.set_result(True)

    def _arm(self, limit: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(limit, self._rang)
        self._armed = limit

    def _rang(self) -> None:
        """Look what became of the wait that the timer was set for: mostly, others followed it."""
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done() or self._limit == math.inf:
            return
        if self.loop.time() >= self._limit:
            waiter.set_result(False)
        else:
            self._arm(self._limit)


def watch_for(channel: Channel) -> SocketWatch | None:
    """Return the watch of a socket on the event loop that runs here, or None where it has no such thing."""
    loop: Any = current_token().native_token
    return SocketWatch(loop, channel) if hasattr(loop, "add_reader") else None
