"""The loop of a subject's process: reads a command, runs the case, and writes what it took."""

from __future__ import annotations

import gc
import json
import math
import resource
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread

from benchmarks.cases import Case, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Read = Callable[[float], Awaitable[tuple[str, float]]]


class Subject(Protocol):
    """A way to read replies.

    Attributes:
        name: In tables.
    """

    name: str

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make what is kept over many replies: the client, the router."""
        ...

    async def read(self) -> tuple[str, float]:
        """Read one reply; return its text, and the time of its first content on `time.perf_counter`."""
        ...

    async def close(self) -> None:
        """Close what `open` made."""
        ...


async def run(subject: Subject, case: Case, url: str, ca: str) -> dict[str, Any]:
    """Run a case once, and return what it took; a reply that is not whole is counted as wrong."""
    await subject.open(case, url, ca)
    wrong = 0
    first: list[float] = []
    errors: dict[str, int] = {}
    wanted = text_of(case.deltas)

    async def one() -> None:
        nonlocal wrong
        started = time.perf_counter()
        try:
            text, at = await subject.read()
        except Exception as error:  # noqa: BLE001 - counted, and shown
            wrong += 1
            errors[type(error).__name__] = errors.get(type(error).__name__, 0) + 1
            return
        first.append(at - started)
        wrong += text != wanted

    try:
        if case.at_once == 1:
            await one()  # connections and caches are warm
            first.clear()
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        if case.at_once == 1:
            for _ in range(case.replies):
                await one()
        else:
            async with anyio.create_task_group() as tasks:
                for _ in range(case.replies):
                    tasks.start_soon(one)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        await subject.close()
    first.sort()
    return {
        "cpu": cpu / case.replies / (case.deltas if case.per == "delta" else 1),
        "wall": wall,
        "first": first[len(first) // 2] if first else math.nan,
        "first_p99": first[min(len(first) - 1, int(len(first) * 0.99))] if first else math.nan,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "wrong": wrong,
        "errors": errors,
    }


async def serve(subject: Subject) -> None:
    """Answer commands until the end of the input."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        command = json.loads(line)
        result = await run(subject, Case(**command["case"]), command["url"], command["ca"])
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
