"""The clocks of a request, all under one deadline. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

MINIMUM: Final = 0.5
"""Seconds; no attempt starts with less than this left."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long things may take, in seconds.

    Attributes:
        first_content: From the start of an attempt to its first content (text, reasoning or a tool call).
            Connects, headers, queue notices and pings do not count as content.
        stall: From one content to the next.
        total: For the whole request, from the call to the end of the reply, with all retries and waits.
        reserve: What an attempt leaves of `total` for each candidate after it.
        probe: For one probe of level `reach`.
        probe_answer: For one probe of level `answer`.
        close: For closing one reply or the router; clean-up at a service has its own limit in the adapter.
        slot: The most to wait for a slot at a provider whose `concurrency` is used up, where no other
            provider is left to ask. None: until the deadline.
        drip_rate: The least characters per second of a committed reply, over `drip_window`; a slower one is
            interrupted. None: no rate is too slow.
        drip_window: For `drip_rate`.

    Raises:
        ValueError: A value is not a positive number, or `total` is under 0.5 s.
    """

    first_content: float = 30.0
    stall: float = 30.0
    total: float = 600.0
    reserve: float = 5.0
    probe: float = 5.0
    probe_answer: float = 20.0
    close: float = 1.0
    slot: float | None = None
    drip_rate: float | None = None
    drip_window: float = 30.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.name in ("drip_rate", "slot"):
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
                raise ValueError(f"Timeouts({each.name}={value!r}): it must be a number of seconds above 0")
        if self.total < MINIMUM:
            raise ValueError(
                f"Timeouts(total={self.total!r}): no attempt starts with less than {MINIMUM} s left"
            )


@dataclass(frozen=True, slots=True)
class Deadline:
    """The absolute end of a whole request.

    Attributes:
        at: On the event loop's clock, in seconds.
    """

    at: float

    def remaining(self, now: float) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.at - now)

    def allows_attempt(self, now: float) -> bool:
        """Whether enough is left to start an attempt."""
        return self.at - now >= MINIMUM


def attempt_limit(timeouts: Timeouts, remaining: float, left: int) -> float:
    """Return how long one attempt may wait for its first content.

    The first choice keeps its patience as long as each later candidate keeps its reserve.

    Args:
        timeouts: The request's.
        remaining: Seconds until the deadline.
        left: Candidates of this round not yet tried, this one included.
    """
    reserve = max(timeouts.reserve, MINIMUM)  # less would let nobody start
    share = max(MINIMUM, remaining / left, remaining - reserve * (left - 1))
    return min(timeouts.first_content, share, remaining)
