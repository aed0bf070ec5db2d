"""Counts that several replicas keep together. Pure: times are passed in, and the store is somebody else's.

What may be used is counted in the store. The threads fetch a few ahead; a request takes from those, or does
without. While the store is away, each replica uses its share, one part of as many as were seen last, and
tells the store afterwards what it used. Each number here is written by one thread: the router's or its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from router.policy.budget import RetryBudget

if TYPE_CHECKING:
    from router.replicas.state import StoreState

_ROUNDING: Final = 1e-9


class Fetch(NamedTuple):
    """What to ask the store for.

    Attributes:
        want: Tokens.
        earned: Tokens that were earned here since then.
        spent: Tokens that were spent here while the store was away.
    """

    want: int
    earned: float
    spent: float


class SharedBudget(RetryBudget):
    """A bucket of tokens that all replicas take from: the retry budget, and probes that cost something.

    Args:
        name: Of the count in the store.
        own: How large it is for all together.
        ahead: Tokens to fetch ahead of use.
        store: What is known of the store.
    """

    __slots__ = (
        "_earned",
        "_granted",
        "_own",
        "_own_at",
        "_sent",
        "_spent",
        "_store",
        "_taken",
        "ahead",
        "name",
        "wanted_at",
    )

    def __init__(self, name: str, own: RetryBudget, ahead: int, store: StoreState) -> None:
        super().__init__(own.share, own.per_second, own.capacity)
        self.name = name
        self.ahead = ahead
        self.wanted_at = -math.inf
        """When a token was wanted that was not there."""
        self._store = store
        self._own = own.capacity  # the share of this replica, while the store is away
        self._own_at: float | None = None
        # Written by the router.
        self._taken = 0
        self._earned = self._spent = 0.0
        # Written by the thread.
        self._granted = 0
        self._sent = (0.0, 0.0)

    # -- the router

    def on_clock(self, now: float) -> None:
        """Go on with the clock of another event loop, which shows `now`."""
        if self._own_at is not None and now < self._own_at:
            self._own_at = now

    def deposit(self, now: float) -> None:
        """Add what one request earns."""
        if self._store.away:
            self._own = min(self._own_capacity, self._level(now) + self.share)
            self._own_at = now
        else:
            self._earned += self.share

    def take(self, now: float) -> bool:
        """Take a token for one extra attempt; return whether there was one."""
        if self._taken < self._granted:
            self._taken += 1
            return True
        self.wanted_at = now
        if not self._store.away or self._level(now) < 1 - _ROUNDING:
            return False
        self._own, self._own_at = self._level(now) - 1, now
        self._spent += 1
        return True

    def allows(self, now: float) -> bool:
        """Whether `take` would find a token."""
        if self._taken < self._granted:
            return True
        self.wanted_at = now
        return self._store.away and self._level(now) >= 1 - _ROUNDING

    def left(self, now: float) -> float:
        """Return the tokens at hand, without taking any; the others' are not seen."""
        at_hand = float(self._granted - self._taken)
        return at_hand + (max(0.0, self._level(now)) if self._store.away else 0.0)

    def next_in(self, now: float) -> float | None:
        """Return the seconds until a token comes by time: None where the store counts them for all."""
        if self._taken < self._granted:
            return 0.0
        rate = self.per_second / self._store.replicas
        if not self._store.away or not rate:
            return None
        return max(0.0, 1 - _ROUNDING - self._level(now)) / rate

    def forked(self) -> None:
        """Begin anew in a process that was forked: what was fetched belongs to the other one."""
        self._granted = self._taken

    def __repr__(self) -> str:
        """Show what is at hand."""
        return f"<SharedBudget {self.name!r}: {self._granted - self._taken} of {self.capacity:g} at hand>"

    @property
    def _own_capacity(self) -> float:
        return max(min(1.0, self.capacity), self.capacity / self._store.replicas)

    def _level(self, now: float) -> float:
        passed = 0.0 if self._own_at is None else max(0.0, now - self._own_at)
        return min(self._own_capacity, self._own + passed * self.per_second / self._store.replicas)

    # -- the thread

    def fetch(self) -> Fetch | None:
        """Return what to ask the store for, or None where nothing is to be said."""
        want = self.ahead - (self._granted - self._taken)
        earned, spent = self._earned - self._sent[0], self._spent - self._sent[1]
        if want <= 0 and not spent and earned < 1:
            return None
        return Fetch(max(0, want), earned, spent)

    def fetched(self, asked: Fetch, granted: int) -> None:
        """Learn how much the store gave; what it gave is ours, whenever it is used."""
        self._sent = self._sent[0] + asked.earned, self._sent[1] + asked.spent
        self._granted += max(0, min(granted, asked.want))

    def lost(self, asked: Fetch) -> None:
        """Learn that no reply came: the store may have counted it, so what was earned is not told again."""
        self._sent = self._sent[0] + asked.earned, self._sent[1]
