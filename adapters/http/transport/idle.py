"""The idle connections of each origin, newest first."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.http.transport.connection import Connection
    from adapters.http.transport.request import Origin


class IdleConnections:
    """Connections that wait for their next exchange.

    The newest is used first, so that those too many for the load grow old and are closed: what is kept is as
    many as were in use within the last `seconds`, up to `most`. Nothing runs in the background; the old ones
    are closed whenever one comes or goes.

    Args:
        most: Connections kept at most, of all origins together.
        seconds: How long one is kept.
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._count = 0
        self._process = os.getpid()
        self._of: dict[Origin, deque[tuple[float, Connection]]] = {}

    def __len__(self) -> int:
        return self._count

    def take(self, origin: Origin) -> Connection | None:
        """Return the newest connection that is clean, or None.

        Each is looked at first, without waiting: a byte that nobody asked for, an end or a reset that came
        meanwhile closes it.
        """
        if os.getpid() != self._process:
            self._forget()
        waiting = self._of.get(origin)
        if not waiting:
            return None
        oldest = self._clock() - self._seconds
        self._expire(oldest)
        while waiting:
            since, connection = waiting.pop()
            self._count -= 1
            if not waiting:
                self._of.pop(origin, None)
            if since > oldest and connection.channel.clean():
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection whose exchange ended by its framing, with no byte behind."""
        now = self._clock()
        self._expire(now - self._seconds)
        if self._most <= 0 or self._seconds <= 0 or os.getpid() != self._process:
            connection.close()
            return
        if self._count >= self._most:
            origin = min(self._of, key=lambda each: self._of[each][0][0])
            self._close_oldest(origin)
        waiting = self._of.get(connection.origin)
        if waiting is None:
            waiting = self._of[connection.origin] = deque()
        waiting.append((now, connection))
        self._count += 1

    def close(self) -> None:
        """Close all."""
        of, self._of = self._of, {}
        self._count = 0
        for waiting in of.values():
            for _, connection in waiting:
                connection.close()

    def _expire(self, oldest: float) -> None:
        for waiting in self._of.values():
            if waiting[0][0] <= oldest:
                break
        else:
            return
        for origin in [each for each, waiting in self._of.items() if waiting[0][0] <= oldest]:
            while origin in self._of and self._of[origin][0][0] <= oldest:
                self._close_oldest(origin)

    def _close_oldest(self, origin: Origin) -> None:
        waiting = self._of[origin]
        _, connection = waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._of[origin]
        connection.close()

    def _forget(self) -> None:
        """Let go of what another process made: it is that one's, and both would write into it."""
        for waiting in self._of.values():
            for _, connection in waiting:
                connection.channel.sock.close()  # without a good-bye of TLS, which would end it there too
        self._of = {}
        self._count = 0
        self._process = os.getpid()
