"""Runs the cases: every subject in a process of its own, kept alive, commanded in turn in shuffled order."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from benchmarks.figures import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.cases import Case

SEED: Final = 20260
ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Runner:
    """How a subject is started.

    Attributes:
        name: Of the subject in `subjects.__main__`.
        python: The interpreter, which has what the subject needs.
        backend: asyncio or trio.
    """

    name: str
    python: str = sys.executable
    backend: str = "asyncio"

    @property
    def label(self) -> str:
        """The name in tables."""
        return self.name if self.backend == "asyncio" else f"{self.name}, {self.backend}"


@contextmanager
def process(command: list[str], place: int) -> Iterator[subprocess.Popen[str]]:
    """Run a command with pipes, pinned to the processor of this place; it is killed at the end."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def pin() -> None:
        os.sched_setaffinity(0, {allowed[place % len(allowed)]})

    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=pin if len(allowed) > 1 else None,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def line(stream: IO[str] | None) -> dict[str, Any]:
    """Return the next line of a process of the benchmark."""
    assert stream is not None
    said = stream.readline()
    if not said:
        raise RuntimeError("a process of the benchmark ended; its own words stand above")
    found: dict[str, Any] = json.loads(said)
    return found


@contextmanager
def upstream() -> Iterator[dict[str, Any]]:
    """Run the mock upstream; the value has its ports and the file of its certificate authority."""
    with process([sys.executable, "-m", "benchmarks.upstream"], 0) as started:
        yield line(started.stdout)


def measure(
    runners: Sequence[Runner], cases: Sequence[Case], rounds: int, within: float = float("inf")
) -> list[Measured]:
    """Run every case with each subject, round after round; return what was measured, case by case.

    Args:
        runners: The subjects; in each round they take turns in shuffled order.
        cases: What to measure.
        rounds: At most so many runs of each case and subject.
        within: Seconds. No round is begun that would probably end later; one always runs.
    """
    order = random.Random(SEED)
    begun = time.monotonic()
    with ExitStack() as stack:
        ports = stack.enter_context(upstream())
        processes = {
            runner: stack.enter_context(
                process([runner.python, "-m", "benchmarks.subjects", runner.name, runner.backend], 1)
            )
            for runner in runners
        }
        runs: dict[tuple[Case, Runner], list[dict[str, Any]]] = {}
        shares: dict[tuple[Case, Runner], list[float]] = {}
        for _ in range(rounds):
            started = time.monotonic()
            for case in cases:
                wanted = [each for each in runners if not case.only or each.label in case.only]
                for runner in order.sample(wanted, len(wanted)):
                    before = _upstream_cpu(ports["port"])
                    result = _run(processes[runner], case, ports)
                    busy = (_upstream_cpu(ports["port"]) - before) / max(result["wall"], 1e-9)
                    shares.setdefault((case, runner), []).append(busy)
                    runs.setdefault((case, runner), []).append(result)
            if 2 * time.monotonic() - started - begun > within:
                break
        return [
            Measured(
                case.name,
                runner.label,
                tuple(runs[case, runner]),
                statistics.median(shares[case, runner]),
            )
            for case in cases
            for runner in runners
            if (case, runner) in runs
        ]


def _run(started: subprocess.Popen[str], case: Case, ports: dict[str, Any]) -> dict[str, Any]:
    url = f"https://127.0.0.1:{ports['tls_port']}" if case.tls else f"http://127.0.0.1:{ports['port']}"
    assert started.stdin is not None
    started.stdin.write(json.dumps({"case": asdict(case), "url": url, "ca": ports["ca"]}) + "\n")
    started.stdin.flush()
    return line(started.stdout)


def _upstream_cpu(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/cpu") as answer:
        return float(json.load(answer)["cpu"])
