"""Every strategy returns all candidates, and the same order for the same seed."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.strategy import LEAST_SAMPLES, Candidate, Fastest, Pace, Priority, Strategy, Weighted

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("a", "b", "c", "d", "e")


def named(*names: str) -> list[Candidate]:
    return [Candidate(name) for name in names]


def order(strategy: Strategy, candidates: Sequence[Candidate], seed: int = 0, now: float = 0.0) -> str:
    """Return the names in the order drawn."""
    return "".join(c.name for c in strategy.order(candidates, now, random.Random(seed)))


SECONDS = st.one_of(st.none(), st.floats(0, 1e6))
CANDIDATES = st.lists(
    st.builds(Candidate, st.sampled_from(NAMES), st.booleans(), SECONDS, SECONDS),
    unique_by=lambda candidate: candidate.name,
)
WEIGHTS = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1e9), min_size=1).filter(
    lambda weights: any(weights.values())
)
STRATEGIES = st.one_of(
    st.just(Priority()),
    st.builds(Weighted, WEIGHTS),
    st.builds(Fastest, st.floats(0, 1), st.floats(0.1, 1e6)),
)


@given(STRATEGIES, CANDIDATES, st.floats(0, 1e7), st.integers())
def test_an_order_is_a_permutation_with_the_healthy_ones_first(strategy, candidates, now, seed):
    drawn = strategy.order(candidates, now, random.Random(seed))

    assert sorted(candidates, key=lambda c: c.name) == sorted(drawn, key=lambda c: c.name)
    if not isinstance(strategy, Priority):  # which keeps the user's order, and skips where it stands
        assert sorted((c.healthy for c in drawn), reverse=True) == [c.healthy for c in drawn]


@given(STRATEGIES, CANDIDATES, st.floats(0, 1e7), st.integers())
def test_the_same_seed_draws_the_same_order_and_the_list_given_stays_as_it_is(
    strategy, candidates, now, seed
):
    before = list(candidates)
    first, second = random.Random(seed), random.Random(seed)

    assert strategy.order(candidates, now, first) == strategy.order(candidates, now, second)
    assert before == candidates


@given(CANDIDATES, st.integers())
def test_priority_keeps_the_order_given_and_draws_nothing(candidates, seed):
    source = random.Random(seed)
    state = source.getstate()
    drawn = Priority().order(candidates, 0, source)

    assert candidates == drawn
    assert state == source.getstate()


def test_weighted_draws_each_order_as_often_as_drawing_without_replacement_would():
    weights = {"a": 5.0, "b": 3.0, "c": 2.0}
    strategy, source = Weighted(weights), random.Random(11)
    drawn = Counter(
        "".join(c.name for c in strategy.order(named(*weights), 0, source)) for _ in range(20_000)
    )
    for names in itertools.permutations(weights):
        left, chance = sum(weights.values()), 1.0
        for name in names:
            chance *= weights[name] / left
            left -= weights[name]

        assert pytest.approx(chance, abs=0.012) == drawn["".join(names)] / 20_000


def test_weight_nothing_comes_last_as_given_but_before_the_sick():
    strategy = Weighted({"a": 0, "b": 0, "c": 1, "d": 1e9})
    sick = Candidate("d", healthy=False)

    assert {"cabd"} == {order(strategy, [*named("a", "b", "c"), sick], seed) for seed in range(100)}


def test_weighted_knows_a_part_of_its_providers_in_a_request_for_them():
    strategy = Weighted({"a": 1, "b": 1, "c": 1})

    assert {"ab", "ba"} == {order(strategy, named("a", "b"), seed) for seed in range(50)}
    assert {"ax"} == {order(strategy, named("x", "a"), seed) for seed in range(50)}


def test_weighted_is_checked_against_the_providers_of_a_router():
    strategy = Weighted({"fast": 3, "cheap": 1})
    strategy.check(["fast", "cheap"])

    with pytest.raises(ValueError, match=r"no provider is called 'cheap'; did you mean 'cheep'\?"):
        strategy.check(["fast", "cheep"])
    with pytest.raises(ValueError, match=r"no provider is called 'fast'\. There are: x, cheap"):
        strategy.check(["x", "cheap"])
    with pytest.raises(ValueError, match="no weight for slow, spare; give 0 to those to ask last"):
        strategy.check(["fast", "slow", "cheap", "spare"])


@pytest.mark.parametrize("weight", [-1, math.inf, math.nan])
def test_a_weight_that_is_none_is_refused_by_name(weight):
    with pytest.raises(ValueError, match=f"'b': {weight!r}.*0 or more, and finite"):
        Weighted({"a": 1, "b": weight})


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 0, "b": 0.0}])
def test_weights_that_choose_nobody_are_refused(weights):
    with pytest.raises(ValueError, match="no weight is above 0"):
        Weighted(weights)


@pytest.mark.parametrize("strategy", [Priority(), Fastest()])
def test_the_others_fit_any_providers(strategy):
    strategy.check(["a", "b"])
    strategy.check([])


MEASURED = [Candidate("a", True, 3.0, 0), Candidate("b", True, 1.0, 0), Candidate("c", True, 2.0, 0)]


def test_fastest_first_and_equals_as_given():
    assert "bca" == order(Fastest(explore=0), MEASURED)
    assert "bcad" == order(Fastest(explore=0), [Candidate("d", False, 0.1, 0), *MEASURED])
    assert "ab" == order(Fastest(explore=0), [Candidate("a", True, 1.0, 0), Candidate("b", True, 1.0, 0)])


def test_one_that_was_never_measured_is_asked_first():
    assert "dbca" == order(Fastest(explore=0), [*MEASURED, Candidate("d")])
    assert "bcad" == order(Fastest(explore=0), [*MEASURED, Candidate("d", healthy=False)])


def test_a_share_of_the_requests_explores_the_others_evenly_and_never_the_sick():
    strategy, source = Fastest(explore=0.2), random.Random(5)
    candidates = [*MEASURED, Candidate("d", False, 0.1, 0)]
    drawn = Counter("".join(c.name for c in strategy.order(candidates, 0, source)) for _ in range(20_000))

    assert {"bcad", "cbad", "abcd"} == set(drawn)
    assert pytest.approx(0.1, abs=0.01) == drawn["cbad"] / 20_000
    assert pytest.approx(0.1, abs=0.01) == drawn["abcd"] / 20_000


def test_a_single_healthy_provider_is_not_explored_away():
    candidates = [Candidate("a", False), Candidate("b")]

    assert {"ba"} == {order(Fastest(explore=1), candidates, seed) for seed in range(20)}


def test_a_slow_provider_is_tried_again_when_its_measurement_has_aged():
    """9 s measured at 0 against a fresh 1 s: after 3.17 half-lives it looks faster."""
    strategy = Fastest(explore=0, half_life=100)

    def at(now: float) -> str:
        return order(strategy, [Candidate("a", True, 9.0, 0), Candidate("b", True, 1.0, now)], now=now)

    assert ["ba", "ba", "ab"] == [at(0), at(316), at(318)]


def test_a_measurement_from_the_future_is_as_good_as_fresh():
    assert "ba" == order(Fastest(explore=0), [Candidate("a", True, 2, 1e6), Candidate("b", True, 1, 0)])


@pytest.mark.parametrize("explore", [-0.1, 1.1, math.nan])
def test_a_share_of_exploring_that_is_none_is_refused(explore):
    with pytest.raises(ValueError, match="must be from 0 to 1"):
        Fastest(explore=explore)


@pytest.mark.parametrize("owner", [Fastest, Pace])
@pytest.mark.parametrize("half_life", [0, -1, math.nan])
def test_a_half_life_that_is_none_is_refused(owner, half_life):
    with pytest.raises(ValueError, match=rf"{owner.__name__}\(half_life=.*seconds above 0"):
        owner(half_life=half_life)


def test_a_pace_begins_with_its_first_sample_and_follows_the_newer_ones():
    pace = Pace()

    assert (None, None) == (pace.first_content, pace.measured_at)

    pace.add(10, 2.0)

    assert (2.0, 10) == (pace.first_content, pace.measured_at)

    pace.add(10, 7.0)

    assert pytest.approx(2.0 * 0.8 + 7.0 * 0.2) == pace.first_content


def test_what_was_measured_before_loses_half_its_weight_in_a_half_life():
    pace = Pace(half_life=60)
    pace.add(0, 2.0)
    pace.add(60, 7.0)

    assert pytest.approx(2.0 * 0.4 + 7.0 * 0.6) == pace.first_content
    assert 60 == pace.measured_at

    pace.add(1e9, 1.0)

    assert 1.0 == pace.first_content


@given(st.lists(st.tuples(st.floats(-10, 1000), st.floats(0, 100)), min_size=1))
def test_a_pace_stays_among_what_was_measured(samples):
    pace, now = Pace(), 0.0
    for pause, seconds in samples:
        now += pause
        pace.add(now, seconds)
    measured = [seconds for _, seconds in samples]

    assert pace.first_content is not None
    assert min(measured) - 1e-9 <= pace.first_content <= max(measured) + 1e-9


@given(st.lists(st.floats(0, 100), max_size=150), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_sample_that_covers_the_share_of_the_last_64(samples, share):
    pace = Pace()
    for seconds in samples:
        pace.add(0, seconds)
    last, found = samples[-64:], pace.percentile(share)

    if len(last) < LEAST_SAMPLES:
        assert found is None
    else:
        assert found in last
        assert sum(s <= found for s in last) >= share * len(last)
        assert sum(s < found for s in last) < share * len(last)


def test_the_95th_percentile_by_example():
    pace = Pace()
    for seconds in range(1, 20):
        pace.add(0, seconds)

    assert pace.percentile(0.95) is None

    pace.add(0, 20)

    assert (19, 20, 10) == (pace.percentile(0.95), pace.percentile(1), pace.percentile(0.5))

    for seconds in range(21, 201):
        pace.add(0, seconds)

    assert 197 == pace.percentile(0.95)


@pytest.mark.parametrize("share", [0, -1, 1.01, 95, math.nan])
def test_a_percentile_is_asked_for_as_a_share(share):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        Pace().percentile(share)


def test_they_show_themselves():
    pace = Pace()

    assert "<Pace first content not known, 0 samples>" == repr(pace)

    pace.add(0, 1.234)

    assert "<Pace first content 1.23 s, 1 samples>" == repr(pace)
    assert "Fastest(explore=0.05, half_life=300)" == repr(Fastest())
    assert "Weighted({'a': 2})" == repr(Weighted({"a": 2}))
    assert "Priority()" == repr(Priority())
