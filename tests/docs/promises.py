"""Fills the table of docs/why/promises.md in with the numbers of a run of the tests that prove it.

python -m tests.docs.promises                  runs them at full depth, keeps the numbers, fills the page in
python -m tests.docs.promises --depth quick    a sample of the longest
python -m tests.docs.promises --kept           only fills the page in, from the numbers that are kept
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.readme import replaced
from tests.depth import DEPTHS
from tests.docs.made.table import table
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE: Final = ROOT / "docs" / "why" / "promises.md"
KEPT: Final = Path(__file__).with_suffix(".json")

ROWS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "One provider's text per request; another takes over only if you asked for it, and announced",
        "tests/simulation/test_world.py tests/router/request/test_fault_scripts.py",
        "{worlds} worlds, {requests} requests, {failed} that break a promise",
    ),
    (
        "What is delivered is a prefix of what was sent: no loss, repeat, reorder",
        "tests/simulation/test_world.py tests/adapters/wire",
        "{failed} violations in {worlds} worlds; {tests} tests",
    ),
    (
        "One ending, no silent end: a reply without the proof of its end raises",
        "tests/faults/test_cuts.py",
        "cuts after every byte: {tests} tests",
    ),
    (
        "Empty replies, pages, errors in a 200, error events are failures",
        "tests/faults tests/chain/test_failover.py",
        "{kept} of {faults} faults as promised, in {runs} judged runs",
    ),
    ("Real servers of eleven versions are understood", "tests/recorded", "{right} of {turns} played turns"),
    (
        "Fatal answers are never repeated; each status has one meaning",
        "tests/adapters/http/test_status.py",
        "{tests} tests, one for each status",
    ),
    (
        "When all fail, one exception of ours names every attempt",
        "tests/faults tests/router/test_errors.py",
        "no foreign exception in {runs} runs",
    ),
    (
        "No request outlives its deadline by more than `Timeouts.close` + 0.25 s",
        "tests/simulation/test_world.py tests/faults",
        "at most {overshoot} s over, its closing included",
    ),
    (
        "Content is the clock: pings, comments, headers and queue notices are no progress",
        "tests/faults tests/router/reply/test_clock.py",
        "{tests} tests",
    ),
    (
        "Retry-After is honoured, bounded, remembered, and never applied to another",
        "tests/adapters/http/test_status.py tests/adapters/wire/vendor/test_retry_after.py "
        "tests/router/provider/test_provider.py",
        "{tests} tests, with any text of the header",
    ),
    (
        "Back-off is full jitter from an injected source",
        "tests/router/policy/test_retry.py",
        "{tests} tests, against a model",
    ),
    (
        "Extra attempts stay within the budget",
        "tests/simulation/test_storm.py",
        "sick provider asked {factor} times a request, allowed {allowed}; behind a breaker {spared} times by "
        "{sparing} requests",
    ),
    (
        "At most `attempts` per provider and request (and per take-over), plus one repeat of a lost "
        "kept-alive connection",
        "tests/simulation/test_world.py tests/router/request/test_rounds.py",
        "{failed} over in {requests} requests",
    ),
    (
        "A breaker opens by count or ratio, lets one trial through, forgets callers' errors and "
        "cancellations",
        "tests/router/policy/test_breaker.py tests/router/policy/test_breaker_model.py "
        "tests/router/request/test_breakers.py",
        "{tests} tests, against a model",
    ),
    (
        "All breakers open: fails at once with the time to come back, or waits for it",
        "tests/router/request/test_breakers.py",
        "{tests} tests",
    ),
    (
        "Hedging: off by default, budgeted, the loser cleaned up before the stream is returned",
        "tests/router/request/test_hedging.py tests/router/request/test_hedging_outcomes.py",
        "{tests} tests",
    ),
    (
        "Nothing is left: tasks, sockets, slots, generators, conversations; cancelled at every checkpoint",
        "tests/chain/test_cancellation.py tests/faults/test_leaving.py",
        "{tests} tests, every suspension of every adapter",
    ),
    (
        "A reply may be opened, read and closed in three tasks; misuse is a clear error",
        "tests/router/reply/test_stream.py tests/simulation/test_stream_programs.py",
        "{programs} programs, {steps} steps agree",
    ),
    (
        "Cancellation and KeyboardInterrupt are never swallowed, counted or turned into failover",
        "tests/router/request/test_cancellation.py",
        "{tests} tests, every moment",
    ),
    (
        "Everything delivered can be encoded; bytes split anywhere give the same",
        "tests/adapters/wire",
        "{tests} tests",
    ),
    ("Every buffer has a limit", "tests/faults", "at most {peak} MiB over the base"),
    (
        "Secrets and prompts appear nowhere",
        "tests/faults",
        "{strings} strings searched, no hit",
    ),
    (
        "No redirect is followed; nothing of one provider reaches another",
        "tests/faults",
        "no request elsewhere in {runs} runs",
    ),
    (
        "One end record per request; the ledger is what the servers saw",
        "tests/simulation/test_world.py tests/faults",
        "{failed} differences in {requests} requests",
    ),
    (
        "The same seed gives the same history on both backends",
        "tests/simulation/test_world.py",
        "{compared} histories compared, {failed} differ",
    ),
    (
        "The harness would notice",
        "tests/simulation/test_defects.py tests/faults/test_harness.py",
        "{defects} planted defects caught; a naive client breaks promises in every world, and in {naive} of "
        "{naive_of} faults",
    ),
)
"""Promise, the tests that prove it, and what a run says; `{tests}` is how many of these tests passed."""

_LINES: Final[dict[str, Callable[[Iterable[float]], float]]] = {
    r"simulation: (?P<worlds>\d+) seeds on .*?, (?P<requests>\d+) requests, (?P<compared>\d+) histories "
    r"compared, (?P<failed>\d+) seeds failed": sum,
    r"(?P<right>\d+) of (?P<turns>\d+) turns as expected": sum,
    r"fault catalogue: (?P<kept>\d+) of (?P<faults>\d+) faults": sum,
    r"in (?P<runs>\d+) judged runs; overshoot at most (?P<overshoot>[\d.]+) s; peak (?P<peak>[\d.]+) MiB; "
    r"(?P<strings>\d+) strings": sum,
    r"the naive client fails (?P<naive>\d+) of (?P<naive_of>\d+) faults": sum,
    r"sick provider asked (?P<factor>[\d.]+) times per request, budget allows (?P<allowed>[\d.]+)": max,
    r"the sick provider is asked (?P<spared>\d+) times by (?P<sparing>\d+) requests": max,
    r"stream object: (?P<programs>\d+) programs with (?P<steps>\d+) steps": sum,
}
"""What the tests print, and how several of such lines become one."""


def paths() -> list[str]:
    """Every path that proves something, each once, without those inside another."""
    every = sorted({path for _, proofs, _ in ROWS for path in proofs.split()})
    return [path for path in every if not any(path.startswith(f"{other}/") for other in every)]


def numbers(printed: str) -> dict[str, float]:
    """Return the numbers in what a run printed.

    Raises:
        LookupError: A line that tests print is missing.
    """
    found: dict[str, float] = {}
    for line, together in _LINES.items():
        matches = [match.groupdict() for match in re.finditer(line, printed)]
        if not matches:
            raise LookupError(
                f"the tests printed no line like {line!r}; did they run, and do they say it so?"
            )
        for name in matches[0]:
            found[name] = together(float(match[name]) for match in matches)
    return found


def passed(report: Path) -> dict[str, int]:
    """Return how many tests of each file passed, of a report in JUnit's form."""
    found: dict[str, int] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if (
            len([part for part in case if part.tag != "properties" and not part.tag.startswith("system-")])
            == 0
        ):
            file = case.get("file", "")
            found[file] = found.get(file, 0) + 1
            name = case.get("name", "").partition("[")[0]
            if name == "test_a_planted_defect_is_caught":
                found[name] = found.get(name, 0) + 1
    return found


def run(depth: str) -> dict[str, Any]:
    """Run the tests; return what is kept.

    Raises:
        SystemExit: A test failed, or the numbers are not there.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", *paths()]
        environ = {**os.environ, "TEST_DEPTH": depth}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"a promise is broken, or its tests do not run:\n{done.stdout[-6000:]}")
        counts = passed(report)
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "depth": depth,
        "seconds": round(time.monotonic() - began),
        "numbers": numbers(done.stdout) | {"defects": counts.pop("test_a_planted_defect_is_caught", 0)},
        "passed": dict(sorted(counts.items())),
    }


def _shown(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value == int(value) else f"{value:.2f}".rstrip("0")


def page(text: str, record: dict[str, Any]) -> str:
    """Return the text of the page with the numbers of a record."""
    words = {name: _shown(value) for name, value in record["numbers"].items()}
    rows = []
    for promise, proofs, said in ROWS:
        tests = sum(
            count
            for file, count in record["passed"].items()
            if any(file == path or file.startswith(f"{path}/") for path in proofs.split())
        )
        proved = ", ".join(path.removesuffix(".py") for path in proofs.split())
        rows.append((promise, proved, said.format(**words, tests=_shown(tests))))
    head = (
        f"Made by `python -m tests.docs.promises` on {record['day']}, at {record['depth']} depth, in "
        f"{record['seconds']} s: {_shown(sum(record['passed'].values()))} tests passed.\n\n"
    )
    return replaced(text, "promises", head + table(("promise", "proved by", "last run"), rows))


def main() -> None:
    """Run, keep, fill in."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs.promises", description=__doc__)
    parser.add_argument("--depth", choices=DEPTHS, default="full")
    parser.add_argument("--kept", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if not asked.kept:
        KEPT.write_text(json.dumps(run(asked.depth), indent=1) + "\n", encoding="utf-8")
    record = json.loads(KEPT.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


if __name__ == "__main__":
    main()
