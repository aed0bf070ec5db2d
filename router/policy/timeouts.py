"""The clocks of a request, all under one deadline. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

from adapters.contract.keywords import KnownKeywords

MINIMUM: Final = 0.5
"""Seconds; no attempt starts with less than this left."""


@dataclass(frozen=True, slots=True)
class Timeouts(KnownKeywords):
    """How long things may take, in seconds.

    Attributes:
        first_content: From the start of an attempt to its first content: the first token of text or
            reasoning, or a tool call. Connects, headers, queue notices and pings do not count as content.
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


_DEFAULTS: Final = {each.name: each.default for each in fields(Timeouts)}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The absolute end of a whole request.

    Attributes:
        at: On the event loop's clock, in seconds.
    """

    at: float

    def remaining(self, now: float) -> float:
        """Return the seconds left, never negative."""
        return self.at - now if now < self.at else 0.0

    def allows_attempt(self, now: float) -> bool:
        """Whether enough is left to start an attempt."""
        return self.at - now >= MINIMUM


def clocks_of_provider(
    asked: Timeouts, usual: Timeouts, first_content: float | None, stall: float | None
) -> Timeouts:
    """Return the clocks of a request at a provider that may have some of its own.

    What a provider has holds there in place of the router's. A caller's own limit holds where it is shorter;
    one that equals the router's, or the default, is none of the caller's.

    Args:
        asked: The request's.
        usual: The router's.
        first_content: The provider's own, or None.
        stall: Likewise.
    """
    found = {}
    for name, own in (("first_content", first_content), ("stall", stall)):
        if own is not None:
            said: float = getattr(asked, name)
            is_callers = said not in (getattr(usual, name), _DEFAULTS[name])
            found[name] = min(said, own) if is_callers else own
    return replace(asked, **found) if found else asked


def attempt_limit(timeouts: Timeouts, remaining: float, left: int) -> float:
    """Return how long one attempt may wait for its first content.

    The first choice may use what is left beyond the reserve of each later candidate.

    Args:
        timeouts: The request's.
        remaining: Seconds until the deadline.
        left: Candidates of this round not yet tried, this one included.
    """
    if left == 1:
        return min(timeouts.first_content, remaining)
    reserve = max(timeouts.reserve, MINIMUM)  # less would let nobody start
    share = max(MINIMUM, remaining / left, remaining - reserve * (left - 1))
    return min(timeouts.first_content, share, remaining)
