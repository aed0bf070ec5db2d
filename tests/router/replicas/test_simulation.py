"""A hundred replicas in virtual time: what is safe always is, and all agree soon once the store is back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.depth import QUICK
from tests.router.replicas.world import BUDGET, TOKENS, WINDOW, World, agree, beliefs

COUNT = 25 if QUICK else 100
FEWER = 25 if QUICK else 40
SEEDS = [1]


def overlapping(world: World) -> list[tuple[object, object]]:
    """Return the pairs of trials with a lease that ran at the same time, of one life of the store."""
    leased = sorted((t for t in world.trials if not t.alone), key=lambda trial: trial.began)
    return [
        (one, other)
        for one, other in pairwise(leased)
        if other.began < one.ended and one.replica != other.replica and one.epoch == other.epoch
    ]


def most_in_a_window(sent: list[tuple[float, float]], seconds: float) -> float:
    """Return the most that was sent in any so many seconds, of what was sent at a time and how much."""
    most, total, first = 0.0, 0.0, 0
    for at, amount in sent:
        total += amount
        while sent[first][0] <= at - seconds:
            total -= sent[first][1]
            first += 1
        most = max(most, total)
    return most


def requests_and_tokens(world: World, since: float) -> tuple[float, float]:
    """Return the most requests and the most tokens in a window."""
    requests = [(at, 1.0) for at in world.sent if at > since]
    tokens = [(each.at, each.amount) for each in world.tokens if each.at > since]
    return most_in_a_window(requests, WINDOW[1]), most_in_a_window(tokens, TOKENS[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_store_there_is_one_trial_and_the_counts_hold(seed: int) -> None:
    world = World(COUNT, seed, loss=0.0)
    for is_up, seconds in ((True, 5), (False, 20), (True, 8), (False, 4), (True, 10)):
        world.is_up = is_up
        world.run(seconds)

    assert len(world.trials) > 3
    assert not overlapping(world)
    _, rate, capacity = BUDGET
    assert len(world.taken) <= capacity + rate * 47 + COUNT  # before they connect, each has its own share
    requests, tokens = requests_and_tokens(world, 1001)
    assert 0.8 * WINDOW[0] < requests <= WINDOW[0]
    assert 0.3 * TOKENS[0] < tokens <= TOKENS[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_under_delays_losses_and_outages_trials_with_a_lease_never_overlap(seed: int) -> None:
    world = World(COUNT, seed, loss=0.003)
    world.run(4)
    world.is_up = False
    world.run(6)
    world.is_reachable = False
    world.run(5)
    world.is_reachable = True
    world.cut = set(range(0, COUNT, 3))
    world.run(8)
    world.cut = set()
    world.run(6)
    world.is_up = True
    world.run(12)

    assert len(world.trials) > 2
    assert not overlapping(world)
    assert any(trial.alone for trial in world.trials)
    _, rate, capacity = BUDGET
    assert len(world.taken) <= 3 * (capacity + rate * 41) + COUNT
    # A third is cut off and has its part beside the others; a part of less than one request is one.
    requests, tokens = requests_and_tokens(world, 1001)
    assert requests <= WINDOW[0] + COUNT
    assert tokens <= (1 + 1 / 3) * TOKENS[0] + 150


@pytest.mark.parametrize(("wrong_key", "count"), [(False, COUNT), (True, FEWER)])
@pytest.mark.parametrize("seed", SEEDS)
def test_once_the_store_is_back_all_agree_within_three_seconds(
    seed: int, wrong_key: bool, count: int
) -> None:
    world = World(count, seed, loss=0.002, wrong_key=wrong_key)
    world.run(3)
    world.is_reachable = False
    world.run(1)
    world.is_up = False
    world.run(6)
    world.is_reachable, world.has_traffic = True, False
    world.loss = 0.0
    world.run(3)
    world.drained()
    world.run(1)
    world.drained()

    assert agree([beliefs(each) for each in world.replicas])


@pytest.mark.parametrize("back", [0.0, 3600.0])
def test_after_an_empty_restart_with_older_ids_all_agree_anew(back: float) -> None:
    world = World(FEWER, 7, loss=0.0)
    world.run(3)
    world.is_up = False
    world.run(5)
    world.is_reachable = False
    world.run(2)
    world.restart_empty(back=back)
    world.is_reachable = True
    world.run(5)
    world.has_traffic = False
    world.run(3)
    world.drained()
    world.run(1)
    world.drained()

    assert agree([beliefs(each) for each in world.replicas])
    assert world.store.stream
