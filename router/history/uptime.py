"""Uptime per day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from router.history.samples import STATES, by_provider
from router.history.spans import spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.health.state import State
    from router.history.samples import Sample
    from router.history.spans import Span


@dataclass(frozen=True, slots=True)
class Day:
    """How long a provider was in which state on one day, in seconds.

    Attributes:
        provider: Its name.
        day: The day, in UTC.
        healthy: Seconds seen healthy.
        degraded: Seconds seen degraded.
        unhealthy: Seconds seen unhealthy.
        unknown: Seconds without a known state.
    """

    provider: str
    day: date
    healthy: float
    degraded: float
    unhealthy: float
    unknown: float

    @property
    def uptime(self) -> float | None:
        """The share of the known time in which it could answer; None where nothing is known."""
        up = self.healthy + self.degraded
        known = up + self.unhealthy
        return up / known if known else None


def uptime(samples: Iterable[Sample], start: float, end: float, interval: float | None = None) -> list[Day]:
    """Return the days of each provider from `start` to `end`; degraded counts as up.

    The rule of gaps is that of `router.history.spans`: what lies between two samples that are more than two
    intervals apart is unknown, and counts neither way.

    Args:
        samples: Of any providers.
        start: The begin, in seconds UTC since 1970.
        end: The end; often now.
        interval: Seconds from sample to sample; by default each provider's median distance.
    """
    return [
        day
        for provider, rows in by_provider(samples).items()
        for day in _days(provider, spans(rows, start, end, interval))
    ]


def _days(provider: str, stretches: list[Span]) -> list[Day]:
    found: dict[date, dict[State, float]] = {}
    for span in stretches:
        for day, seconds in _by_day(span):
            times = found.setdefault(day, dict.fromkeys(STATES, 0.0))
            times[span.state] += seconds
    return [Day(provider, day, **times) for day, times in found.items()]


def _by_day(span: Span) -> Iterator[tuple[date, float]]:
    """Part a stretch at the midnights in UTC."""
    start = span.start
    while start < span.end:
        day = day_of(start)
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()
        end = min(span.end, midnight)
        yield day, end - start
        start = end


def day_of(at: float) -> date:
    """Return the day in UTC of a time in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).date()
