"""A budget bounds the extra attempts over every interval, whatever is asked of it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.policy.budget import RetryBudget

STEPS = st.lists(
    st.one_of(st.floats(-1, 20), st.sampled_from(["request", "take", "take", "take"])), max_size=80
)


class BudgetAgainstAModel(RuleBasedStateMachine):
    """The model counts in fractions, without rounding; shares are binary, so that floats are exact too."""

    @initialize(
        share=st.sampled_from([0.0, 0.125, 0.25, 1.0]),
        per_second=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        capacity=st.sampled_from([0, 1, 2, 10]),
    )
    def start(self, share, per_second, capacity):
        self.budget = RetryBudget(share, per_second, capacity)
        self.share, self.per_second, self.capacity = map(Fraction, (share, per_second, capacity))
        self.tokens, self.now, self.newest = self.capacity, 100.0, 100.0
        self.budget.deposit(self.now)

    def tell_the_time(self) -> None:
        if self.now > self.newest:
            refill = Fraction(self.now - self.newest) * self.per_second
            self.tokens, self.newest = min(self.capacity, self.tokens + refill), self.now

    @rule(seconds=st.sampled_from([-50.0, -1.0, 0.25, 0.5, 1.0, 3.0, 100.0]))
    def time_goes(self, seconds):
        self.now += seconds

    @rule()
    def request(self):
        self.tell_the_time()
        self.tokens = min(self.capacity, self.tokens + self.share)
        self.budget.deposit(self.now)

    @rule()
    def take(self):
        self.tell_the_time()
        there_is_one = self.tokens >= 1
        self.tokens -= there_is_one

        assert there_is_one is self.budget.take(self.now)

    @invariant()
    def they_agree(self):
        assert self.tokens == Fraction(self.budget.left(self.newest))


TestBudgetAgainstAModel = BudgetAgainstAModel.TestCase


@given(STEPS, st.floats(0, 2), st.floats(0, 5), st.floats(1, 20))
def test_over_any_interval_the_extra_attempts_are_bounded(steps, share, per_second, capacity):
    """Every interval of the history is looked at, not only the one from the start."""
    budget, now = RetryBudget(share, per_second, capacity), 0.0
    happened: list[tuple[float, int, int]] = []
    for step in steps:
        if isinstance(step, float):
            now += step
        elif step == "request":
            budget.deposit(now)
            happened.append((now, 1, 0))
        else:
            happened.append((now, 0, budget.take(now)))
    clock = -math.inf
    forward = [(clock := max(clock, at), requests, taken) for at, requests, taken in happened]
    for start in range(len(forward)):
        requests = taken = 0
        for at, request, took in forward[start:]:
            requests, taken = requests + request, taken + took

            assert taken <= capacity + share * requests + per_second * (at - forward[start][0]) + 1e-6


def test_it_starts_full_and_the_eleventh_extra_attempt_waits():
    budget = RetryBudget()

    assert [True] * 10 + [False] * 5 == [budget.take(0) for _ in range(15)]
    assert [False, True, False] == [budget.take(0.9), budget.take(1), budget.take(1)]


def test_five_requests_earn_one_extra_attempt():
    budget = RetryBudget(per_second=0, capacity=1)
    budget.take(0)
    for _ in range(4):
        budget.deposit(0)

    assert not budget.take(0)

    budget.deposit(0)

    assert budget.take(0)


def test_ten_tenths_are_a_token():
    budget = RetryBudget(share=0.1, per_second=0, capacity=3)
    taken = 0
    for _ in range(100_001):  # the first finds it full
        budget.deposit(0)
        taken += budget.take(0)

    assert 10_003 == taken


def test_what_is_rounded_up_once_is_missing_the_next_time():
    budget = RetryBudget(share=1 - 0.9e-9, per_second=0, capacity=1)
    taken = [budget.take(0)]
    for _ in range(2):
        budget.deposit(0)
        taken.append(budget.take(0))

    assert [True, True, False] == taken


def test_a_storm_of_ten_thousand_requests_makes_a_fifth_more_and_no_doubling():
    """Each request fails and asks for two extra attempts; a thousand requests a second for ten seconds."""
    budget = RetryBudget()
    extra = 0
    for number in range(10_000):
        now = number / 1000
        budget.deposit(now)
        extra += budget.take(now) + budget.take(now)

    assert 2010 <= extra <= 10 + 2000 + 10


def test_looking_takes_nothing_and_does_not_move_its_clock():
    budget = RetryBudget()
    for _ in range(10):
        budget.take(0)

    assert (5.0, 10.0, 0.0) == (budget.left(5), budget.left(1000), budget.left(0))
    assert not budget.take(0)


def test_a_full_one_notes_the_time_too_so_that_going_back_fills_nothing():
    budget = RetryBudget(share=0, per_second=0.5, capacity=1)
    budget.deposit(100.0)

    assert budget.take(50.0)
    assert 0 == budget.left(100.0)


def test_a_capacity_of_none_and_one_without_end():
    nothing, everything = RetryBudget(capacity=0), RetryBudget(capacity=math.inf)
    nothing.deposit(1)

    assert not nothing.take(1e6)
    assert all(everything.take(0) for _ in range(1000))
    assert math.inf == everything.left(0)


def test_it_tells_when_time_alone_brings_the_next_token():
    budget, never = RetryBudget(0.0, 0.1, 1), RetryBudget(1.0, 0.0, 1)
    waits = [each.next_in(0) for each in (budget, never)]
    for each in (budget, never):
        each.take(0)

    assert ([0.0, 0.0], None) == (waits, never.next_in(0))
    assert [10.0, 4.0] == pytest.approx([budget.next_in(0), budget.next_in(6)])


def test_its_repr_is_a_dashboard():
    budget = RetryBudget()
    budget.deposit(0)

    assert repr(budget).startswith("<RetryBudget 10.0 of 10 left, ")

    budget.take(0)

    assert "<RetryBudget 9.0 of 10 left, +0.2 per request, +1 per second>" == repr(budget)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("share", "per_second") for value in (-0.1, math.inf, math.nan)],
        *[("capacity", value) for value in (-1, 0.5, math.nan)],
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError) as raised:
        RetryBudget(**{name: value})

    assert str(raised.value).startswith(f"RetryBudget({name}={value!r}): it must be ")
