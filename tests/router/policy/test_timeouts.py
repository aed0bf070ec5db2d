"""The clocks of a request are pure: what one attempt may take follows from numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.timeouts import MINIMUM, Deadline, Timeouts, attempt_limit

SECONDS = st.floats(0.01, 1000)


@st.composite
def timeouts(draw: st.DrawFn) -> Timeouts:
    return Timeouts(first_content=draw(SECONDS), reserve=draw(SECONDS))


@given(timeouts(), st.floats(MINIMUM, 5000), st.integers(1, 8))
def test_an_attempt_gets_time_and_never_more_than_its_patience_or_what_is_left(clocks, remaining, left):
    limit = attempt_limit(clocks, remaining, left)

    assert 0 < limit <= min(clocks.first_content, remaining)


@given(timeouts(), st.floats(MINIMUM, 5000))
def test_the_last_candidate_may_use_all_that_is_left(clocks, remaining):
    assert min(clocks.first_content, remaining) == attempt_limit(clocks, remaining, 1)


@given(timeouts(), st.integers(1, 8), st.floats(0, 100))
def test_the_first_choice_keeps_its_patience_as_long_as_each_later_one_keeps_its_reserve(clocks, left, more):
    remaining = clocks.first_content + max(clocks.reserve, MINIMUM) * (left - 1) + more

    assert pytest.approx(clocks.first_content) == attempt_limit(clocks, remaining, left)


@given(timeouts(), st.integers(1, 8), st.floats(0, 5000))
def test_no_candidate_starves_behind_silent_ones(clocks, left, more):
    """In a chain where everybody uses up its limit, each gets its reserve, or an even share."""
    remaining = start = MINIMUM * left + more
    fair = min(clocks.first_content, clocks.reserve, start / left)
    for behind in range(left, 0, -1):
        limit = attempt_limit(clocks, remaining, behind)

        assert limit >= fair * (1 - 1e-9)
        remaining -= limit
    assert remaining >= -1e-9


@given(timeouts(), st.floats(MINIMUM, 5000), st.integers(1, 8), st.floats(0, 100))
def test_more_time_never_makes_a_limit_shorter_and_more_candidates_never_longer(
    clocks, remaining, left, more
):
    limit = attempt_limit(clocks, remaining, left)

    assert attempt_limit(clocks, remaining + more, left) >= limit * (1 - 1e-12)
    assert attempt_limit(clocks, remaining, left + 1) <= limit * (1 + 1e-12)


@pytest.mark.parametrize(
    ("clocks", "remaining", "left", "limit"),
    [
        (Timeouts(), 600, 3, 30),
        (Timeouts(), 36, 3, 26),
        (Timeouts(), 12, 3, 4),
        (Timeouts(first_content=2), 12, 3, 2),
        (Timeouts(), 1, 4, MINIMUM),
        (Timeouts(), MINIMUM, 4, MINIMUM),
    ],
)
def test_the_formula_by_example(clocks, remaining, left, limit):
    assert limit == attempt_limit(clocks, remaining, left)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_remains_is_never_negative_and_an_attempt_needs_half_a_second(at, now):
    deadline = Deadline(at)

    assert max(0.0, at - now) == deadline.remaining(now)
    assert (deadline.remaining(now) >= MINIMUM) is deadline.allows_attempt(now)


@pytest.mark.parametrize("name", ["first_content", "stall", "total", "reserve", "probe", "close"])
@pytest.mark.parametrize("value", [0, -1, math.nan, -math.inf, "30", None, True])
def test_a_timeout_that_is_no_positive_number_is_refused_by_name(name, value):
    with pytest.raises(ValueError) as raised:
        Timeouts(**{name: value})

    assert f"Timeouts({name}={value!r}): it must be a number of seconds above 0" == str(raised.value)


def test_a_total_in_which_no_attempt_can_start_is_refused():
    with pytest.raises(ValueError, match=r"no attempt starts with less than 0\.5 s left"):
        Timeouts(total=0.49)


def test_the_defaults_are_the_documented_ones():
    clocks = Timeouts()

    assert (clocks.first_content, clocks.stall, clocks.total) == (30, 30, 600)
    assert (clocks.reserve, clocks.probe, clocks.close) == (5, 5, 1)
