"""A hundred replicas in virtual time: what is safe always is, and all agree soon once the store is back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.depth import QUICK
from tests.router.replicas.world import BUDGET, WINDOW, World, agree, beliefs

COUNT = 25 if QUICK else 100
SEEDS = [1]


def overlapping(world: World) -> list[tuple[object, object]]:
    """Return the pairs of trials with a lease that ran at the same time, of one life of the store."""
    leased = sorted((t for t in world.trials if not t.alone), key=lambda trial: trial.began)
    return [
        (one, other)
        for one, other in pairwise(leased)
        if other.began < one.ended and one.replica != other.replica and one.epoch == other.epoch
    ]


def most_in_a_window(times: list[float], seconds: float) -> int:
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


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
    connected = [at for at in world.sent if at > 1001]
    assert 10 < most_in_a_window(connected, WINDOW[1]) <= WINDOW[0]


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


@pytest.mark.parametrize("wrong_key", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_once_the_store_is_back_all_agree_within_three_seconds(seed: int, wrong_key: bool) -> None:
    world = World(COUNT, seed, loss=0.002, wrong_key=wrong_key)
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
    world = World(COUNT, 7, loss=0.0)
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
