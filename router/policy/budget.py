"""How much extra load trying again may cause: a token bucket over later rounds, repeats and hedges. Pure.

A limit per request bounds one request; it does not bound a thousand of them. When a provider is sick, every
request retries, and the load on it doubles just when it can bear it least. The budget bounds the sum: over
any `T` seconds with `n` requests there are no more than `capacity + share * n + per_second * T` extra
attempts, whatever fails. First attempts never need a token, so an empty budget makes no request fail that
would have succeeded at once.
"""

from __future__ import annotations

import math
from typing import Final

from adapters.contract.keywords import KnownKeywords

_ROUNDING: Final = 1e-9
"""Ten deposits of 0.1 are a token, although their sum is a little less than 1."""


class RetryBudget(KnownKeywords):
    """Tokens for extra attempts: requests earn them, time adds some, and each extra attempt takes one.

    It starts full. One budget may be shared by several routers of one event loop. Time that goes backwards is
    ignored.

    Args:
        share: Tokens that each request adds (0.2).
        per_second: Tokens that each second adds (1), so that thin traffic can retry too.
        capacity: The most it holds (10); at least 1. 0 allows no extra attempt at all, `math.inf` any number.

    Raises:
        ValueError: A value is out of its range.
    """

    __slots__ = ("_at", "_tokens", "capacity", "per_second", "share")

    def __init__(self, share: float = 0.2, per_second: float = 1.0, capacity: float = 10.0) -> None:
        for name, value in (("share", share), ("per_second", per_second)):
            if not 0 <= value < math.inf:
                raise ValueError(f"RetryBudget({name}={value!r}): it must be 0 or more, and finite")
        if not (capacity >= 1 or capacity == 0):
            raise ValueError(
                f"RetryBudget(capacity={capacity!r}): it must be 1 or more, which is one extra attempt, or 0"
            )
        self.share = share
        self.per_second = per_second
        self.capacity = capacity
        self._tokens = capacity
        self._at: float | None = None

    def on_clock(self, now: float) -> None:
        """Go on with the clock of another event loop, which shows `now`."""
        if self._at is not None and now < self._at:
            self._at = now

    def deposit(self, now: float) -> None:
        """Add what one request earns."""
        if self._tokens < self.capacity:
            self._move(now, self.share)
        elif self._at is None or self._at < now:  # full stays full
            self._at = now

    def take(self, now: float) -> bool:
        """Take a token for one extra attempt; return whether there was one."""
        self._move(now, 0.0)
        if self._tokens < 1 - _ROUNDING:
            return False
        self._tokens -= 1  # below 0 by the rounding, never clamped: nothing is given away
        return True

    def allows(self, now: float) -> bool:
        """Whether `take` would find a token."""
        return self._level(now) >= 1 - _ROUNDING

    def left(self, now: float) -> float:
        """Return the tokens there are at `now`, without taking any."""
        return max(0.0, self._level(now))

    def next_in(self, now: float) -> float | None:
        """Return the seconds until time alone brings a token: 0 for now, None where that is not known."""
        lacking = 1 - _ROUNDING - self._level(now)
        if lacking <= 0:
            return 0.0
        return lacking / self.per_second if self.per_second and self.capacity >= 1 else None

    def __repr__(self) -> str:
        """Show it as of the last time that it was told."""
        return (
            f"<RetryBudget {max(0.0, self._tokens):.1f} of {self.capacity:g} left, "
            f"+{self.share:g} per request, +{self.per_second:g} per second>"
        )

    def _level(self, now: float) -> float:
        tokens = self._tokens
        if self._at is not None and self._at < now:
            tokens += (now - self._at) * self.per_second
        if tokens > self.capacity:  # not `min`, which takes five times as long
            return self.capacity
        return tokens

    def _move(self, now: float, earned: float) -> None:
        self._tokens = min(self.capacity, self._level(now) + earned)
        if self._at is None or self._at < now:
            self._at = now
