"""How many probes may cost a service something: a token bucket for each provider. Pure."""

from __future__ import annotations

import math
from typing import Final

from router.policy.budget import RetryBudget

_HOUR: Final = 3600.0


class ProbeBudget:
    """Probes of level `answer` that may be spent on one provider: as many at once as in an hour.

    Args:
        per_hour: How many; 0 allows none, less than 1 means one in more than an hour.

    Raises:
        ValueError: `per_hour` is negative or not finite.
    """

    __slots__ = ("per_hour", "tokens")

    def __init__(self, per_hour: float) -> None:
        if not 0 <= per_hour < math.inf:
            raise ValueError(f"answer_probes={per_hour!r}: it must be a number from 0, of probes in an hour")
        self.per_hour = per_hour
        self.tokens = RetryBudget(0.0, per_hour / _HOUR, max(1.0, per_hour) if per_hour else 0.0)
        """Another one stands in where other processes take from it, too."""

    def take(self, now: float) -> bool:
        """Take one; return whether there was one."""
        return self.tokens.take(now)

    def left(self, now: float) -> int:
        """Return how many there are, without taking any."""
        return math.floor(self.tokens.left(now) + 1e-6)

    def refusal(self, now: float) -> str:
        """Return why there is none, and when the next is allowed, as a phrase."""
        if not self.per_hour:
            return "no probe for an answer is allowed (answer_probes = 0)"
        used, wait = f"the probe budget is used up ({self.per_hour:g} an hour", self.tokens.next_in(now)
        if wait is None:
            each = _HOUR / self.per_hour
            return f"{used}, of all processes together), and one more comes each {each:.0f} s"
        return f"{used}), the next is allowed in {math.ceil(wait)} s"

    def __repr__(self) -> str:
        return f"<ProbeBudget of {self.per_hour:g} an hour>"
