"""The router under simulation: as many seeds as fit into a while; `make soak SEEDS=n` plays more.

What must hold of every world is in `laws`; here it is played, on both backends, and the histories of each
request are compared.
"""

from __future__ import annotations

import time
from typing import Final

from tests.simulation.__main__ import failure, summary
from tests.simulation.campaign import Campaign, history
from tests.simulation.naive import Naive
from tests.simulation.plan import drawn
from tests.simulation.world import play, real
from tests.virtual_time import run_virtual

SECONDS: Final = 25.0
LEAST: Final = 200
"""Seeds that are played however slow the machine is."""
NAIVE_SEEDS: Final = 60


def test_whatever_the_world_does_the_promises_hold() -> None:
    campaign = Campaign()
    began = time.perf_counter()
    while campaign.seeds < LEAST or time.perf_counter() - began < SECONDS:
        campaign.play(campaign.seeds)
    print(summary(campaign))  # noqa: T201 - the number that the README quotes

    assert not campaign.failures, "\n".join(failure(seed, what) for seed, what in campaign.failures.items())
    assert {
        "complete",
        "cancelled",
        "closed",
        "AllProvidersFailed",
        "StreamInterrupted",
        "RequestAborted",
    } == (set(campaign.endings))


def test_the_same_seed_gives_the_same_world_and_another_one_another() -> None:
    def told(seed: int) -> list[list[object]]:
        return [history(each) for each in run_virtual(play, "asyncio", drawn(seed), real).told]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_naive_client_breaks_promises_in_most_worlds() -> None:
    """The judge is awake: it finds glued answers, silent ends, swallowed faults and missed deadlines."""
    campaign = Campaign(("asyncio",), lambda world: Naive(world.adapters), patience=0.01)
    found: dict[str, int] = {}
    for seed in range(NAIVE_SEEDS):
        for promise in {text.split(": ")[1] for text in campaign.play(seed)}:
            found[promise] = found.get(promise, 0) + 1
    print(f"simulation: a naive client breaks {found} in {NAIVE_SEEDS} worlds")  # noqa: T201 - as above

    assert {"R1", "R2", "R3", "R9"} <= set(found)
    assert len(campaign.failures) == NAIVE_SEEDS
    assert found["R2"] > NAIVE_SEEDS / 5
