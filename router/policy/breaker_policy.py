"""The numbers of a circuit breaker, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a provider that fails is left alone, and for how long.

    `BreakerPolicy.off()` never opens by itself.

    Attributes:
        consecutive: Failures in a row that open it (5); None: no number of them does.
        ratio: Share of failed calls in `window` that opens it, above 0 to 1 (0.5); None: no share does.
        minimum: Calls in `window` before a share means anything (10).
        window: Seconds over which shares are taken (60), in steps of a twelfth.
        open_for: Seconds of the first break (15).
        growth: Factor on the break each time that the trial after it fails, 1 or more (2).
        open_cap: The longest break in seconds, before the jitter (300).
        jitter: Breaks are spread by plus or minus this share, 0 to below 1 (0.2).
        slow_call: Seconds; a first content that took longer makes a call slow. None: no call is (None).
        slow_ratio: Share of slow calls in `window` that opens it, above 0 to 1 (0.5).
        trial_limit: Seconds after which a trial that said nothing counts as lost (60). Keep it above
            `Timeouts.first_content`, else a second trial may start beside a slow first one.

    Raises:
        ValueError: A value is out of its range.
    """

    consecutive: int | None = 5
    ratio: float | None = 0.5
    minimum: int = 10
    window: float = 60.0
    open_for: float = 15.0
    growth: float = 2.0
    open_cap: float = 300.0
    jitter: float = 0.2
    slow_call: float | None = None
    slow_ratio: float = 0.5
    trial_limit: float = 60.0

    def __post_init__(self) -> None:
        for name, may_be_off in (("consecutive", True), ("minimum", False)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            self._need(name, whole or (may_be_off and value is None), "a whole number, 1 or more")
        for name in ("window", "open_for", "open_cap", "trial_limit", "slow_call"):
            value = getattr(self, name)
            is_off = name == "slow_call" and value is None
            self._need(name, is_off or 0 < value < math.inf, "a finite number of seconds above 0")
        self._need("ratio", self.ratio is None or 0 < self.ratio <= 1, "above 0 and at most 1")
        self._need("slow_ratio", 0 < self.slow_ratio <= 1, "above 0 and at most 1")
        self._need("growth", 1 <= self.growth < math.inf, "1 or more, and finite")
        self._need("jitter", 0 <= self.jitter < 1, "0 or more and below 1")
        self._need("open_cap", self.open_cap >= self.open_for, f"at least open_for ({self.open_for!r})")

    def _need(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(f"BreakerPolicy({name}={getattr(self, name)!r}): it must be {what}")

    @classmethod
    def off(cls) -> BreakerPolicy:
        """Return a policy under which a breaker counts, and opens by `isolate()` only."""
        return cls(consecutive=None, ratio=None)
