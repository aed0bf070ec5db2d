"""Rows 105 to 107, 111a and 111b: clocks that jump, many requests at once, peers that echo, proxies."""

from __future__ import annotations

import datetime
import itertools
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
import trio
from anyio.lowlevel import current_token

from adapters.http import status
from adapters.simulators.exchange import Answer
from router import RequestStarted
from router.errors import StreamInterrupted
from tests.faults.clients import chain, converse, ours
from tests.faults.fault import Case, Fault
from tests.faults.framings import KEY, TEXT
from tests.faults.judge import run
from tests.faults.rows_http import begun
from tests.faults.rows_status import LINES, PLAIN
from tests.faults.steps import Do, Script, whole
from tests.faults.tally import TALLY
from tests.faults.world import BEHIND, MESSAGES, SECOND_KEY, Seen
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.framings import Wire
    from tests.faults.world import World

pytestmark = pytest.mark.anyio
DAY: Final = 86_400.0
HOUR: Final = 3600.0
MANY: Final = 18
TODAY: Final = "Retry-After: Fri, 20 Nov 2026 10:00:00 GMT"


def good(wire: Wire) -> Script:
    return (0.5, wire.full)


def stalls(wire: Wire) -> Script:
    return begun(wire, Do.SILENCE)


class Jumping(datetime.datetime):
    """A wall clock that is a day off, this way and that way, in turns."""

    days = itertools.cycle((1, -1))

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return super().now(tz) + datetime.timedelta(days=next(cls.days))


@contextmanager
def set_to(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def jumping(_: World) -> Iterator[None]:
    """The wall clock jumps by a day with every look at it; the monotonic clock does not."""
    real, days = time.time, itertools.cycle((DAY, -DAY, 0.0))  # noqa: TID251 - replaced here
    with ExitStack() as stack:
        stack.enter_context(set_to(time, "time", lambda: real() + next(days)))
        stack.enter_context(set_to(status, "datetime", Jumping))
        yield


PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@contextmanager
def proxied(world: World) -> Iterator[None]:
    """Proxy variables point to the trap."""
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(PROXIES, world.trap.url))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def echoing(world: World) -> Iterator[None]:
    """The second provider fails as well, and quotes its own key."""
    said = f"key {SECOND_KEY} " + LINES.decode("latin-1")
    world.good.set_fault("500")
    answer = Answer(500, {"error": {"message": said}})
    with set_to(world.good, "failure", lambda _status, _message: answer):
        yield


def echo(wire: Wire) -> Script:
    return (whole(500, f"key {KEY} ".encode() + LINES, kind="text/plain"),)


AROUND: Final[list[tuple[Fault, Callable[[World], Any]]]] = [
    (Fault("105", "time", "the wall clock jumps, a good reply", "T", good), jumping),
    (Fault("105", "time", "the wall clock jumps, a stall", "P", stalls, within=30.1), jumping),
    (
        Fault("105", "time", "the clock jumps, a date", "F", lambda w: (whole(503, PLAIN, TODAY),)),
        jumping,
    ),
    (Fault("111a", "log", "every provider echoes", "X", echo, most=2), echoing),
    (Fault("111b", "config", "proxy variables", "T", good), proxied),
]


@pytest.mark.parametrize(("fault", "around"), AROUND, ids=[str(fault) for fault, _ in AROUND])
async def test_a_fault_of_the_surroundings(fault: Fault, around: Callable[[World], Any]) -> None:
    with TALLY.kept(str(fault), fault.row):
        wrong = await run(Case(fault, "openai"), ours, around)

        assert [] == wrong


def suspend(seconds: float) -> None:
    """Let the time pass in which the process does not run."""
    loop: Any = current_token().native_token
    if isinstance(loop, trio.lowlevel.TrioToken):
        clock: Any = trio.lowlevel.current_clock()
        clock.jump(seconds)
    else:
        loop._jumping.now += seconds


async def suspended_mid_stream(world: World) -> Seen:
    """The deadline strikes at once when the process wakes up."""
    seen = Seen()
    async with chain(world, seen) as router:
        reply = await router.stream(MESSAGES)
        seen.text = "".join([(await reply.receive()).text for _ in range(3)])
        suspend(HOUR)
        started = anyio.current_time()
        try:
            seen.text += await reply.read_text()
        except StreamInterrupted as error:
            seen.error = error
            seen.text = error.partial
        seen.took = anyio.current_time() - started
        seen.provider = reply.provider
    return seen


async def suspended_between(world: World) -> Seen:
    """A connection that was kept alive an hour ago is not trusted."""
    seen = Seen()
    async with chain(world, seen) as router:
        await router.complete(MESSAGES)
        suspend(HOUR)
        seen.events.clear()
        seen.earlier = world.requests
        await converse(router, seen)
    return seen


SUSPENDED: Final = [
    (Fault("106", "time", "suspended mid-stream", "P", stalls, within=0.1), suspended_mid_stream),
    (Fault("106", "time", "suspended between two requests", "R", good, most=2), suspended_between),
]


@pytest.mark.parametrize(("fault", "client"), SUSPENDED, ids=[str(fault) for fault, _ in SUSPENDED])
async def test_a_process_that_was_suspended_for_an_hour(fault: Fault, client: Any) -> None:
    with TALLY.kept(str(fault), fault.row):
        wrong = await run(Case(fault, "openai"), client)

        assert [] == wrong


def in_turn(wire: Wire) -> list[Script]:
    """A third is good, a third is reset before the headers, a third is closed mid-stream."""
    kinds: tuple[Script, ...] = ((0.2, wire.full), (0.1, Do.RESET), (*begun(wire), 0.1, Do.CLOSE))
    return [kinds[number % 3] for number in range(MANY)]


async def many_at_once(world: World) -> Seen:
    """Each of the requests ends in its own way, whole or cut, and none has another one's text."""
    every = [Seen() for _ in range(MANY)]
    common = Seen()
    async with chain(world, common) as router, anyio.create_task_group() as tasks:
        for seen in every:
            tasks.start_soon(converse, router, seen)
    ways = sorted((s.provider or "", type(s.error).__name__, s.text) for s in every)

    third = MANY // 3
    cut = ("first", "StreamInterrupted", "One two three,")
    assert [("first", "NoneType", TEXT)] * third + [cut] * third == ways[: 2 * third]
    assert [("second", "NoneType", BEHIND)] * third == ways[2 * third :]
    last = next(seen for seen in every if seen.error is not None)
    assert len([e for e in common.events if isinstance(e, RequestStarted)]) == MANY
    last.said += common.said
    return last


async def test_many_at_once_of_which_a_third_is_reset_and_a_third_is_closed() -> None:
    fault = Fault("107", "load", f"{MANY} at once", "P", in_turn, most=MANY)
    with TALLY.kept(str(fault), fault.row):
        wrong = await run(Case(fault, "openai"), many_at_once)

        assert [] == wrong
