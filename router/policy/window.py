"""A sliding window over calls, for the shares of those that failed or were slow. Pure: time is passed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

BUCKETS: Final = 12
"""Parts of a window: a call counts for at least 11/12 of it (55 of 60 s), and never for longer than it."""


@dataclass(slots=True, eq=False, repr=False)
class _Bucket:
    """The calls of one step of a window."""

    index: float
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

    def add(self, now: float, failed: bool, slow: bool) -> None:
        """Count a call that ended `now`, which is never before the last one's."""
        index, buckets = now // self._width, self._buckets
        if not buckets or buckets[-1].index != index:
            buckets.append(_Bucket(index))
        newest = buckets[-1]
        newest.calls += 1
        newest.failures += failed
        newest.slow += slow

    def counts(self, now: float) -> tuple[int, int, int]:
        """Return the calls in the window, those of them that failed, and those that were slow."""
        calls = failures = slow = 0
        since = now // self._width - BUCKETS
        for bucket in self._buckets:
            if bucket.index > since:
                calls += bucket.calls
                failures += bucket.failures
                slow += bucket.slow
        return calls, failures, slow

    def forget(self) -> None:
        """Begin anew."""
        self._buckets.clear()
