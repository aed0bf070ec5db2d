"""Rows 1 to 13, 15, 50 and 57: before and around HTTP, where bytes alone do not tell."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from router import HealthReport, RequestAborted
from tests.faults import edges
from tests.faults.clients import ours, ours_again
from tests.faults.fault import Case, Fault
from tests.faults.judge import run
from tests.faults.steps import Do, Script, head, whole
from tests.faults.tally import TALLY
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.framings import Wire
    from tests.faults.world import Seen, World

pytestmark = pytest.mark.anyio


def good(wire: Wire) -> Script:
    return (wire.full,)


def cut(wire: Wire) -> Script:
    return (wire.head_with("Connection: close") + wire.half, Do.CLOSE)


def to_http(wire: Wire) -> Script:
    return (whole(307, b"", "Location: {trap}/v1/x"),)


def unframed(wire: Wire) -> Script:
    return (head(200, "Connection: close") + wire.body, Do.CLOSE)


TRUSTING: Final = {"verify": edges.trusting()}


def _tls(row: str, name: str, promise: str, plan: Any = good, **more: Any) -> Fault:
    return Fault(row, "TLS", name, promise, plan, settings=TRUSTING, **{"once": True, **more})


def _named(answer: Any) -> Any:
    return partial(edges.named, answer=answer)


@contextmanager
def all_503(world: World) -> Iterator[None]:
    world.good.set_fault("503")
    yield


@contextmanager
def all_hang(world: World) -> Iterator[None]:
    world.good.set_fault("stall")
    yield


def _nothing(_: World) -> Any:
    return nullcontext()


EDGES: Final[list[tuple[Fault, Any]]] = [
    (Fault("1", "DNS", "no such name", "F", good, once=True), _named(edges.no_such_name)),
    (Fault("2", "DNS", "a failure for now", "R>F", good), _named(edges.not_for_now)),
    (Fault("3", "DNS", "the resolver hangs", "F", good, within=5.2), _named(edges.never)),
    (Fault("4", "DNS", "the first of two addresses is dead", "T", good), _named(edges.first_one_dead)),
    (Fault("6", "TCP", "refused", "R>F", good), edges.refused),
    (Fault("7", "TCP", "SYN dropped", "F", good, within=5.2), edges.full),
    (Fault("9", "TCP", "no descriptors", "X", good), edges.without_descriptors),
    (_tls("10", "unknown issuer", "F", tls=edges.unknown_issuer()), _nothing),
    (_tls("10", "wrong name", "F", tls=edges.wrong_name()), _nothing),
    (_tls("10", "expired", "F", tls=edges.expired()), _nothing),
    (_tls("11", "plain HTTP on the port", "F", before=(whole(400),)), edges.as_https),
    (_tls("12", "the handshake hangs", "F", before=(Do.SILENCE,), within=5.2), edges.as_https),
    (_tls("12", "garbage for a handshake", "F", before=(b"\0\1garbage" * 9, Do.CLOSE)), edges.as_https),
    (_tls("12", "closed in the handshake", "F", before=(Do.CLOSE,)), edges.as_https),
    (_tls("13", "no close_notify after the end mark", "T", unframed, tls=edges.right()), _nothing),
    (_tls("13", "no close_notify mid-stream", "P", cut, tls=edges.right()), _nothing),
    (_tls("13", "a good one", "T", tls=edges.right()), _nothing),
    (_tls("57", "https to http of the same host", "F", to_http, tls=edges.right()), _nothing),
    (Fault("50", "status", "all providers 503", "X", lambda w: (whole(503),), most=2), all_503),
    (Fault("50", "status", "all providers hang", "X", lambda w: (Do.SILENCE,), within=62), all_hang),
]


@pytest.mark.parametrize(("fault", "around"), EDGES, ids=[str(fault) for fault, _ in EDGES])
async def test_an_edge_ends_as_promised(fault: Fault, around: Callable[[World], Any]) -> None:
    with TALLY.kept(str(fault), fault.row):
        wrong = await run(Case(fault, "openai"), ours, around)

        assert [] == wrong


async def test_a_failure_of_this_machine_is_not_held_against_the_provider() -> None:
    seen: list[Seen] = []

    async def client(world: World) -> Seen:
        seen.append(await ours(world))
        return seen[0]

    [(fault, around)] = [(fault, around) for fault, around in EDGES if fault.row == "9"]
    wrong = await run(Case(fault, "openai"), client, around)
    reports = [said for said in seen[0].said if isinstance(said, HealthReport)]
    first = reports[-1].providers[0]

    assert [] == wrong
    assert isinstance(seen[0].error, RequestAborted)
    assert first.state != "unhealthy"
    assert first.back_in is None


def _lost(*again: Do | bytes) -> Callable[[Wire], list[Script]]:
    return lambda wire: [(wire.full,), again, (wire.full,)]


REUSED: Final = [
    Fault("15", "HTTP", "reset on reuse", "R", _lost(Do.RESET), most=3),
    Fault("15", "HTTP", "closed on reuse", "R", _lost(Do.CLOSE), most=3),
    Fault("15", "HTTP", "closed while idle", "R", lambda wire: (wire.full, 0.01, Do.CLOSE), most=2),
]


@pytest.mark.parametrize("fault", REUSED, ids=str)
async def test_a_kept_alive_connection_that_is_lost_is_made_good(fault: Fault) -> None:
    """The second request repeats the whole attempt on a fresh connection; the ledger shows it."""
    with TALLY.kept(str(fault), fault.row):
        wrong = await run(Case(fault, "openai"), ours_again)

        assert [] == wrong
