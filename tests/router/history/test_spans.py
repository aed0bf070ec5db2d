"""From samples to time: the rule of gaps, the strip, and uptime."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.history import Sample, Span, spans, strip, uptime
from tests.router.history.rows import DAY, NOON, sample

STATES = st.sampled_from(["healthy", "degraded", "unhealthy", "unknown"])
SAMPLES = st.lists(
    st.builds(sample, st.floats(NOON - 3 * DAY, NOON + 3 * DAY), STATES), max_size=30
)  # not in order, some at the same time


def test_a_state_lasts_until_the_next_sample() -> None:
    rows = [sample(0.0), sample(30.0, "unhealthy"), sample(60.0), sample(90.0)]

    assert [
        Span(0.0, 30.0, "healthy"),
        Span(30.0, 60.0, "unhealthy"),
        Span(60.0, 100.0, "healthy"),
    ] == spans(rows, 0.0, 100.0)


def test_a_gap_of_more_than_two_intervals_is_unknown() -> None:
    """Here the interval is 10 s; 20 s are still bridged, 21 s are not."""
    rows = [sample(at) for at in (0.0, 10.0, 20.0, 40.0, 61.0, 71.0)]

    assert [
        Span(0.0, 40.0, "healthy"),
        Span(40.0, 61.0, "unknown"),
        Span(61.0, 91.0, "healthy"),
    ] == spans(rows, 0.0, 91.0)


def test_after_the_last_sample_two_intervals_count_and_no_more() -> None:
    rows = [sample(0.0), sample(10.0)]

    assert [Span(0.0, 30.0, "healthy")] == spans(rows, 0.0, 30.0)
    assert [Span(0.0, 10.0, "healthy"), Span(10.0, 31.0, "unknown")] == spans(rows, 0.0, 31.0)


def test_one_sample_says_nothing_about_time_unless_the_interval_is_given() -> None:
    assert [Span(0.0, 10.0, "unknown")] == spans([sample(0.0)], 0.0, 10.0)
    assert [Span(0.0, 10.0, "healthy")] == spans([sample(0.0)], 0.0, 10.0, interval=5.0)


def test_samples_before_the_start_say_how_it_was_at_the_start() -> None:
    rows = [sample(0.0, "degraded"), sample(10.0)]

    assert [Span(5.0, 10.0, "degraded"), Span(10.0, 12.0, "healthy")] == spans(rows, 5.0, 12.0)


def test_samples_of_several_providers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"several providers \(a, b\).*by_provider"):
        spans([sample(0.0, provider="a"), sample(1.0, provider="b")], 0.0, 2.0)


@given(SAMPLES, st.floats(1.0, 2 * DAY))
def test_spans_fill_the_time_without_holes_and_none_is_like_the_one_before(
    rows: list[Sample], length: float
) -> None:
    found = spans(rows, NOON, NOON + length)

    assert (found[0].start, found[-1].end) == (NOON, NOON + length)
    assert all(one.end == other.start and one.state != other.state for one, other in pairwise(found))
    assert all(span.seconds > 0 for span in found)


@given(SAMPLES, st.integers(1, 50))
def test_a_strip_shows_in_each_part_the_worst_of_it(rows: list[Sample], buckets: int) -> None:
    start, end = NOON, NOON + DAY
    width = DAY / buckets
    order = ["unknown", "healthy", "degraded", "unhealthy"]

    shown = strip(rows, start, end, buckets)

    assert len(shown) == buckets
    hair = width * 1e-6  # what rounding may move over a border
    for place, state in enumerate(shown):
        left, right = start + place * width, start + (place + 1) * width
        touching = [s for s in spans(rows, start, end) if s.start < right + hair and s.end > left - hair]
        inside = [s for s in touching if min(s.end, right) - max(s.start, left) > hair]
        assert order.index(state) <= max(order.index(span.state) for span in touching)
        assert order.index(state) >= max((order.index(span.state) for span in inside), default=0)


def test_a_short_outage_is_not_painted_over() -> None:
    rows = [sample(float(at), "unhealthy" if at == 50 else "healthy") for at in range(0, 101, 10)]

    assert ["healthy", "healthy", "unhealthy", "healthy"] == strip(rows, 0.0, 100.0, 4)


@pytest.mark.parametrize(("start", "end", "buckets"), [(0.0, 1.0, 0), (1.0, 1.0, 4), (2.0, 1.0, 4)])
def test_a_strip_of_nothing_is_refused(start: float, end: float, buckets: int) -> None:
    with pytest.raises(ValueError, match="at least one part"):
        strip([], start, end, buckets)


@given(SAMPLES)
def test_the_seconds_of_all_days_are_those_of_the_time_asked_for(rows: list[Sample]) -> None:
    start, end = NOON - 2.5 * DAY, NOON + DAY

    days = uptime(rows, start, end)

    if rows:
        total = sum(day.healthy + day.degraded + day.unhealthy + day.unknown for day in days)
        assert abs(total - (end - start)) < 1e-3
        assert [day.day for day in days] == sorted({day.day for day in days})
        assert all(day.uptime is None or 0 <= day.uptime <= 1 for day in days)


def test_uptime_is_the_share_of_the_known_time_in_which_it_could_answer() -> None:
    """Half an hour out, half an hour degraded, then nobody looks from eleven to the end."""
    hour = 3600.0
    states = ["healthy", "unhealthy", "degraded", "healthy"]
    rows = [sample(NOON + hour * (10 + n / 2), state) for n, state in enumerate(states)]  # type: ignore[arg-type]  # words

    first, second = uptime(rows, NOON + 10 * hour, NOON + 15 * hour)

    assert (first.healthy, first.degraded, first.unhealthy, first.unknown) == (
        0.5 * hour,
        0.5 * hour,
        0.5 * hour,
        0.5 * hour,
    )
    assert first.uptime == 2 / 3
    assert (second.unknown, second.uptime) == (3 * hour, None)
    assert (second.day - first.day).days == 1


def test_days_are_those_of_utc() -> None:
    midnight = NOON + DAY / 2
    rows = [sample(midnight - 60.0 + 30.0 * n) for n in range(5)]

    days = uptime(rows, midnight - 60.0, midnight + 60.0)

    assert [60.0, 60.0] == [day.healthy for day in days]
    assert datetime.fromtimestamp(midnight, UTC).date() == days[1].day
