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


class SharedWindow:
    """At most `limit` in any `window` seconds by all replicas together: a `Bucket` of limits.

    What was fetched is used within `HOLD`, or given up; the store counts it for so much longer.

    Args:
        name: Of the count in the store.
        limit: How much, above 0.
        window: Seconds.
        store: What is known of the store.
        block: How much to fetch ahead; by default a fiftieth of the limit, at least 1.

    Raises:
        ValueError: `limit` is not above 0 and finite.
    """

    HOLD: Final = 2.0

    def __init__(
        self, name: str, limit: float, window: float, store: StoreState, block: float | None = None
    ) -> None:
        if not 0 < limit < math.inf:
            raise ValueError(f"a limit of {limit!r}: it must be more than 0, and finite")
        self.name, self.limit, self.window = name, limit, window
        self.wanted = 0.0
        """More than was at hand."""
        self.wanted_at = -math.inf
        self._store = store
        self._block = max(1.0, limit / 50) if block is None else block
        # Written by the router.
        self._own: list[tuple[float, float]] = []  # when, and how much this replica used
        self._used_of = (0, 0.0)  # which grant, and how much of it was used
        self._over = 0.0  # used and not granted
        # Written by the thread.
        self._grant = (0, 0.0, -math.inf)  # which, how much, and until when
        self._told = 0.0

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken, as far as is known here; 0 where it may be now."""
        amount = min(amount, self.limit)
        if amount <= self._at_hand(now) + _ROUNDING:
            return 0.0
        self.wanted, self.wanted_at = amount, now
        if not self._store.away:
            return min(0.25, self.window)  # the thread asks meanwhile
        share = self.limit / self._store.replicas
        lacking = self._recent(now) + min(amount, share) - share
        for at, used in self._own:
            if lacking <= _ROUNDING:
                break
            lacking -= used
            if lacking <= _ROUNDING:
                return max(0.0, at + self.window - now)
        return 0.0 if lacking <= _ROUNDING else self.window

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, whether `wait` allows it or not."""
        amount = min(amount, self.limit)
        of_grant = min(amount, self._at_hand(now))
        if of_grant > 0:
            number, used = self._used_of
            current = self._grant[0]
            self._used_of = current, of_grant + (used if number == current else 0.0)
        self._over += amount - of_grant
        self._recent(now)
        self._own.append((now, amount))

    def correct(self, amount: float, taken_at: float, now: float) -> None:
        """Take more; what was given back stays taken in the count of all, until the window has passed."""
        if amount > 0:
            self._over += amount
            self._own.append((now, amount))

    def used(self, now: float) -> float:
        """Return how much this replica used in the window."""
        return self._recent(now)

    def _at_hand(self, now: float) -> float:
        number, amount, until = self._grant
        if now >= until:
            return 0.0
        used_number, used = self._used_of
        return amount - (used if used_number == number else 0.0)

    def _recent(self, now: float) -> float:
        self._own = [each for each in self._own if each[0] > now - self.window]
        return sum(amount for _, amount in self._own)

    # -- the thread

    def fetch(self, now: float) -> Fetch | None:
        """Return what to ask the store for, or None."""
        over = self._over - self._told
        is_wanted = now < self.wanted_at + self.HOLD
        want = self._block - self._at_hand(now)
        if is_wanted and self.wanted > self._at_hand(now):
            want = max(want, self.wanted)
        elif not (is_wanted or (self._own and self._own[-1][0] > now - self.HOLD)):
            want = 0.0  # nobody uses it
        want = math.ceil(want) if want >= self._block / 2 else 0
        return None if not want and over <= 0 else Fetch(want, 0.0, over)

    def fetched(self, asked: Fetch, granted: int, sent_at: float) -> None:
        """Learn how much the store gave. What is left of the grant before is given up."""
        self._told += asked.spent
        if granted > 0:
            self._grant = self._grant[0] + 1, float(granted), sent_at + self.HOLD

    def __repr__(self) -> str:
        return f"<SharedWindow {self.name!r}: {self._grant[1]:g} of {self.limit:g} fetched>"
