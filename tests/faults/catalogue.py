"""The fault catalogue as a table, and what of it is not run here, with the reason."""

from __future__ import annotations

from typing import Final

from tests.faults.fault import Case
from tests.faults.rows_http import HTTP
from tests.faults.rows_json import JSONS, SERVICES
from tests.faults.rows_memory import ALL_MEMORY
from tests.faults.rows_status import STATUS
from tests.faults.rows_steps import STEPS
from tests.faults.rows_stream import STREAM

FAULTS: Final = (*HTTP, *STATUS, *STREAM, *JSONS, *ALL_MEMORY, *STEPS)

NOT_HERE: Final = {
    "5": "needs an allow-list of addresses, which comes with the configuration",
    "49": "under load: the retry budget and the breaker are tested with the load",
    "108": "under load: the pool's exhaustion is tested with the load",
    "109": "under load: the breaker's one probe is tested with the load",
    "112": "of the gateway, which comes later",
}
"""Rows that are not run here: number -> reason."""


def cases() -> list[Case]:
    """Every fault in each of its framings, before a good provider; in the first of them alone as well."""
    found = []
    for fault in FAULTS:
        found += [Case(fault, framing) for framing in fault.framings if fault.promised(framing) != "R"]
        first = fault.framings[0]
        if (
            fault.mib is None
            and fault.level != "steps"
            and first not in SERVICES
            and fault.promised(first) not in ("T", "P")
        ):
            found.append(Case(fault, first, alone=True))
    return found


ROWS: Final = (*map(str, range(1, 113)), "101a", "101b", "101c", "101d", "111a", "111b")
"""The numbers of all rows."""
