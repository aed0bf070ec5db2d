"""Prints what the fault catalogue came to: hooks of pytest, for the conftest of all tests.

Where several processes share the tests, each counts its own, and the one that reports adds them up.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from tests.faults.tally import NUMBERS, TALLY


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)  # of pytest-xdist
    if output is not None:
        output["faults"] = {"tally": TALLY.plain(), "numbers": asdict(NUMBERS)}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    found = getattr(node, "workeroutput", {}).get("faults")  # without any where the worker crashed
    if found is not None:
        TALLY.add(found["tally"])
        NUMBERS.add(**found["numbers"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TALLY.tried:
        return
    from tests.faults.catalogue import NOT_HERE

    terminalreporter.write_sep("=", f"fault catalogue: {TALLY.line}")
    terminalreporter.write_line(
        f"{len(TALLY.rows)} rows in {NUMBERS.runs} judged runs; overshoot at most {NUMBERS.overshoot:.3f} s; "
        f"peak {NUMBERS.peak:.1f} MiB; {NUMBERS.strings} strings searched; "
        f"at most {NUMBERS.requests} upstream requests"
    )
    terminalreporter.write_line(f"rows not run here: {', '.join(NOT_HERE)}")
