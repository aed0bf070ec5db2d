"""The harness itself: a naive client must fail where ours must not, or the judge is asleep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.catalogue import cases
from tests.faults.clients import naive
from tests.faults.judge import run
from tests.virtual_time import run_virtual

if TYPE_CHECKING:
    from tests.faults.fault import Case

LEAST: Final = 0.4
MUST_FAIL: Final = (
    "19 silence mid-stream, openai",
    "20 header bytes drip for ever, openai",
    "33 no last chunk, no end mark, openai",
    "36 reset mid-stream, openai",
    "42 text drips for ever, openai",
    "55 other origin 307, openai",
    "59 a page as text/html, openai",
    "65 only the end mark, openai",
    "69 an error after text, openai",
    "73 a clean end without end mark, openai",
    "78 separators in text, openai",
    "93 gzip, openai",
    "111 the secrets in an error body, openai",
)
"""Each is a well-known way in which the loop with `try` goes wrong."""

CASES: Final = [
    case
    for case in cases()
    if case.framing == "openai" and case.fault.mib is None and case.fault.level != "status"
]
"""All but memory, of which it has no limit at all, and the statuses, which are many and easy."""


def judged(case: Case) -> list[str]:
    """What is wrong with the naive client, warnings about what it leaves behind not counted."""
    try:
        found = run_virtual(run, "asyncio", case, naive, sockets=True)
    except Exception as error:  # noqa: BLE001 - that is a failure, too
        return [f"it raised {error!r}"]
    return [text for text in found if not text.startswith("a warning")]


def test_a_naive_client_fails_many_faults() -> None:
    """The judge of the catalogue judges it."""
    wrong = {str(case): found for case in CASES if (found := judged(case))}
    share = len(wrong) / len(CASES)
    print(f"the naive client fails {len(wrong)} of {len(CASES)} faults")  # noqa: T201 - shown where it fails

    assert set(MUST_FAIL) <= set(wrong), sorted(set(MUST_FAIL) - set(wrong))
    assert LEAST <= share


def test_a_naive_client_passes_some_faults() -> None:
    """Else the judge would fail everything."""
    for name in ("40 one packet, openai", "72 no [DONE], openai", "75 comments and fields, openai"):
        [case] = [case for case in CASES if str(case) == name]

        assert [] == judged(case)


@pytest.mark.parametrize("name", MUST_FAIL)
def test_the_names_are_of_the_catalogue(name: str) -> None:
    assert name in {str(case) for case in CASES}
