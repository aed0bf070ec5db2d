"""When a committed reply comes so slowly that it is as good as stalled. Pure: the time is passed in.

The stall clock starts anew with every content, so a provider that sends one character every 29 seconds never
trips it. This guard asks for a rate over a sliding window. It is off by default: what is too slow depends on
the model and on who reads.

The time may be any clock that does not go backwards. A stream passes one that stands still while its reader
is busy, since only waiting for the provider is the provider's fault.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

PARTS: Final = 64
"""Content within this part of a window is kept as one, so the memory is bounded; it then counts for up to
1/64 of the window longer, never shorter."""


@dataclass(slots=True)
class _Stretch:
    first: float
    last: float
    characters: int


class DripGuard:
    """Watches that content keeps coming at a minimum rate.

    The first content starts it; nothing is judged before a whole window has passed.

    Args:
        rate: Characters per second over the window. None: never too slow (None).
        window: Seconds (30).

    Raises:
        ValueError: A value is not a finite number above 0.
    """

    __slots__ = ("_needed", "_started", "_stretches", "_window")

    def __init__(self, rate: float | None = None, window: float = 30.0) -> None:
        if not (rate is None or 0 < rate < math.inf):
            raise ValueError(f"DripGuard(rate={rate!r}): it must be characters per second above 0, or None")
        if not 0 < window < math.inf:
            raise ValueError(f"DripGuard(window={window!r}): it must be a finite number of seconds above 0")
        self._needed = None if rate is None else rate * window
        self._window = window
        self._started: float | None = None
        self._stretches: deque[_Stretch] = deque()

    def content(self, now: float, characters: int) -> None:
        """Count content that came `now`."""
        if self._needed is None:
            return
        if self._started is None:
            self._started = now
        stretches = self._stretches
        while stretches and stretches[0].last + self._window <= now:
            stretches.popleft()
        if stretches and now - stretches[-1].first < self._window / PARTS:
            stretches[-1].last = max(stretches[-1].last, now)
            stretches[-1].characters += characters
        else:
            stretches.append(_Stretch(now, now, characters))

    def too_slow(self, now: float) -> bool:
        """Whether less than the rate came in the window that ends `now`."""
        return now >= self.deadline(now)

    def deadline(self, now: float) -> float:
        """Return the earliest time, `now` or later, at which it is too slow if nothing more comes.

        It is infinite where the guard is off or has not started.
        """
        if self._needed is None or self._started is None:
            return math.inf
        judged = self._started + self._window
        came = 0
        for stretch in reversed(self._stretches):
            came += stretch.characters
            if came >= self._needed:  # enough until this one leaves the window
                return max(now, stretch.last + self._window)
        return max(now, judged)
