"""Outages, changes and trends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.history import Change, Outage, ProbeSample, Sample, changes, outages, trends
from tests.router.history.rows import DAY, NOON, sample


def test_an_outage_has_a_start_an_end_and_the_first_cause() -> None:
    rows = [
        sample(0.0),
        sample(10.0, "unhealthy", reason="no connection could be made"),
        sample(20.0, "unhealthy", reason="the breaker is open"),
        sample(30.0, "degraded"),
        sample(40.0, "unhealthy", reason="gone"),
    ]

    assert [
        Outage("first", 10.0, 30.0, 20.0, "no connection could be made"),
        Outage("first", 40.0, None, 40.0, "gone"),
    ] == outages(rows)
    assert [20.0, 0.0] == [outage.seconds for outage in outages(rows)]


def test_time_in_which_nobody_could_tell_belongs_to_the_outage_around_it() -> None:
    rows = [sample(0.0, "unhealthy"), sample(10.0, "unknown"), sample(9999.0, "unhealthy"), sample(10010.0)]

    assert [Outage("first", 0.0, 10010.0, 9999.0, "it is unhealthy")] == outages(rows)


@given(st.lists(st.tuples(st.sampled_from(["healthy", "degraded", "unhealthy", "unknown"]), st.booleans())))
def test_outages_of_a_provider_do_not_overlap_and_hold_every_unhealthy_sample(
    states: list[tuple[str, bool]],
) -> None:
    rows: list[Sample] = [
        sample(float(at), state, "one" if first else "other")  # type: ignore[arg-type]
        for at, (state, first) in enumerate(states)
    ]

    found = outages(rows)

    assert sorted(found, key=lambda o: o.start) == found
    for row in rows:
        inside = [
            o
            for o in found
            if o.provider == row.provider and o.start <= row.at and (o.end is None or row.at < o.end)
        ]
        assert len(inside) <= 1
        if row.state == "unhealthy":
            assert inside
        elif row.state != "unknown":
            assert not inside


def test_each_provider_is_compared_with_itself_in_the_report_before() -> None:
    """Three providers of two routers that write to one file at different times."""
    rows = [
        sample(0.0, provider="a", breaker="closed"),
        sample(0.0, provider="b", breaker="closed"),
        sample(5.0, provider="c"),
        sample(10.0, "unhealthy", provider="a", breaker="open", reason="gone"),
        sample(10.0, provider="b", breaker="closed"),
    ]

    assert [
        Change("a", 0.0, None, None, "healthy", None, "closed", "it is healthy"),
        Change("a", 10.0, 0.0, "healthy", "unhealthy", "closed", "open", "gone"),
        Change("b", 0.0, None, None, "healthy", None, "closed", "it is healthy"),
        Change("c", 5.0, None, None, "healthy", None, None, "it is healthy"),
    ] == changes(rows)


def test_every_change_is_told_and_nothing_else() -> None:
    states = ["healthy", "healthy", "unhealthy", "unhealthy", "degraded", "healthy"]
    rows = [sample(float(at), state) for at, state in enumerate(states)]  # type: ignore[arg-type] # words

    assert [(0.0, None), (2.0, "healthy"), (4.0, "unhealthy"), (5.0, "degraded")] == [
        (change.at, change.before) for change in changes(rows)
    ]


def test_a_breaker_that_opens_is_a_change() -> None:
    rows = [sample(0.0, "degraded", breaker="closed"), sample(1.0, "degraded", breaker="open")]

    assert ["closed", "open"] == [change.breaker_after for change in changes(rows)]


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


def test_nothing_says_nothing() -> None:
    assert ([], [], []) == (outages([]), changes([]), trends([]))
