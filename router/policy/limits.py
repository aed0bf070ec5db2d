"""How much a provider is asked for in a time: buckets whose tokens come back. Pure: clocks are passed in.

A bucket holds what may be used in a window, and whatever is taken comes back when the window has passed it
by. So any 60 seconds see no more than the limit. (A bucket that is filled drop by drop lets nearly twice as
much through in its first minute, and the service says 429.) A day ends at midnight UTC, and all comes back.

What is taken may be given back, where nothing was sent, and corrected, once it is known what was used.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE: Final = 60.0
DAY: Final = 86400.0
_SLOTS: Final = 120
"""Parts of a window: what was taken in one of them comes back together, at most half a second late."""


class Bucket(Protocol):
    """What may be used in a time.

    Nothing in it waits: one whose count is shared by several processes answers from what it fetched ahead.
    """

    limit: float
    """The most in a window."""

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken, 0 where it may be now. More than all counts as all.

        Args:
            amount: How much.
            now: On the event loop's clock.
        """
        ...

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, whether `wait` allows it or not."""
        ...

    def correct(self, amount: float, taken_at: float, now: float) -> None:
        """Take more of what was taken at a time, or give back where `amount` is negative."""
        ...

    def used(self, now: float) -> float:
        """Return how much is taken now."""
        ...

    def restore(self, amount: float) -> None:
        """Count what was taken before, by a router that is gone."""
        ...


class Tally(Protocol):
    """What was used in a time, counted afterwards by several processes together; nothing in it waits."""

    def add(self, amount: float) -> None:
        """Count what was used."""
        ...

    def restore(self, amount: float) -> None:
        """Count what was used before, by a router that is gone."""
        ...

    def wait(self) -> float:
        """Return the seconds until less than the limit is used; 0 where it is so now."""
        ...

    def together(self) -> float | None:
        """Return what all processes used, as last heard; None where that is not known."""
        ...


class WindowBucket:
    """At most `limit` in any `window` seconds, all at once or one by one.

    Args:
        limit: How much, above 0.
        window: Seconds.

    Raises:
        ValueError: `limit` is not above 0 and finite.
    """

    __slots__ = ("_seen", "_slot", "_taken", "_used", "limit")

    def __init__(self, limit: float, window: float = MINUTE) -> None:
        if not 0 < limit < math.inf:
            raise ValueError(f"a limit of {limit!r}: it must be more than 0, and finite")
        self.limit = limit
        self._slot = window / _SLOTS
        self._taken: deque[list[float]] = (
            deque()
        )  # the number of a part of the window, and what was taken in it
        self._used = 0.0
        self._seen = -math.inf

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken; see `Bucket`."""
        now = self._forget(now)
        lacking = self._used + min(amount, self.limit) - self.limit
        if lacking <= 0:
            return 0.0
        for number, taken in self._taken:
            lacking -= taken
            if lacking <= 0:
                return max(0.0, self._back_at(number) - now)
        return max(0.0, self._back_at(self._taken[-1][0]) - now)  # what rounding leaves

    def take(self, amount: float, now: float) -> None:
        """Take `amount`; more than the limit counts as all of it."""
        now = self._forget(now)
        self._add(min(amount, self.limit), now)

    def correct(self, amount: float, taken_at: float, now: float) -> None:
        """Take more of what was taken at a time, or give back; what has come back already stays so."""
        self._forget(now)
        self._add(amount, taken_at)

    def used(self, now: float) -> float:
        """Return how much is taken now."""
        self._forget(now)
        return self._used

    def restore(self, amount: float) -> None:
        """Count what was taken before, as if it were taken when it was last asked."""
        self._add(min(amount, self.limit), max(0.0, self._seen))

    def _add(self, amount: float, at: float) -> None:
        slot = math.floor(at / self._slot)
        for entry in reversed(self._taken):
            if entry[0] == slot:
                change = max(amount, -entry[1])
                entry[1] += change
                self._used = max(0.0, self._used + change)
                return
            if entry[0] < slot:
                break
        if amount > 0 and self._back_at(slot) > self._seen:
            place = next((i for i, entry in enumerate(self._taken) if entry[0] > slot), len(self._taken))
            self._taken.insert(place, [slot, amount])
            self._used += amount

    def _back_at(self, slot: float) -> float:
        """Return when what was taken in a part of the window comes back: a window after that part's end."""
        return (slot + 1 + _SLOTS) * self._slot

    def _forget(self, now: float) -> float:
        """Take back what the window has passed by; time that goes backwards stands still."""
        now = self._seen = max(self._seen, now)
        while self._taken and self._back_at(self._taken[0][0]) <= now:
            self._used = max(0.0, self._used - self._taken.popleft()[1])
        if not self._taken:
            self._used = 0.0
        return now

    def __repr__(self) -> str:
        return f"<WindowBucket {self._used:g} of {self.limit:g} used>"


class DayBucket:
    """At most `limit` in a day of UTC.

    Args:
        limit: How much, above 0.
        utc: Returns the time of day in seconds UTC since 1970.

    Raises:
        ValueError: `limit` is not above 0 and finite.
    """

    __slots__ = ("_day", "_used", "_utc", "limit")

    def __init__(self, limit: float, utc: Callable[[], float]) -> None:
        if not 0 < limit < math.inf:
            raise ValueError(f"a limit of {limit!r}: it must be more than 0, and finite")
        self.limit = limit
        self._utc = utc
        self._day = -math.inf
        self._used = 0.0

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken: until midnight, where it may not be now."""
        at = self._today()
        return 0.0 if self._used + min(amount, self.limit) <= self.limit else (self._day + 1) * DAY - at

    def take(self, amount: float, now: float) -> None:
        """Take `amount`."""
        self._today()
        self._used += amount

    def correct(self, amount: float, taken_at: float, now: float) -> None:
        """Take more, or give back; of yesterday nothing is given back."""
        self._today()
        self._used = max(0.0, self._used + amount)

    def used(self, now: float) -> float:
        """Return how much of today is taken."""
        self._today()
        return self._used

    def restore(self, amount: float) -> None:
        """Count what was taken today before."""
        self._today()
        self._used += amount

    def _today(self) -> float:
        """Begin a new day where there is one; return the time of day. A clock that goes back begins none."""
        at = self._utc()
        day = at // DAY
        if day > self._day:
            self._day, self._used = day, 0.0
        return at

    def __repr__(self) -> str:
        return f"<DayBucket {self._used:g} of {self.limit:g} used>"
