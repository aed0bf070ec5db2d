"""Every fault of the catalogue that is a server's: the faulty provider stands before a good one, or alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.carrier import CARRIERS
from tests.depth import sampled
from tests.faults.catalogue import cases
from tests.faults.clients import ours
from tests.faults.judge import run
from tests.faults.tally import TALLY
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.faults.fault import Case

pytestmark = pytest.mark.anyio
CASES: Final = sampled(
    [(case, carrier) for case in cases() for carrier in CARRIERS],
    0.06,
    "fault catalogue",
    lambda pair: pair[0].fault.row,
)


@pytest.mark.parametrize(("case", "carrier"), CASES, ids=str, indirect=["carrier"])
async def test_a_fault_ends_as_promised(case: Case, carrier: str) -> None:
    if carrier == "httpx" and case.fault.on_reuse:  # over httpx a connection carries one exchange
        case = replace(case, fault=replace(case.fault, reported=False))
    with TALLY.kept(str(case), case.fault.row):
        wrong = await run(case, ours)

        assert [] == wrong
