"""What a breaker does, by example; `test_breaker_model` looks at every history."""

from __future__ import annotations

import dataclasses
import heapq
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.breaker import BreakerPolicy, CircuitBreaker, Permit
from router.policy.breaker_snapshot import BreakerSnapshot

SHARP = BreakerPolicy(jitter=0)


def breaker(policy: BreakerPolicy = SHARP, seed: int = 0) -> CircuitBreaker:
    return CircuitBreaker(policy, random.Random(seed))


def opened(
    policy: BreakerPolicy = SHARP, now: float = 0.0, retry_after: float | None = None
) -> CircuitBreaker:
    """Return a breaker that `consecutive` failures have opened."""
    made = breaker(policy)
    fail(made, now, policy.consecutive or 0, retry_after)
    return made


def fail(made: CircuitBreaker, now: float, times: int = 1, retry_after: float | None = None) -> None:
    for _ in range(times):
        permit = made.permit(now)
        assert permit is not None
        permit.failed(now, retry_after)


def succeed(made: CircuitBreaker, now: float, seconds: float = 0.1) -> None:
    permit = made.permit(now)
    assert permit is not None
    permit.succeeded(now, seconds)


def after_the_break(made: CircuitBreaker, now: float) -> float:
    """Return when the trial is due, and a little more: a sum of floats may fall short of it."""
    return now + (made.permit_in(now) or 0) + 1e-9


def test_it_opens_at_the_fifth_failure_in_a_row_and_a_success_starts_the_count_anew():
    made = breaker()
    fail(made, 0, 4)
    succeed(made, 0)
    fail(made, 0, 4)

    assert "closed" == made.state(0)

    fail(made, 0)

    assert ("open", 15.0) == (made.state(0), made.permit_in(0))


def test_it_opens_when_half_of_ten_calls_failed_and_not_before_there_are_ten():
    made = breaker()
    for now in range(4):
        fail(made, now)
        succeed(made, now)
    fail(made, 4)

    assert "closed" == made.state(4)

    fail(made, 4)

    assert "open" == made.state(4)
    assert BreakerSnapshot("open", 2, 10, 6, 0, 15.0, 0) == made.snapshot(4)


@pytest.mark.parametrize(
    ("trials", "seconds"), [(0, 15), (1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (6, 300), (2000, 300)]
)
def test_a_break_doubles_with_each_failed_trial_up_to_its_cap(trials, seconds):
    made, now = opened(), 0.0
    for _ in range(trials):
        now = after_the_break(made, now)
        fail(made, now)

    assert pytest.approx(seconds) == made.permit_in(now)
    assert trials == made.snapshot(now).repetitions


def test_breaks_with_the_jitter_of_a_seeded_source():
    made, now, breaks = breaker(BreakerPolicy(consecutive=1), seed=7), 0.0, []
    for _ in range(6):
        fail(made, now)
        breaks.append(round(made.permit_in(now) or 0, 3))
        now = after_the_break(made, now)

    assert [13.943, 25.81, 63.622, 99.477, 243.445, 283.883] == breaks


@given(st.integers(0, 10_000), st.integers(0, 8), st.sampled_from([0.0, 0.2, 0.5]))
def test_the_jitter_stays_within_its_share(seed, trials, jitter):
    made, now = breaker(BreakerPolicy(consecutive=1, jitter=jitter), seed), 0.0
    fail(made, now)
    for _ in range(trials):
        now = after_the_break(made, now)
        fail(made, now)
    length = min(300, 15 * 2**trials)

    wait = made.permit_in(now)
    assert wait is not None
    assert length * (1 - jitter) - 1e-6 <= wait <= length * (1 + jitter) + 1e-6


def test_the_jitter_uses_its_whole_range():
    drawn = []
    for seed in range(1000):
        made = breaker(BreakerPolicy(consecutive=1), seed)
        fail(made, 0)
        drawn.append(made.permit_in(0) or 0)

    assert min(drawn) < 12.2
    assert max(drawn) > 17.8
    assert pytest.approx(15, rel=0.02) == sum(drawn) / 1000


@pytest.mark.parametrize(
    ("retry_after", "wait"), [(None, 15), (3, 15), (40, 40), (-5, 15), (math.nan, 15), (math.inf, 15)]
)
def test_the_longer_of_the_break_and_the_retry_after_counts(retry_after, wait):
    assert wait == opened(retry_after=retry_after).permit_in(0)


def test_a_trial_that_delivers_closes_and_the_next_break_is_a_first_one_again():
    made = opened()
    fail(made, 15)
    succeed(made, 45)

    assert BreakerSnapshot("closed", 0, 0, 0, 0, 0.0, 0) == made.snapshot(45)

    fail(made, 46, 5)

    assert 15 == made.permit_in(46)


def test_half_open_gives_one_permit_at_a_time():
    made = opened()
    given_out = [made.permit(15) for _ in range(50)]

    assert [True] + [False] * 49 == [permit is not None for permit in given_out]
    assert ("half-open", 60.0) == (made.state(15), made.permit_in(15))


def test_a_released_trial_gives_its_slot_back_at_once():
    made = opened()
    trial = made.permit(15)
    assert trial is not None
    trial.released()

    assert ("half-open", 0.0) == (made.state(16), made.permit_in(16))
    assert made.permit(16) is not None


def test_a_lost_trial_does_not_jam_it_and_its_late_word_moves_nothing():
    made = opened()
    lost = made.permit(15)
    second = made.permit(75)
    assert lost is not None
    assert second is not None
    lost.succeeded(76, 61)

    assert "half-open" == made.state(76)
    assert made.permit(76) is None

    second.succeeded(77, 2)

    assert "closed" == made.state(77)


def test_a_trial_that_was_given_up_but_not_replaced_still_decides():
    made = opened()
    trial = made.permit(15)
    assert trial is not None
    trial.succeeded(80, 65)

    assert "closed" == made.state(80)


@pytest.mark.parametrize("now", [5, 15])
def test_late_results_change_the_metrics_and_never_the_state(now):
    made = breaker()
    late = [made.permit(0) for _ in range(12)]
    fail(made, 0, 12)  # as many as there are open calls beside them
    before = made.state(now)
    for number, permit in enumerate(late):
        assert permit is not None
        permit.succeeded(now, 1) if number % 2 else permit.failed(now, 500)

    assert before == made.state(now)
    assert max(0, 15 - now) == made.permit_in(now)
    assert (24, 18) == (made.snapshot(now).calls, made.snapshot(now).failures)


def test_failures_from_before_the_last_closing_do_not_open_it_again():
    """Many calls time out together: the first ones open it, the rest come in after the trial."""
    made = breaker()
    late = [made.permit(0) for _ in range(95)]
    fail(made, 0, 95)
    succeed(made, 15)
    for permit in late:
        assert permit is not None
        permit.failed(16)

    assert BreakerSnapshot("closed", 0, 0, 0, 0, 0.0, 0) == made.snapshot(16)


def test_slow_calls_open_it_where_that_is_asked_for_and_a_slow_trial_opens_it_again():
    made = breaker(BreakerPolicy(jitter=0, slow_call=5, slow_ratio=0.5, minimum=4))
    for seconds in (5, 5, 5.1):
        succeed(made, 0, seconds)

    assert "closed" == made.state(0)

    succeed(made, 0, 5.1)

    assert BreakerSnapshot("open", 0, 4, 0, 2, 15.0, 0) == made.snapshot(0)

    succeed(made, 15, 6)

    assert ("open", 30.0) == (made.state(15), made.permit_in(15))


def test_isolated_nothing_passes_until_it_is_reset():
    made = breaker()
    under_way = made.permit(0)
    made.isolate()
    assert under_way is not None
    under_way.succeeded(1, 1)

    assert ("isolated", None, None) == (made.state(1e9), made.permit_in(1e9), made.permit(1e9))

    made.reset()

    assert ("closed", 0.0) == (made.state(1e9), made.permit_in(1e9))
    assert made.permit(1e9) is not None


def test_a_trial_that_ends_while_isolated_does_not_close_it():
    made = opened()
    trial = made.permit(15)
    made.isolate()
    assert trial is not None
    trial.succeeded(16, 1)

    assert "isolated" == made.state(16)


def test_switched_off_it_counts_and_opens_by_hand_only():
    made = breaker(BreakerPolicy.off())
    fail(made, 0, 1000)

    assert ("closed", 1000) == (made.state(0), made.snapshot(0).failures)

    made.isolate()

    assert "isolated" == made.state(0)


def test_time_that_goes_backwards_stands_still():
    made = opened(now=100)

    assert ("open", 15.0) == (made.state(50), made.permit_in(50))
    assert ("half-open", "open") == (made.state(115), made.state(100))  # a question changes nothing
    assert made.permit(115) is not None
    assert "half-open" == made.state(100)


def test_its_repr_is_a_dashboard():
    made = breaker()

    assert (
        "<CircuitBreaker closed: 0 failures in a row, 0 of 0 calls failed in 60 s, 0 slow, repetition 0>"
        == repr(made)
    )

    fail(made, 2, 5)
    fail(made, 17)

    assert (
        "<CircuitBreaker open, permit in 30.0 s: 6 failures in a row, 6 of 6 calls failed in 60 s, "
        "0 slow, repetition 1>" == repr(made)
    )


# --- many calls side by side


def crowd(
    seed: int, share: float, *, quick: float, slow: float, seconds: float = 60.0, at_once: int = 40
) -> tuple[int, int]:
    """Play `at_once` callers that ask without a pause until it opens; return the calls, and whether it did.

    Args:
        seed: Of the failures.
        share: Of the calls fail.
        quick: Seconds until a failure is told.
        slow: Seconds until a success is told, at most half of it less.
        seconds: Played.
        at_once: Callers.
    """
    source, made, opened_, calls = random.Random(seed), breaker(), 0, 0
    now = 0.0
    due: list[tuple[float, int, tuple[Permit, bool] | None]] = [(0.0, n, None) for n in range(at_once)]
    while now < seconds and not opened_:
        now, _, word = heapq.heappop(due)
        if word is not None:
            permit, failed = word
            permit.failed(now) if failed else permit.succeeded(now, 0.1)
            opened_ += made.state(now) != "closed"
        asked, failed = made.permit(now), source.random() < share
        if asked is None:
            break
        calls += 1
        takes = quick if failed else source.uniform(slow / 2, slow)
        heapq.heappush(due, (now + takes, calls + at_once, (asked, failed)))
    return calls, opened_


@pytest.mark.parametrize(("quick", "slow"), [(0.01, 10.0), (0.01, 0.5), (1.0, 1.0), (0.5, 5.0), (5.0, 0.5)])
def test_fifteen_failures_in_a_hundred_do_not_open_it_with_forty_calls_at_once(quick, slow):
    """Failures come sooner than successes, so the first words about a crowd are mostly bad ones."""
    played = [crowd(seed, 0.15, quick=quick, slow=slow) for seed in range(20)]

    assert 0 == sum(times for _, times in played), played


@pytest.mark.parametrize(("quick", "slow"), [(0.01, 10.0), (1.0, 1.0), (30.0, 1.0)])
@pytest.mark.parametrize("at_once", [1, 2, 5, 40])
def test_a_provider_that_only_fails_opens_it_whatever_runs_beside(quick, slow, at_once):
    _, times = crowd(0, 1.0, quick=quick, slow=slow, seconds=200, at_once=at_once)

    assert times >= 1


def test_calls_that_ran_side_by_side_are_not_in_a_row():
    made = breaker(BreakerPolicy(consecutive=2, ratio=None, jitter=0))
    beside = [made.permit(0) for _ in range(6)]
    for permit in beside:
        assert permit is not None
        permit.failed(1)

    assert ("closed", 1) == (made.state(1), made.snapshot(1).failures_in_a_row)
    fail(made, 1)
    assert "open" == made.state(1)


def test_permits_that_are_lost_without_a_word_are_forgotten():
    made = breaker()
    for number in range(10_000):
        made.permit(number)

    assert len(made._pending) <= 61


def test_a_trial_that_is_outrun_counts_as_slow_and_any_other_call_does_not():
    made = opened()
    trial = made.permit(15)
    assert trial is not None
    trial.outrun(17)

    assert ("open", 30.0, 1) == (made.state(17), made.permit_in(17), made.snapshot(17).repetitions)
    calm = breaker()
    permit = calm.permit(0)
    assert permit is not None
    permit.outrun(1)
    assert BreakerSnapshot("closed", 0, 0, 0, 0, 0.0, 0) == calm.snapshot(1)


def fail_often(made: CircuitBreaker) -> bool:
    for _ in range(5):
        fail(made, 1)
    return made.closed


@pytest.mark.parametrize(
    "change",
    [
        lambda made: None,
        lambda made: made.isolate(),
        lambda made: made.follow((20.0, 1)),
        lambda made: (made.follow((20.0, 1)), made.follow(None)),
        lambda made: (made.isolate(), made.reset()),
        lambda made: fail_often(made),
        lambda made: (fail_often(made), made.reset()),
    ],
)
def test_that_it_is_closed_is_what_its_state_says(change):
    made = breaker()
    change(made)

    for now in (1, 500):
        assert made.closed is (made.state(now) == "closed")


# --- its numbers


BAD_NUMBERS: dict[str, list[float | None]] = {
    "consecutive": [0, -1, 1.5, True],
    "minimum": [0, 2.5, None, True],
    "ratio": [0, -0.1, 1.1, math.nan],
    "slow_ratio": [0, 1.1, math.nan],
    "window": [0, -1, math.inf, math.nan],
    "open_for": [0, -1, math.inf, math.nan],
    "open_cap": [0, 14.9, math.inf, math.nan],
    "slow_call": [0, -1, math.inf, math.nan],
    "trial_limit": [0, -1, math.inf, math.nan],
    "growth": [0.9, -2, math.inf, math.nan],
    "jitter": [-0.1, 1, math.nan],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD_NUMBERS.items() for v in values])
def test_a_number_out_of_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError) as raised:
        BreakerPolicy(**{name: value})

    assert str(raised.value).startswith(f"BreakerPolicy({name}={value!r}): it must be ")


def test_every_number_has_its_bad_values_here():
    assert {each.name for each in dataclasses.fields(BreakerPolicy)} == set(BAD_NUMBERS)


def test_the_defaults_are_the_documented_ones():
    policy = BreakerPolicy()

    assert (5, 0.5, 10, 60) == (policy.consecutive, policy.ratio, policy.minimum, policy.window)
    assert (15, 2, 300, 0.2) == (policy.open_for, policy.growth, policy.open_cap, policy.jitter)
    assert (None, 0.5, 60) == (policy.slow_call, policy.slow_ratio, policy.trial_limit)
