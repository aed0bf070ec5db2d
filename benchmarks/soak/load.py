"""Asks at a steady rate, reads and compares every reply, and takes samples of what must not grow."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from array import array
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from adapters import OpenAICompatible
from router import AllProvidersFailed, AttemptEnded, Router, StreamInterrupted, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router import Event

SAMPLES: Final = 240
FIGURES: Final = ("time", "requests", "memory", "blocks", "sockets", "tasks", "cpu", "first")
"""What a sample has, in this order."""
LEAVES: Final = 20
"""One reader of so many goes away in the middle of its reply."""
MOST: Final = 500
"""More requests than these are never open at the same time; where they are, one is held back, and counted."""


class Load:
    """Steady load on one router.

    Args:
        urls: The services, in the order of the chain.
        text: What a whole reply says.
        rate: Requests a second.
        seconds: How long.
        said: Gets a line now and then.

    Attributes:
        counts: How the requests ended.
        failures: The errors of attempts, most of which another provider made good.
    """

    def __init__(
        self, urls: Sequence[str], text: str, rate: float, seconds: float, said: Callable[[str], object]
    ) -> None:
        self._urls, self._text, self._rate, self._seconds, self._said = urls, text, rate, seconds, said
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._taken = array("d")  # one block however many samples there are: they must not look like a leak
        self._first: list[float] = []
        self._running = 0

    @property
    def samples(self) -> list[dict[str, float]]:
        """All samples, in order of time."""
        width = len(FIGURES)
        return [
            dict(zip(FIGURES, self._taken[start : start + width], strict=True))
            for start in range(0, len(self._taken), width)
        ]

    async def run(self) -> None:
        """Ask until the time is over, then wait for the last replies."""
        providers = [
            OpenAICompatible(f"{url}/v1", model="m", name=name)
            for name, url in zip(("first", "second", "third"), self._urls, strict=True)
        ]
        timeouts = Timeouts(first_content=2, stall=2)
        router = Router(providers, timeouts=timeouts, observers=[self._hear])
        async with router, anyio.create_task_group() as tasks:
            begun, asked = time.monotonic(), 0
            tasks.start_soon(self._sample, begun)
            while (now := time.monotonic() - begun) < self._seconds:
                while asked < now * self._rate:
                    asked += 1
                    if self._running < MOST:
                        tasks.start_soon(self._ask, router, asked)
                    else:
                        self.counts["held back"] += 1
                await anyio.sleep(1 / self._rate)

    def _hear(self, event: Event) -> None:
        if isinstance(event, AttemptEnded) and event.attempt.error is not None:
            self.failures[type(event.attempt.error).__name__] += 1

    async def _ask(self, router: Router, number: int) -> None:
        self._running += 1
        started = time.perf_counter()
        parts: list[str] = []
        try:
            async with await router.stream([{"role": "user", "content": f"Question {number}"}]) as reply:
                async for delta in reply:
                    if not parts:
                        self._first.append(time.perf_counter() - started)
                    parts.append(delta.text)
                    if number % LEAVES == 0:
                        self.counts["left by the reader"] += 1
                        return
        except StreamInterrupted:
            self.counts["interrupted, and said so"] += 1
        except AllProvidersFailed:
            self.counts["all providers failed, and said so"] += 1
        else:
            self.counts["whole" if "".join(parts) == self._text else "wrong"] += 1
        finally:
            self._running -= 1

    async def _sample(self, begun: float) -> None:
        pause = max(0.25, self._seconds / SAMPLES)
        cpu, done = time.process_time(), 0
        for number in range(1, int(self._seconds / pause)):
            await anyio.sleep(max(0.0, begun + number * pause - time.monotonic()))
            total = sum(self.counts.values())
            spent = time.process_time()
            gc.collect()  # what is left is kept by somebody, and does not merely wait for the collector
            tasks, sockets = len(anyio.get_running_tasks()), len(os.listdir("/proc/self/fd"))
            self._taken.extend(
                (
                    time.monotonic() - begun,
                    total,
                    _resident(),
                    sys.getallocatedblocks(),
                    sockets,
                    tasks,
                    (spent - cpu) / max(1, total - done),
                    statistics.median(self._first) if self._first else 0.0,
                )
            )
            cpu, done = time.process_time(), total
            self._first.clear()
            if number % 24 == 0:
                self._said(
                    f"{number * pause:.0f} s: {total} requests, {_resident():.1f} MiB, "
                    f"{sockets} sockets and files, {tasks} tasks"
                )


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
