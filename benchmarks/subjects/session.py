"""The loop of a subject's process: reads a command, runs the case, and writes what it took."""

from __future__ import annotations

import ctypes
import gc
import json
import math
import os
import resource
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread

from benchmarks.cases import Case, text_of

RUN_SECONDS: Final = 6.0
"""A run of one reply after the other stops then with what it has: a peer may need seconds to fail over. One
that wants a late request goes on."""
ALL_SECONDS: Final = 90.0
"""Replies of a run at once that are not whole by then count as wrong."""


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


class _Run:
    """One run of a case: what its replies took, and what was wrong with them."""

    def __init__(self, subject: Subject, case: Case, url: str, ca: str) -> None:
        self._subject, self._case, self._url, self._ca = subject, case, url, ca
        self._wanted = text_of(case.deltas)
        self.spent: list[float] = []
        self.first: list[float] = []
        self.replies = self.wrong = 0
        self.errors: dict[str, int] = {}

    async def one(self) -> None:
        """Read a reply, and compare it."""
        self.replies += 1
        cpu, started = time.process_time(), time.perf_counter()
        try:
            text, at = await self._subject.read()
        except Exception as error:  # noqa: BLE001 - counted, and shown
            self.failed(error)
            return
        self.spent.append(time.process_time() - cpu)
        self.first.append(at - started)
        self.wrong += text != self._wanted

    def failed(self, error: BaseException) -> None:
        """Count a reply that did not come."""
        self.wrong += 1
        self.errors[type(error).__name__] = self.errors.get(type(error).__name__, 0) + 1

    async def open(self) -> None:
        """Make the client."""
        await self._subject.open(self._case, self._url, self._ca)

    async def in_turn(self) -> None:
        """Read one reply after the other over one client."""
        started = time.perf_counter()
        for _ in range(self._case.replies):
            await self.one()
            if not self._case.marks and time.perf_counter() - started > RUN_SECONDS:
                return

    async def cold(self) -> None:
        """Read one reply after the other, each with a new client."""
        started = time.perf_counter()
        for _ in range(self._case.replies):
            await self.open()
            await self.one()
            await self._subject.close()
            if time.perf_counter() - started > RUN_SECONDS:
                return

    async def at_once(self) -> None:
        """Read all replies at the same time."""
        with anyio.move_on_after(ALL_SECONDS) as scope:
            async with anyio.create_task_group() as tasks:
                for _ in range(self._case.replies):
                    tasks.start_soon(self.one)
        if scope.cancelled_caught:
            for _ in range(self._case.replies - len(self.first) - sum(self.errors.values())):
                self.failed(TimeoutError())


async def run(subject: Subject, case: Case, url: str, ca: str) -> dict[str, Any]:
    """Run a case once, and return what it took; a reply that is not whole is counted as wrong."""
    this = _Run(subject, case, url, ca)
    cpu = wall = 0.0
    slept = _sleeps()
    try:
        if case.cold:
            _reset_peak()
            slept = _sleeps()
            wall = time.perf_counter()
            await this.cold()
            cpu, wall = sum(this.spent), time.perf_counter() - wall
        else:
            await this.open()
            try:
                cpu, wall, slept = await _measured(this, case)
            finally:
                await subject.close()
    except Exception as error:  # noqa: BLE001 - a client that cannot even be made is a result, and shown
        this.replies += 1
        this.failed(error)
    this.first.sort()
    first = this.first or [math.nan]
    done = max(1, len(this.spent) if case.cold else this.replies)
    return {
        "cpu": cpu / done / (case.deltas if case.per == "delta" else 1),
        "wall": wall,
        "first": first[len(first) // 2],
        "first_p99": first[min(len(first) - 1, int(len(first) * 0.99))],
        "wakeups": (_sleeps() - slept) / done,
        "peak": peak(),
        "replies": this.replies,
        "wrong": this.wrong,
        "errors": this.errors,
        "at": {
            str(mark): statistics.median(this.spent[mark - max(1, mark // 10) : mark])
            for mark in case.marks
            if mark <= len(this.spent)
        },
    }


async def _measured(this: _Run, case: Case) -> tuple[float, float, int]:
    if case.at_once == 1 and not case.marks:
        await this.one()  # connections and caches are warm
        if not this.wrong:
            this.spent.clear()
            this.first.clear()
            this.replies = 0
    gc.collect()
    _reset_peak()
    slept, cpu, wall = _sleeps(), time.process_time(), time.perf_counter()
    await (this.in_turn() if case.at_once == 1 else this.at_once())
    return time.process_time() - cpu, time.perf_counter() - wall, slept


def _sleeps() -> int:
    """Return how many times this process has gone to sleep: each is a wake-up later."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def _reset_peak() -> None:
    """Let the kernel count the peak of memory anew, so that a case does not show that of an earlier one.

    What is free goes back to the kernel first: the allocator keeps what 1000 handshakes needed, and a case
    behind them would show up to 45 MiB that are not its own.
    """
    with suppress(OSError, AttributeError, TypeError):  # where it is not glibc's
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # not Linux, or not allowed: the peak is that of the process so far


def peak() -> float:
    """Return the greatest resident memory since it was last reset, in MiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def serve(subject: Subject) -> None:
    """Answer commands until the end of the input; what a subject itself prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    while said := await anyio.to_thread.run_sync(sys.stdin.readline):
        command = json.loads(said)
        result = await run(subject, Case(**command["case"]), command["url"], command["ca"])
        answers.write(json.dumps(result) + "\n")
        answers.flush()
