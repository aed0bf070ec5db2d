"""The router under simulation: some hundred seeds; `make soak SEEDS=n` plays more.

What must hold of every world is in `laws`; here it is played, on both backends, and the histories of each
request are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from tests.depth import QUICK, SEED
from tests.simulation.__main__ import failure, summary
from tests.simulation.campaign import Campaign, history
from tests.simulation.naive import Naive
from tests.simulation.plan import drawn
from tests.simulation.world import play, real
from tests.virtual_time import run_virtual

Record: TypeAlias = Callable[[str, object], None]
SEEDS: Final = 60 if QUICK else 500
PART: Final = 60 if QUICK else 125
FIRST: Final = SEED * SEEDS % 1_000_000 if QUICK else 0
"""A quick run plays other worlds every day, a full one always the same."""
NAIVE_SEEDS: Final = 60
ENDINGS: Final = {
    "complete",
    "cancelled",
    "closed",
    "AllProvidersFailed",
    "StreamInterrupted",
    "RequestAborted",
}


@pytest.mark.no_cover  # hundreds of worlds go the ways that other tests go
@pytest.mark.parametrize("start", range(FIRST, FIRST + SEEDS, PART))
def test_whatever_the_world_does_the_promises_hold(start: int, record_property: Record) -> None:
    campaign = Campaign()
    for seed in range(start, start + PART):
        campaign.play(seed)
    record_property("summary", summary(campaign))

    assert not campaign.failures, "\n".join(failure(seed, what) for seed, what in campaign.failures.items())
    assert set(campaign.endings) <= ENDINGS
    assert QUICK or set(campaign.endings) == ENDINGS


def test_the_same_seed_gives_the_same_world_and_another_one_another() -> None:
    def told(seed: int) -> list[list[object]]:
        return [history(each) for each in run_virtual(play, "asyncio", drawn(seed), real).told]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_naive_client_breaks_promises_in_most_worlds(record_property: Record) -> None:
    """The judge is awake: it finds glued answers, silent ends, swallowed faults and missed deadlines."""
    campaign = Campaign(("asyncio",), lambda world: Naive(world.adapters), patience=0.01)
    found: dict[str, int] = {}
    for seed in range(NAIVE_SEEDS):
        for promise in {text.split(": ")[1] for text in campaign.play(seed)}:
            found[promise] = found.get(promise, 0) + 1
    record_property("summary", f"simulation: a naive client breaks {found} in {NAIVE_SEEDS} worlds")

    assert {"R1", "R2", "R3", "R9"} <= set(found)
    assert len(campaign.failures) == NAIVE_SEEDS
    assert found["R2"] > NAIVE_SEEDS / 5
