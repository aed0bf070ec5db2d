"""Runs the cases: every subject in a process of its own, kept alive, commanded in turn in shuffled order."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.cases import Case

SEED: Final = 20260


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


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one subject in one case.

    Attributes:
        case: The case's name.
        subject: The subject's label.
        runs: What each run took.
        upstream: The share of the wall time in which the upstream used its processor.
    """

    case: str
    subject: str
    runs: tuple[dict[str, Any], ...]
    upstream: float

    def median(self, figure: str) -> float:
        """Return the median of a figure over the runs."""
        return float(statistics.median(run[figure] for run in self.runs))

    @property
    def wrong(self) -> int:
        """Replies that were not whole, over all runs."""
        return sum(run["wrong"] for run in self.runs)


@contextmanager
def _process(command: list[str], cpu: int) -> Iterator[subprocess.Popen[str]]:
    def pin() -> None:
        os.sched_setaffinity(0, {cpu})

    preexec = pin if _pins() else None
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=preexec
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _pins() -> bool:
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


def _line(stream: IO[str] | None) -> dict[str, Any]:
    assert stream is not None
    line = stream.readline()
    if not line:
        raise RuntimeError("a process of the benchmark ended; its own words stand above")
    found: dict[str, Any] = json.loads(line)
    return found


def measure(runners: Sequence[Runner], cases: Sequence[Case], rounds: int) -> list[Measured]:
    """Run every case `rounds` times with each subject; return what was measured, case by case."""
    order = random.Random(SEED)
    with ExitStack() as stack:
        upstream = stack.enter_context(_process([sys.executable, "-m", "benchmarks.upstream"], 0))
        ports = _line(upstream.stdout)
        processes = {
            runner: stack.enter_context(
                _process([runner.python, "-m", "benchmarks.subjects", runner.name, runner.backend], 1)
            )
            for runner in runners
        }
        found: list[Measured] = []
        for case in cases:
            runs: dict[Runner, list[dict[str, Any]]] = {runner: [] for runner in runners}
            shares: dict[Runner, list[float]] = {runner: [] for runner in runners}
            for _ in range(rounds):
                for runner in order.sample(list(runners), len(runners)):
                    before = _upstream_cpu(ports["port"])
                    result = _run(processes[runner], case, ports)
                    shares[runner].append((_upstream_cpu(ports["port"]) - before) / max(result["wall"], 1e-9))
                    runs[runner].append(result)
            found += [
                Measured(case.name, runner.label, tuple(runs[runner]), statistics.median(shares[runner]))
                for runner in runners
            ]
        return found


def _run(process: subprocess.Popen[str], case: Case, ports: dict[str, Any]) -> dict[str, Any]:
    url = f"https://127.0.0.1:{ports['tls_port']}" if case.tls else f"http://127.0.0.1:{ports['port']}"
    assert process.stdin is not None
    process.stdin.write(json.dumps({"case": asdict(case), "url": url, "ca": ports["ca"]}) + "\n")
    process.stdin.flush()
    return _line(process.stdout)


def _upstream_cpu(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/cpu") as answer:
        return float(json.load(answer)["cpu"])
