"""The cheap wait for a socket, where the event loop is one of asyncio's kind.

`anyio.wait_readable` tells the operating system of the socket before each wait and takes that back behind
it, and a limit of time costs a cancel scope and a timer each. Here a socket is watched for the life of its
connection, its bytes are read in the loop's own callback, and one timer is set again only when it fires. A
wait is then one future: three system calls less, which is most of what a wait costs.

Only public methods of the loop are used: `add_reader`, `call_at`, `create_future`. On trio `TrioWatch` does
the same in trio's way. Where neither can be had, `watch_for` returns None, and anyio waits.
"""

from __future__ import annotations

import math
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.http.transport.channel import Channel
    from adapters.http.transport.trio_watch import TrioWatch

    Watch: TypeAlias = "SocketWatch | TrioWatch"


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
    """Watches one socket for one reader at a time, and reads it while that one waits.

    While nobody waits it is told once at most that something came, and then watches no longer.

    It holds neither the exchange nor the connection, so that both can be dropped.

    Args:
        loop: The event loop that runs here.
        channel: The bytes of the socket.

    Attributes:
        loop: As given.
    """

    __slots__ = (
        "_armed", "_channel", "_fd", "_limit", "_process", "_read", "_reads", "_thread", "_timer",
        "_waiter", "_watching", "loop",
    )  # fmt: skip

    def __init__(self, loop: _Loop, channel: Channel) -> None:
        self.loop = loop
        self._channel = channel
        self._fd = channel.sock.fileno()
        self._waiter: _Waiter | None = None
        self._read: bytes | Exception | None = None
        # In a crowd all callbacks come before the first reader: what they read is held by all at once.
        self._reads = not channel.grows
        self._watching = False
        self._timer: _Timer | None = None
        self._armed = 0.0  # when the timer fires
        self._limit = math.inf
        self._thread = threading.get_ident()
        self._process = os.getpid()

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

        A cancellation meanwhile leaves nothing behind but what `close` takes back.

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

    def pause(self) -> None:
        """Watch no longer until the next wait."""
        if self._watching:
            self._watching = False
            self.loop.remove_reader(self._fd)

    def close(self) -> None:
        """Watch no longer, and close the channel; who waits is told so. Idempotent, from whatever thread.

        A loop that runs in another thread is told first: it would take the next socket of this number for
        this one.
        """
        if self._process != os.getpid():
            self._channel.close()  # what the loop of the other process watches is its own
            return
        if threading.get_ident() == self._thread:
            self._stop()
            self._channel.close()
            return
        try:
            self.loop.call_soon_threadsafe(self.close)
        except RuntimeError:  # the loop is closed
            self._channel.close()

    def stop(self) -> None:
        """Watch no longer, where the connection was dropped: in the loop's own thread, some time."""
        if (self._watching or self._timer is not None) and self._process == os.getpid():
            with suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        with suppress(RuntimeError):  # the loop is closed, and forgot everything by itself
            self.pause()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def _readable(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.pause()  # nobody waits: the loop would tell it again at each turn
            return
        if not self._reads:
            self._reads = True
            self.pause()  # it would be told again before the reader had its turn
            waiter.set_result(True)
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


def watch_for(channel: Channel, kept: Watch | None = None) -> Watch | None:
    """Return the watch of a socket in the event loop that runs here, or None where it can have none.

    Args:
        channel: The bytes of the socket.
        kept: The watch of an exchange before, which may have been in another loop.
    """
    loop: Any = current_token().native_token
    if kept is not None:
        if kept.loop is loop:
            return kept
        kept.stop()
    if hasattr(loop, "add_reader"):
        return SocketWatch(loop, channel)
    if type(loop).__module__.partition(".")[0] != "trio":
        return None
    from adapters.http.transport.trio_watch import TrioWatch  # it is installed, since it runs

    return TrioWatch(loop, channel)
