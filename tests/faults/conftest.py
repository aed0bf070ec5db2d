"""Prints what the fault catalogue came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.catalogue import NOT_HERE
from tests.faults.judge import NUMBERS
from tests.faults.tally import TALLY

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TALLY.tried:
        return
    terminalreporter.write_sep("=", f"fault catalogue: {TALLY.line}")
    terminalreporter.write_line(
        f"{len(TALLY.rows)} rows in {NUMBERS.runs} judged runs; overshoot at most {NUMBERS.overshoot:.3f} s; "
        f"peak {NUMBERS.peak:.1f} MiB; {NUMBERS.strings} strings searched; "
        f"at most {NUMBERS.requests} upstream requests"
    )
    terminalreporter.write_line(f"rows not run here: {', '.join(NOT_HERE)}")
