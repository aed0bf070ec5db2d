"""A take-over is left at any moment: cancelled, or closed by another task; it ends cleanly, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import ServiceFailed
from router import (
    HedgePolicy,
    Interruption,
    ReplyStream,
    RequestEnded,
    RetryPolicy,
    StreamInterrupted,
    Timeouts,
)
from tests.depth import sampled
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import STEPS, Kept, Struck, all_places_free, clean, consistent, struck
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

if TYPE_CHECKING:
    from adapters.scripted import Step

__all__ = ["anyio_backend"]

# A comes at 0.5 and breaks off at 1, B fails at 1.5, C comes at 2.25 and breaks off at 2.75, D comes at 3.5;
# each clean-up takes a quarter of a second, and where it is hedged, two of them are asked side by side.
SCRIPTS: dict[str, list[Step]] = {
    "a": [0.5, "A", 0.5, ServiceFailed],
    "b": [0.25, ServiceFailed],
    "c": [0.5, "C", 0.5, ServiceFailed],
    "d": [0.5, "D", 0.5, "d"],
}
CLOCKS = Timeouts(total=20)
MOMENTS = [
    *(
        0.4,
        0.9,
        1.0,
        1.1,
        1.25,
        1.3,
        1.5,
        1.6,
        1.75,
        1.9,
        2.0,
        2.25,
        2.4,
        2.5,
        2.75,
        2.9,
        3.0,
        3.1,
        3.5,
        4,
        9,
    ),
]


WAYS = [
    (how, hedged, action, backend)
    for how in ("cancel", "close the reply", "close the router")
    for hedged in (False, True)
    for action in ("restart", "continue")
    for backend in BACKENDS
]


@pytest.mark.parametrize(
    ("how", "hedged", "action", "backend"),
    sampled(WAYS, 0.4, "take-overs left", lambda way: way[:2]),
)
def test_a_take_over_may_be_left_at_any_moment(backend, action, hedged, how):
    ends: set[str] = set()

    async def one(moment: float, steps: int) -> None:
        adapters = [Kept(name, SCRIPTS[name], cleanup_seconds=0.25) for name in SCRIPTS]
        for adapter in adapters:
            adapter.concurrency = 1
        seen = Recorder()
        policy = RetryPolicy(attempts=1, hedge=HedgePolicy(delay=0.25) if hedged else None)
        again = Interruption(action, 5)
        router = router_of(*adapters, seen=seen, retry=policy, timeouts=CLOCKS, on_interruption=again)
        kept: list[ReplyStream] = []

        async def use(run: Struck) -> None:
            try:
                async with await router.stream(HELLO) as reply:
                    kept.append(reply)
                    run.result = await reply.read_text()
            except (StreamInterrupted, anyio.ClosedResourceError) as error:
                run.error = error

        async def act(scope: anyio.CancelScope) -> None:
            if how == "cancel":
                scope.cancel()
            elif how == "close the router":
                await router.aclose()
            elif kept:
                await kept[0].aclose()

        run = await struck(use, moment, steps, act)
        if how == "cancel" or kept or how == "close the router":
            assert run.seconds <= max(moment + 2 * 0.25, 9) + 1e-6
        clean(adapters)
        all_places_free(router)
        consistent(seen)
        (end,) = seen.of(RequestEnded)
        ends.add(end.verdict)
        if how == "cancel" and run.left:
            assert end.verdict in ("cancelled", "closed", "complete")
            assert run.seconds <= moment + 2 * 0.25 + 1e-6
        if isinstance(run.error, anyio.ClosedResourceError):
            assert end.verdict == "closed" or not kept
            assert run.seconds <= moment + 2 * 0.25 + 1e-6
        if run.result is not None:
            assert end.verdict == "complete"
        await router.aclose()
        assert len(seen.of(RequestEnded)) == 1

    for moment in MOMENTS:
        for steps in STEPS[::2]:
            run_virtual(one, backend, moment, steps)
    assert {"complete", "cancelled" if how == "cancel" else "closed"} <= ends


@pytest.mark.anyio
@pytest.mark.parametrize("action", ["restart", "continue"])
async def test_who_reads_during_a_take_over_is_busy_and_who_closes_it_waits(action):
    first = Kept("first", ["Hel", ServiceFailed], cleanup_seconds=0.25)
    second = Kept("second", [5, "lo"], cleanup_seconds=0.25)
    async with router_of(first, second, on_interruption=action) as router:
        reply = await router.stream(HELLO)
        ended: list[str] = []

        async def read() -> None:
            try:
                await reply.read_text()
            except anyio.ClosedResourceError:
                ended.append("closed")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.sleep(2)
            with pytest.raises(anyio.BusyResourceError):
                await reply.receive()
            await reply.aclose()
            assert anyio.current_time() == pytest.approx(2.25)
            clean([first, second])

        assert (ended, reply.verdict, reply.provider) == (["closed"], "closed", "first")
        await reply.aclose()
