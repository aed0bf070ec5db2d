"""A sum that all replicas add to after use. Pure: times are passed in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from router.replicas.limits import BUSY, IDLE, LOOK, ROUNDING, Ask, SharedCount

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.policy.limits import Bucket
    from router.replicas.limits import Answer, Span
    from router.replicas.state import StoreState

POLL: Final = 1.0
"""Seconds between two looks at the sum of all, while requests or reports ask for it."""
NEAR: Final = 0.1
"""The same where more than half of the limit is used, and a request asked within `BUSY`."""


class SharedTally(SharedCount):
    """What all replicas used so far, told after use: the next request is stopped, not those under way.

    Args:
        name: Of the count in the store.
        own: Counts what this replica used.
        span: How the store counts.
        store: What is known of it.
        clock: Returns the time on the router's clock.
    """

    def __init__(
        self, name: str, own: Bucket, span: Span, store: StoreState, clock: Callable[[], float]
    ) -> None:
        super().__init__(name, own, span, store)
        self._clock = clock
        self._asked_at = self._shown_at = -math.inf

    def add(self, amount: float) -> None:
        """Count what was used."""
        now = self._clock()
        with self._lock:
            self._own.take(amount, now)
            self._over += amount

    def wait(self) -> float:
        """Return the seconds until less than the limit is used; 0 where it is so now."""
        now = self._clock()
        with self._lock:
            self._asked_at = now
            if self._store.away:
                return self._alone_wait(ROUNDING, now)
            if self._sum(now) < self.limit - ROUNDING:
                return 0.0
            return max(LOOK, self._full_until - now, self._own.wait(ROUNDING, now))

    def together(self) -> float | None:
        """Return what all used, as last heard; None where the store is away, or was not heard yet."""
        now = self._clock()
        with self._lock:
            self._shown_at = now
            return None if self._store.away or now >= self._known_until else self._sum(now)

    # -- the thread

    def sums(self, now: float) -> tuple[float, float | None]:
        """Return what this replica used, and what all used, as last heard."""
        with self._lock:
            return self._own.used(now), self._sum(now) if now < self._known_until else None

    def fetch(self, now: float) -> Ask | None:
        """Return what to tell the store, or None."""
        with self._lock:
            is_near = now < self._asked_at + BUSY and self._sum(now) >= self.limit / 2
            is_wanted = now < max(self._asked_at, self._shown_at) + IDLE
            polls = is_wanted and now >= self._heard_at + (NEAR if is_near else POLL)
            if self._over <= 0 and not polls and not self._speaks:
                return None
            self._speaks = False
            return Ask(self._over, least=self._known_before(now))

    def leave(self) -> Ask:
        """Return what to tell the store last."""
        with self._lock:
            return Ask(self._over)

    def fetched(self, asked: Ask, answer: Answer, sent_at: float) -> None:
        """Learn what all have used."""
        with self._lock:
            self._learn(asked, answer, sent_at)

    def __repr__(self) -> str:
        return f"<SharedTally {self.name!r}: {self._used:g} of {self.limit:g} used>"
