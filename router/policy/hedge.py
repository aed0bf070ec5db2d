"""When a second provider is asked beside a slow first one. Pure: what was measured is passed in.

After The Tail at Scale (Dean and Barroso, 2013): a second request only when the first has taken longer than
nearly all do, so that the extra load stays small and the slowest requests become as quick as the usual ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contract.keywords import KnownKeywords


@dataclass(frozen=True, slots=True)
class HedgePolicy(KnownKeywords):
    """When to hedge: off unless a router is given one. At most one extra provider is asked at a time.

    The first content wins; the other attempt is cancelled and cleaned up before the stream is returned.
    Hedges are paid from the retry budget, and a provider that is held back is never the second one.

    Attributes:
        delay: Seconds after which the next provider is asked too; None takes the percentile of the first
            provider's own times to first content.
        percentile: Of its last 64, once there are 20 (0.95).
        fallback: Seconds, as long as there are fewer (5).
        least: The shortest delay in seconds (1); also the delay behind a half-open trial.

    Raises:
        ValueError: A value is out of its range.
    """

    delay: float | None = None
    percentile: float = 0.95
    fallback: float = 5.0
    least: float = 1.0

    def __post_init__(self) -> None:
        for name in ("delay", "fallback", "least"):
            value = getattr(self, name)
            if not (value is None and name == "delay") and not value >= 0:
                raise ValueError(f"HedgePolicy({name}={value!r}): it must be 0 or more seconds")
        if not 0 < self.percentile <= 1:
            raise ValueError(f"HedgePolicy(percentile={self.percentile!r}): it must be above 0 and at most 1")

    def wait(self, measured: float | None, *, on_trial: bool) -> float:
        """Return the seconds after which to hedge.

        Args:
            measured: The percentile of the first provider's times to first content, where it is known.
            on_trial: Whether the first provider is on trial after a break, so that no user has to pay for it.
        """
        if on_trial:
            return self.least if self.delay is None else min(self.least, self.delay)
        if self.delay is not None:
            return self.delay
        return max(self.least, self.fallback if measured is None else measured)
