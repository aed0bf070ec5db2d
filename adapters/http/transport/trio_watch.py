"""The cheap wait for a socket on trio: what `SocketWatch` is on asyncio.

A cancel scope around each wait costs a third of the wait. Here nothing is entered: the limits of all waits of
a run are kept by one system task, which sleeps until the earliest of them and then wakes who waits for that
socket. Only public functions of trio are used.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from adapters.http.transport.channel import Channel

_FEW = 64
"""Alarms that were taken back and may lie about, whatever their share."""


class TrioWatch:
    """Waits for one socket, for one reader at a time.

    Args:
        token: The run of trio that runs here.
        channel: The bytes of the socket.

    Attributes:
        loop: As the token given.
    """

    __slots__ = ("_alarm", "_alarms", "_channel", "_limit", "_rung", "_waiting", "loop")

    def __init__(self, token: object, channel: Channel) -> None:
        self.loop = token
        self._channel = channel
        self._alarms = _alarms()
        self._alarm: _Alarm | None = None
        self._limit = math.inf
        self._waiting = False
        self._rung = False

    def taken(self) -> None:
        """Return None: the socket is read by who waited for it."""

    async def wait(self, limit: float) -> bool | None:
        """Wait until something can be read: True then, False at the limit, None once it was closed.

        Args:
            limit: A time of trio's clock.
        """
        self._limit = limit
        if limit != math.inf:
            alarm = self._alarm
            if alarm is None or limit < alarm.when:
                self._arm(limit)
        self._waiting = True
        self._rung = False
        try:
            await trio.lowlevel.wait_readable(self._channel.sock)
        except trio.ClosedResourceError:
            return False if self._rung else None
        finally:
            self._waiting = False
        return True

    def pause(self) -> None:
        """Do nothing: between two waits nothing is watched."""

    def close(self) -> None:
        """Close the channel; who waits is told so. Idempotent."""
        self.stop()
        self._alarms.end_unless_needed()
        if self._waiting:
            self._rung = False
            trio.lowlevel.notify_closing(self._channel.sock)
        self._channel.close()

    def stop(self) -> None:
        """Have no alarm any more."""
        if self._alarm is not None:
            self._alarms.drop(self._alarm)
            self._alarm = None

    def ring(self, now: float) -> None:
        """Look what became of the wait that the alarm was set for: mostly, others followed it."""
        self._alarm = None
        if not self._waiting or self._limit == math.inf:
            return
        if now < self._limit:
            self._arm(self._limit)
            return
        self._rung = True
        trio.lowlevel.notify_closing(self._channel.sock)

    def _arm(self, limit: float) -> None:
        self.stop()
        self._alarm = self._alarms.set(limit, self)


class _Alarm:
    """The time at which a watch is to be told; without a watch where that was taken back."""

    __slots__ = ("watch", "when")

    def __init__(self, when: float, watch: TrioWatch | None) -> None:
        self.when = when
        self.watch = watch


class _Alarms:
    """The alarms of one run of trio, and the system task that rings them while there are any."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, _Alarm]] = []
        self._numbers = itertools.count()  # of the same time, the first one set rings first
        self._dropped = 0
        self._thread = threading.get_ident()
        self._running = False
        self._sleep = trio.CancelScope()

    def set(self, when: float, watch: TrioWatch) -> _Alarm:
        """Have `watch.ring` called at a time of trio's clock."""
        if self._dropped > _FEW and 2 * self._dropped > len(self._waiting):
            self._waiting = [each for each in self._waiting if each[2].watch is not None]
            heapq.heapify(self._waiting)
            self._dropped = 0
        alarm = _Alarm(when, watch)
        heapq.heappush(self._waiting, (when, next(self._numbers), alarm))
        if not self._running:
            self._running = True
            self._sleep = trio.CancelScope()
            trio.lowlevel.spawn_system_task(self._run)
        if when < self._sleep.deadline:
            self._sleep.deadline = when
        return alarm

    def drop(self, alarm: _Alarm) -> None:
        """Take an alarm back, from whatever thread; it lies about until its time, or until most are such."""
        alarm.watch = None
        self._dropped += 1

    def end_unless_needed(self) -> None:
        """Let the task end where all alarms were taken back; in another thread it ends at their time."""
        if not self._running or self._dropped < len(self._waiting) or threading.get_ident() != self._thread:
            return
        if all(alarm.watch is None for *_, alarm in self._waiting):  # the count is of several threads
            self._waiting = []
            self._dropped = 0
            self._sleep.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._sleep = trio.CancelScope(deadline=self._waiting[0][0])
                with self._sleep:
                    await trio.sleep_forever()
                self._ring(trio.current_time())
        finally:
            self._running = False

    def _ring(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            watch = heapq.heappop(self._waiting)[2].watch
            if watch is None:
                self._dropped = max(0, self._dropped - 1)
            else:
                watch.ring(now)


_OF_RUN: trio.lowlevel.RunVar[_Alarms] = trio.lowlevel.RunVar("alarms of sockets")


def _alarms() -> _Alarms:
    try:
        return _OF_RUN.get()
    except LookupError:
        found = _Alarms()
        _OF_RUN.set(found)
        return found
