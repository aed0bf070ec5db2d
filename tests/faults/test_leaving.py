"""Rows 101 to 104: the caller leaves, in every way and at many moments; and the object in several tasks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.faults import edges
from tests.faults.clients import chain, converse
from tests.faults.fault import EVERY, Case, Fault
from tests.faults.judge import run
from tests.faults.rows_http import begun
from tests.faults.rows_steps import DELETE, LEAVE
from tests.faults.steps import LAST, Do, Script, chunk, whole
from tests.faults.tally import TALLY
from tests.faults.world import MESSAGES, Seen
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from router import ReplyStream, Router
    from tests.faults.framings import Wire
    from tests.faults.world import World

    Client = Callable[[World], Awaitable[Seen]]

pytestmark = pytest.mark.anyio
MOMENTS: Final = 48
STEP: Final = 0.025


def paced(wire: Wire) -> Script:
    """A whole answer in small steps, the first of them before the headers."""
    steps: list[bytes | float] = [0.1, wire.head]
    for piece in (wire.opening, *wire.pieces):
        steps += [0.1, chunk(piece)] if piece else []
    return (*steps, 0.1, chunk(wire.end), LAST)


def stalls(wire: Wire) -> Script:
    return begun(wire, Do.SILENCE)


def left(row: str, name: str, plan: Callable[[Wire], Script], promise: str = "C", **more: Any) -> Fault:
    return Fault(row, "cancel", name, promise, plan, EVERY, **more)


def cancelled_after(seconds: float) -> Client:
    """A caller whose scope ends after so many seconds."""

    async def client(world: World) -> Seen:
        seen = Seen()
        async with chain(world, seen) as router:
            with anyio.move_on_after(seconds) as scope:
                await converse(router, seen)
            seen.cancelled = scope.cancelled_caught
        return seen

    return client


async def keep(wrong: Awaitable[list[str]], fault: Fault, framing: str) -> None:
    with TALLY.kept(f"{fault}, {framing}", fault.row):
        found = await wrong

        assert [] == found


BACK: Final = left("101", "in back-off", lambda w: (whole(503, b"", "Retry-After: 5"),), most=1)
MOMENT: Final = (
    left("101", "before headers", lambda w: (Do.SILENCE,)),
    left("101", "after headers", lambda w: (w.head, Do.SILENCE)),
    left("101", "mid-stream", stalls),
)


@pytest.mark.parametrize("framing", EVERY)
@pytest.mark.parametrize("fault", MOMENT, ids=str)
async def test_a_caller_who_is_cancelled_leaves_nothing(fault: Fault, framing: str) -> None:
    await keep(run(Case(fault, framing), cancelled_after(1.0)), fault, framing)


async def test_cancelled_while_connecting() -> None:
    fault = left("101", "while connecting", paced)
    await keep(run(Case(fault, "openai"), cancelled_after(1.0), edges.full), fault, "openai")


async def test_cancelled_in_back_off() -> None:
    await keep(run(Case(BACK, "openai", alone=True), cancelled_after(2.0)), BACK, "openai")


@pytest.mark.parametrize("framing", ["h2o", "open_assistant"])
async def test_cancelled_during_the_clean_up(framing: str) -> None:
    """The reply is over, and what created it is being deleted: the caller waits at most its limit."""
    steps: dict[str, Script] = {DELETE[framing]: (Do.SILENCE,)}
    fault = left("101", "during clean-up", paced, "C|T", steps=steps, reported=True)
    await keep(run(Case(fault, framing), cancelled_after(1.4)), fault, framing)


@pytest.mark.parametrize("framing", ["h2o", "open_assistant"])
async def test_cancelled_while_the_clean_up_hangs(framing: str) -> None:
    """The caller is back within the limit of the clean-up."""
    steps: dict[str, Script] = {LEAVE[framing]: (Do.SILENCE,)}
    fault = left("101b", "the clean-up hangs", stalls, steps=steps, reported=True, within=2.5)
    await keep(run(Case(fault, framing), cancelled_after(1.0)), fault, framing)


@pytest.mark.parametrize("framing", ["openai", "h2o"])
async def test_cancelled_at_many_moments_with_one_router(framing: str) -> None:
    fault = left("101a", f"at {MOMENTS} moments", paced, "C|T", most=MOMENTS)

    async def client(world: World) -> Seen:
        seen = Seen()
        async with chain(world, seen) as router:
            outcomes = set()
            for moment in range(MOMENTS):
                seen.events.clear()
                seen.earlier = world.requests
                seen.text, seen.error = "", None
                with anyio.move_on_after(STEP * (moment + 1)) as scope:
                    await converse(router, seen)
                outcomes.add(scope.cancelled_caught)
                assert seen.error is None
            seen.cancelled = True

        assert outcomes == {True, False}
        return seen

    await keep(run(Case(fault, framing), client), fault, framing)


@asynccontextmanager
async def opened(world: World, seen: Seen) -> AsyncIterator[tuple[Router, ReplyStream]]:
    async with chain(world, seen) as router:
        reply = await router.stream(MESSAGES)
        seen.provider = reply.provider
        seen.said.append(reply)
        yield router, reply


async def in_three_tasks(world: World) -> Seen:
    seen = Seen()
    async with opened(world, seen) as (_, reply):

        async def read() -> None:
            seen.text = await reply.read_text()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reply.aclose)
    return seen


async def only_the_router_is_closed(world: World) -> Seen:
    seen = Seen()
    async with opened(world, seen) as (router, reply):
        seen.text = (await reply.receive()).text
        await router.aclose()
        seen.cancelled = reply.verdict == "closed"
    return seen


async def left_after_the_first_piece(world: World) -> Seen:
    seen = Seen()
    async with opened(world, seen) as (_, reply):
        async with reply:
            seen.text = (await reply.receive()).text
        seen.cancelled = reply.verdict == "closed"
    return seen


async def raising_in_the_loop(world: World) -> Seen:
    seen = Seen()
    async with opened(world, seen) as (_, reply):
        try:
            async with reply:
                async for delta in reply:
                    seen.text += delta.text
                    raise ZeroDivisionError
        except ZeroDivisionError:
            seen.cancelled = reply.verdict == "closed"
    return seen


WAYS: Final[list[tuple[Fault, Client]]] = [
    (left("101c", "opened, read, closed in three tasks", paced, "T"), in_three_tasks),
    (left("101d", "only the router is closed", stalls), only_the_router_is_closed),
    (left("102", "left after the first piece", stalls), left_after_the_first_piece),
    (left("103", "an exception in the loop", stalls), raising_in_the_loop),
    (left("104", "an outer deadline before headers", lambda w: (Do.SILENCE,)), cancelled_after(5.0)),
    (left("104", "an outer deadline mid-stream", stalls), cancelled_after(5.0)),
]


@pytest.mark.parametrize("framing", EVERY)
@pytest.mark.parametrize(("fault", "client"), WAYS, ids=[str(fault) for fault, _ in WAYS])
async def test_a_way_of_leaving_leaves_nothing(fault: Fault, client: Client, framing: str) -> None:
    await keep(run(Case(fault, framing), client), fault, framing)
