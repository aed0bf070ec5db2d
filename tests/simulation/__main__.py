"""Plays seeds of the simulated world: `python -m tests.simulation --seeds 1000 --start 0 --backend trio`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.campaign import Campaign
from tests.simulation.defects import DEFECTS
from tests.simulation.planting import plant
from tests.virtual_time import BACKENDS


def main() -> int:
    """Play what the command line asks for; return 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first one")
    parser.add_argument("--backend", choices=BACKENDS, help="only this one; by default both are compared")
    parser.add_argument("--most", type=int, default=20, help="stop after so many seeds that fail")
    parser.add_argument("--defect", type=int, choices=range(len(DEFECTS)), help="plant it before")
    asked = parser.parse_args()
    if asked.defect is not None:
        plant(DEFECTS[asked.defect].wrong)
    campaign = Campaign(BACKENDS if asked.backend is None else (asked.backend,))
    began = time.perf_counter()
    for seed in range(asked.start, asked.start + asked.seeds):
        wrong = campaign.play(seed)
        if wrong:
            print(failure(seed, wrong), flush=True)  # noqa: T201 - a command
        if len(campaign.failures) >= asked.most:
            break
    seconds = time.perf_counter() - began
    print(summary(campaign), f"in {seconds:.1f} s")  # noqa: T201 - a command
    return 1 if campaign.failures else 0


def failure(seed: int, wrong: list[str]) -> str:
    """Return what was wrong with a seed, and the command that repeats it."""
    return "\n  ".join([f"seed {seed}: python -m tests.simulation --seeds 1 --start {seed}", *wrong[:8]])


def summary(campaign: Campaign) -> str:
    """Return the numbers of a campaign in one line."""
    requests = sum(campaign.endings.values())
    return (
        f"simulation: {campaign.seeds} seeds on {' and '.join(campaign.backends)}, {requests} requests, "
        f"{campaign.compared} histories compared, {len(campaign.failures)} seeds failed"
    )


if __name__ == "__main__":
    sys.exit(main())
