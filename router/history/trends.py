"""How fast the providers were, day by day. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from router.health.traffic_summary import Percentiles
from router.history.uptime import day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from router.history.samples import ProbeSample, Sample


@dataclass(frozen=True, slots=True)
class Trend:
    """How fast a provider was on one day, in seconds; None where nothing was measured.

    Attributes:
        provider: Its name.
        day: The day, in UTC.
        reports: How many reports of the day say something of it.
        first_content_p50: The median, over the day's reports, of their medians.
        first_content_p95: The median, over the day's reports, of their 95th percentiles.
        probe_p50: The median duration of the day's probes.
        probe_p95: The 95th percentile of them.
    """

    provider: str
    day: date
    reports: int
    first_content_p50: float | None
    first_content_p95: float | None
    probe_p50: float | None
    probe_p95: float | None


def trends(samples: Iterable[Sample], probes: Iterable[ProbeSample] = ()) -> list[Trend]:
    """Return the days of each provider, the oldest first.

    A report holds the percentiles of its own window, which overlaps that of the next one; the day's number is
    the median of them, so that one bad window does not make a bad day.

    Args:
        samples: Of any providers.
        probes: The probes of the same time; where there are none, the reports' own durations are taken.
    """
    reports: defaultdict[tuple[str, date], list[Sample]] = defaultdict(list)
    for sample in samples:
        reports[sample.provider, day_of(sample.at)].append(sample)
    probed: defaultdict[tuple[str, date], list[float]] = defaultdict(list)
    for probe in probes:
        probed[probe.provider, day_of(probe.at)].append(probe.seconds)
    names = list(dict.fromkeys(provider for provider, _ in [*reports, *probed]))
    keys = sorted({*reports, *probed}, key=lambda key: (names.index(key[0]), key[1]))
    return [_trend(*key, reports[key], probed[key]) for key in keys]


def _trend(provider: str, day: date, rows: Sequence[Sample], probed: Sequence[float]) -> Trend:
    p50s = [row.first_content_p50 for row in rows if row.first_content_p50 is not None]
    p95s = [row.first_content_p95 for row in rows if row.first_content_p95 is not None]
    probe = Percentiles.of(probed or [row.probe_seconds for row in rows if row.probe_seconds is not None])
    return Trend(
        provider=provider,
        day=day,
        reports=len(rows),
        first_content_p50=median(p50s) if p50s else None,
        first_content_p95=median(p95s) if p95s else None,
        probe_p50=probe.p50,
        probe_p95=probe.p95,
    )
