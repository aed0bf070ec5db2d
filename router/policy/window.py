"""Counts of the calls of the last while, in bounded memory however many calls there are. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

BUCKETS: Final = 12
"""Parts of a window: a call counts for at least 11/12 of it (55 of 60 s), and never for longer than it."""


@dataclass(slots=True)
class _Bucket:
    index: int
    calls: int = 0
    failures: int = 0
    slow: int = 0


class Window:
    """A sliding window over calls, as a ring of buckets.

    Args:
        seconds: Its length.
    """

    __slots__ = ("_buckets", "_width")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / BUCKETS
        self._buckets: deque[_Bucket] = deque(maxlen=BUCKETS)

    def add(self, now: float, *, failed: bool, slow: bool) -> None:
        """Count a call that ended `now`, which is never before the last one's."""
        index = int(now // self._width)
        if not self._buckets or self._buckets[-1].index != index:
            self._buckets.append(_Bucket(index))
        newest = self._buckets[-1]
        newest.calls += 1
        newest.failures += failed
        newest.slow += slow

    def counts(self, now: float) -> tuple[int, int, int]:
        """Return the calls in the window, those of them that failed, and those that were slow."""
        if not self._buckets:
            return 0, 0, 0
        young = [b for b in self._buckets if b.index > now // self._width - BUCKETS]
        return sum(b.calls for b in young), sum(b.failures for b in young), sum(b.slow for b in young)
