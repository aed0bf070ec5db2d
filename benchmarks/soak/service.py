"""The other process of the soak: three simulated services, two of which break and heal all the time.

python -m benchmarks.soak.service      prints {"urls": [...], "text": "..."} and serves until killed
"""

from __future__ import annotations

import json
import random
import sys
from typing import Final

import anyio

from adapters.simulators.openai import OpenAISimulator

TEXT: Final = " ".join(f"word{number}" for number in range(20))
DELAY: Final = 0.002
CHANGE_EVERY: Final = 2.0
FAULTS: Final = (
    "429", "500", "503", "cut", "cut_clean", "reset", "reset_after", "close", "error_event", "error_after",
    "empty", "html", "json_error", "garbage", "gzip", "slow", "stall", "stall_after",
)  # fmt: skip
HEALTHY: Final = 0.4
"""The share of the time in which a service that breaks is healthy."""


async def break_and_heal(simulator: OpenAISimulator, source: random.Random) -> None:
    """Change what is wrong with a service, for ever."""
    while True:
        simulator.set_fault(None if source.random() < HEALTHY else source.choice(FAULTS))
        await anyio.sleep(CHANGE_EVERY)


async def forget(simulators: list[OpenAISimulator]) -> None:
    """Drop what the simulators keep of their requests: this process lives long, and nobody looks at them."""
    while True:
        for simulator in simulators:
            simulator.requests.clear()
        await anyio.sleep(1)


async def serve() -> None:
    """Serve until killed."""
    simulators = [OpenAISimulator(text=TEXT, delay=DELAY) for _ in range(3)]
    first, second, third = simulators
    async with first, second, third, anyio.create_task_group() as tasks:
        for number, simulator in enumerate((first, second)):
            tasks.start_soon(break_and_heal, simulator, random.Random(number))
        tasks.start_soon(forget, simulators)
        sys.stdout.write(json.dumps({"urls": [each.url for each in simulators], "text": TEXT}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(serve)
