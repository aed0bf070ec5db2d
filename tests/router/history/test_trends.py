"""How fast the providers were, day by day."""

from __future__ import annotations

from router.history import ProbeSample, trends
from tests.router.history.rows import DAY, NOON, sample


def test_a_trend_is_a_day() -> None:
    rows = [
        sample(NOON, first_content_p50=1.0, first_content_p95=2.0, probe_seconds=9.0),
        sample(NOON + 60, first_content_p50=3.0, first_content_p95=9.0),
        sample(NOON + 120, first_content_p50=2.0, first_content_p95=3.0),
        sample(NOON + DAY),
    ]
    probes = [ProbeSample(NOON + n, "first", True, "", "reach", n / 10) for n in range(1, 21)]

    first, second = trends(rows, probes)

    assert (first.reports, first.first_content_p50, first.first_content_p95) == (3, 2.0, 3.0)
    assert (first.probe_p50, first.probe_p95) == (1.0, 1.9)
    assert (second.reports, second.first_content_p50, second.probe_p50) == (1, None, None)
    assert (second.day - first.day).days == 1


def test_without_probes_the_reports_own_durations_are_taken() -> None:
    (trend,) = trends([sample(NOON, probe_seconds=0.5)])

    assert (trend.probe_p50, trend.probe_p95) == (0.5, 0.5)


def test_without_samples_there_are_no_trends() -> None:
    assert [] == trends([])
