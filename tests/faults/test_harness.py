"""The harness itself: a naive client must fail where ours must not, or the judge is asleep."""

from __future__ import annotations

import gc
import logging
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.depth import sampled
from tests.faults import test_edges, test_leaving, test_world
from tests.faults.catalogue import FAULTS, NOT_HERE, ROWS, cases
from tests.faults.clients import chain, converse, naive, ours
from tests.faults.framings import KEY
from tests.faults.judge import run
from tests.faults.tally import Numbers
from tests.faults.world import MESSAGES, TIMEOUTS, Seen
from tests.virtual_time import run_virtual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.fault import Case
    from tests.faults.world import World

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
    "94 two encodings, openai",
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
        found = run_virtual(run, "asyncio", case, naive, lambda _: nullcontext(), Numbers(), sockets=True)
    except Exception as error:  # noqa: BLE001 - that is a failure, too
        return [f"it raised {error!r}"]
    return [text for text in found if not text.startswith("a warning")]


def test_a_naive_client_fails_many_faults(record_property: Callable[[str, object], None]) -> None:
    """The judge of the catalogue judges it."""
    cases = sampled(CASES, 0.1, "naive client", lambda case: str(case) if str(case) in MUST_FAIL else None)
    wrong = {str(case): found for case in cases if (found := judged(case))}
    share = len(wrong) / len(cases)
    record_property("summary", f"the naive client fails {len(wrong)} of {len(cases)} faults")

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


def test_every_row_is_run_or_listed_with_its_reason() -> None:
    tables = (test_edges.EDGES, test_leaving.WAYS, test_world.AROUND, test_world.SUSPENDED)
    run_here = {fault.row for fault in (*FAULTS, *test_edges.REUSED, *test_leaving.MOMENT)}
    run_here |= {fault.row for table in tables for fault, _ in table}
    run_here |= {"101a", "101b", "107"}  # each has a test of its own

    assert set(ROWS) == run_here | set(NOT_HERE)
    assert not run_here & set(NOT_HERE)


async def tells_the_key(world: World) -> Seen:
    logging.getLogger("app").info("asking with %s", KEY)
    return await ours(world)


async def keeps_the_prompt(world: World) -> Seen:
    seen = await ours(world)
    seen.said.append({"messages": MESSAGES})
    return seen


async def leaves_a_socket(world: World) -> Seen:
    _kept.append(await anyio.connect_tcp("127.0.0.1", int(world.faulty.url.rpartition(":")[2])))
    return await ours(world)


async def does_not_close(world: World) -> Seen:
    seen = Seen()
    context = chain(world, seen)
    _kept.append(context)
    await converse(await context.__aenter__(), seen)
    return seen


async def loses_a_piece(world: World) -> Seen:
    seen = await ours(world)
    seen.text = seen.text.replace(" two", "")
    return seen


async def is_late(world: World) -> Seen:
    await anyio.sleep(1)
    seen = await ours(world)
    seen.took += TIMEOUTS.total + 2
    return seen


async def asks_twice(world: World) -> Seen:
    await ours(world)
    return await ours(world)


async def raises_what_is_not_ours(world: World) -> Seen:
    seen = await ours(world)
    seen.error = KeyError("choices")
    return seen


async def warns(world: World) -> Seen:
    warnings.warn("something was not closed", ResourceWarning, stacklevel=1)
    return await ours(world)


_kept: list[object] = []
SABOTAGED: Final[dict[Callable[[World], Awaitable[Seen]], str]] = {
    tells_the_key: "the key is in a log",
    keeps_the_prompt: "the prompt is in an object",
    leaves_a_socket: "sockets are left",
    does_not_close: "still open",
    loses_a_piece: "the text is",
    is_late: "the deadline is",
    asks_twice: "upstream requests",
    raises_what_is_not_ours: "a foreign exception",
    warns: "a warning",
}


@pytest.mark.parametrize("client", SABOTAGED, ids=lambda client: client.__name__)
def test_the_judge_sees_a_client_that(client: Callable[[World], Awaitable[Seen]]) -> None:
    [case] = [case for case in CASES if str(case) == "40 one packet, openai"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is left behind here on purpose
        found = run_virtual(run, "asyncio", case, client, lambda _: nullcontext(), Numbers(), sockets=True)
        _kept.clear()
        gc.collect()

    assert any(SABOTAGED[client] in text for text in found), found


def test_the_judge_finds_nothing_wrong_with_ours() -> None:
    [case] = [case for case in CASES if str(case) == "40 one packet, openai"]

    assert [] == run_virtual(run, "asyncio", case, ours, sockets=True)
