"""Rows 33 and 36, at every place: a cut answer never passes for a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.depth import QUICK, SEED
from tests.faults.clients import ours
from tests.faults.fault import EVERY, Case, Fault
from tests.faults.judge import run
from tests.faults.steps import Do, Script
from tests.faults.tally import TALLY
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.faults.framings import Wire

pytestmark = pytest.mark.anyio
STEP: Final = 71
"""Bytes from cut to cut: prime, so that no notation's lines are as long."""
STRIDE: Final = STEP * 14 if QUICK else STEP
FIRST: Final = 1 + SEED * STEP % STRIDE
"""A quick run cuts at every fourteenth of the places; fourteen days have them all."""


class Cutting:
    """Answers with all bytes up to a place, and knows when the place is behind the end."""

    def __init__(self, how: Do) -> None:
        self._how = how
        self.place = FIRST
        self.length = FIRST + 1

    def plan(self, wire: Wire) -> Script:
        full = wire.full
        self.length = len(full)
        return (full[: self.place], self._how)


@pytest.mark.parametrize("framing", EVERY)
@pytest.mark.parametrize(("row", "how"), [("33", Do.CLOSE), ("36", Do.RESET)], ids=["closed", "reset"])
async def test_a_cut_at_any_place_is_no_silent_end(row: str, how: Do, framing: str) -> None:
    """What is delivered as whole is whole: the judge compares the text."""
    cutting = Cutting(how)
    fault = Fault(row, "HTTP", f"cut after every {STEP} bytes, {how.name}", "F|P|T", cutting.plan)
    with TALLY.kept(f"{fault}, {framing}", row):
        while cutting.place < cutting.length:
            wrong = await run(Case(fault, framing), ours)

            assert [] == wrong, f"cut after {cutting.place} bytes"
            cutting.place += STRIDE
