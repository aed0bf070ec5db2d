"""The buckets: no window has more than the limit, what is given back is there again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.limits import DAY, MINUTE, DayBucket, WindowBucket

STEPS = st.lists(
    st.tuples(st.floats(0, 90), st.integers(1, 12), st.sampled_from(["take", "back", "less"])), max_size=60
)


@given(limit=st.integers(1, 20), steps=STEPS)
def test_no_window_of_a_minute_ever_has_more_than_the_limit(limit, steps) -> None:
    bucket, now = WindowBucket(limit), 0.0
    kept: list[list[float]] = []
    for pause, amount, what in steps:
        now += pause
        if what == "take" and bucket.wait(amount, now) == 0:
            bucket.take(amount, now)
            kept.append([now, min(amount, limit)])
        elif what == "back" and kept:
            at, taken = kept.pop()
            bucket.correct(-taken, at, now)
        elif what == "less" and kept and kept[-1][1] > 1:
            kept[-1][1] -= 1
            bucket.correct(-1, kept[-1][0], now)
        for end, _ in kept:
            assert sum(taken for at, taken in kept if end - MINUTE < at <= end) <= limit


@given(limit=st.integers(1, 20), steps=STEPS)
def test_what_waits_as_long_as_it_is_told_finds_room_then(limit, steps) -> None:
    """Nothing starves: the wait is never over a minute and a part, and is enough."""
    bucket, now = WindowBucket(limit), 0.0
    for pause, amount, _ in steps:
        now += pause
        wait = bucket.wait(amount, now)
        assert 0 <= wait <= MINUTE * 1.02
        now += wait
        assert bucket.wait(amount, now + 1e-6) <= 1e-9  # a sum of floats
        bucket.take(amount, now)


def test_what_is_given_back_is_there_at_once() -> None:
    bucket = WindowBucket(3)
    bucket.take(3, 5.0)
    assert bucket.wait(1, 6.0) == pytest.approx(59.5)
    bucket.correct(-1, 5.0, 6.0)

    assert bucket.wait(1, 6.0) == 0
    assert bucket.used(6.0) == 2


def test_more_than_all_counts_as_all_and_goes_alone() -> None:
    bucket = WindowBucket(10)
    assert bucket.wait(1000, 0.0) == 0
    bucket.take(1000, 0.0)

    assert bucket.used(0.0) == 10
    assert bucket.wait(1, 1.0) > 50


def test_what_was_used_beyond_the_estimate_holds_the_next_back() -> None:
    bucket = WindowBucket(10)
    bucket.take(2, 0.0)
    bucket.correct(20, 0.0, 3.0)

    assert bucket.used(3.0) == 22
    assert bucket.wait(1, 3.0) == pytest.approx(57.5)
    assert bucket.used(61.0) == 0


def test_a_correction_that_comes_after_the_window_changes_nothing() -> None:
    bucket = WindowBucket(10)
    bucket.take(2, 0.0)
    bucket.correct(20, 0.0, 90.0)
    bucket.correct(-2, 0.0, 90.0)

    assert bucket.used(90.0) == 0


def test_time_that_goes_backwards_gives_nothing_away() -> None:
    bucket = WindowBucket(1)
    bucket.take(1, 100.0)

    assert bucket.wait(1, 0.0) > 0


def test_a_day_ends_at_midnight_utc() -> None:
    utc = [3 * DAY - 60.0]
    bucket = DayBucket(2, lambda: utc[0])
    bucket.take(1, 0.0)
    bucket.take(1, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(60.0)
    utc[0] -= 2 * DAY  # a clock that is set back begins no day
    assert bucket.wait(1, 0.0) > 0
    utc[0] = 3 * DAY

    assert bucket.wait(1, 0.0) == 0
    bucket.correct(-1, 0.0, 0.0)
    assert bucket.used(0.0) == 0


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan")])
def test_a_limit_is_a_number_above_nothing(limit) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        WindowBucket(limit)
    with pytest.raises(ValueError, match="more than 0"):
        DayBucket(limit, lambda: 0.0)
