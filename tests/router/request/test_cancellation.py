"""Cancellation is evidence of nothing: a request is cancelled at every point where it can be.

A run is counted first: K suspensions of the task that makes the request. Then it is run again for each k,
cancelled *in* the k-th suspension, and cancelled *after* it, when the task is about to go on. And as moments
of time see what counts of steps do not, it is cancelled at many of these as well.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anyio
import pytest

from adapters import Adapter, AdapterError, BadReply, ConnectionLost, Delta, RateLimited, ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter, Step, Unfinished
from router import HedgePolicy, ReplyStream, RequestEnded, RequestStarted, RetryPolicy, Timeouts
from tests.depth import sampled
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from router import Router

__all__ = ["anyio_backend"]

CLOCKS = Timeouts(first_content=3, stall=3, total=40)
POLICY = RetryPolicy(attempts=2, stay=2)


def chain(*, slow: float) -> list[ScriptedAdapter]:
    """A chain that takes every way that a request can take before its commit."""
    lost = ConnectionLost("lost", reused=True)
    scripts: dict[str, list[list[Step]]] = {
        "lost": [[lost], [BadReply]],
        "failing": [[ServiceFailed], [0.25, ServiceFailed]],
        "empty": [[Delta(), Unfinished]],
        "done": [[Delta(model="big"), Delta(finish_reason="stop")]],
        "broken": [[TypeError("as told")]],
        "silent": [[Forever]],
        "limited": [[RateLimited(retry_after=2)], [Delta(), 0.5, "Hel", 0.5, Delta(), "lo"]],
    }
    return [ScriptedAdapter.each(name, each, cleanup_seconds=slow) for name, each in scripts.items()]


async def read_all(router: Router) -> None:
    async with await router.stream(HELLO) as reply:
        await reply.read_text()


async def leave_early(router: Router) -> None:
    async with await router.stream(HELLO) as reply:
        async for _ in reply:
            break


async def collect(router: Router) -> None:
    await router.complete(HELLO)


@types.coroutine
def stepped(
    coroutine: Coroutine[Any, Any, None], at: int, where: Literal["in", "after"], cancel: Callable[[], None]
) -> Generator[Any, Any, int]:
    """Drive `coroutine`; cancel in or after its suspension number `at`; return how many there were."""
    count = 0
    step: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731
    while True:
        try:
            yielded = step()
        except StopIteration:
            return count
        count += 1
        if (count, where) == (at, "in"):
            cancel()
        try:
            value = yield yielded
        except BaseException as error:  # noqa: BLE001 - thrown into the coroutine, which decides
            step = lambda error=error: coroutine.throw(error)  # type: ignore[misc]  # noqa: E731 - a default cannot be typed in a lambda
        else:
            step = lambda value=value: coroutine.send(value)  # type: ignore[misc]  # noqa: E731 - as above
        if (count, where) == (at, "after"):
            cancel()


@dataclass
class Run:
    """One run, and what it left behind."""

    adapters: list[ScriptedAdapter]
    seen: Recorder = field(default_factory=Recorder)
    suspensions: int = 0
    cancelled: bool = False
    finished: bool = False
    seconds: float = 0.0
    tasks_left: int = 0

    def is_clean(self) -> None:
        for adapter in self.adapters:
            assert adapter.opened == adapter.closed, f"{adapter.name}: a generator was left open"
            assert not adapter.leftovers, f"{adapter.name}: a conversation was not deleted"
            assert adapter.acloses == 1, adapter.name
        assert self.tasks_left == 0, "a task was left"
        assert len(self.seen.of(RequestStarted)) == len(self.seen.of(RequestEnded)) <= 1
        assert self.cancelled is not self.finished, "the cancellation was swallowed, or invented"
        for end in self.seen.of(RequestEnded):
            assert end.verdict in ("cancelled", "complete", "closed")
            assert sum(a.outcome != "skipped" for a in end.attempts) == sum(a.opened for a in self.adapters)
            assert list(end.attempts) == self.seen.ledger


async def run(
    use: Callable[[Router], Awaitable[None]], slow: float, at: int, where: Literal["in", "after"]
) -> Run:
    made = Run(chain(slow=slow))

    async def request() -> None:
        async with router_of(*made.adapters, seen=made.seen, timeouts=CLOCKS, retry=POLICY) as router:
            await use(router)

    before = len(anyio.get_running_tasks())
    with anyio.CancelScope() as scope:
        made.suspensions = await stepped(request(), at, where, scope.cancel)
        made.seconds = anyio.current_time()
        if at and scope.cancel_called:
            # It may have been over before the cancellation could strike: then it strikes here.
            made.finished = True
            await anyio.lowlevel.checkpoint()
            raise AssertionError("the cancellation was swallowed")
        made.finished = True
    if scope.cancelled_caught:
        made.finished = False
        made.cancelled = True
    made.tasks_left = len(anyio.get_running_tasks()) - before
    return made


CHECKPOINTS = [
    (backend, where, slow, use)
    for backend in BACKENDS
    for where in ("in", "after")
    for slow in (0.0, 0.5)
    for use in (read_all, leave_early, collect)
]


@pytest.mark.parametrize(
    ("backend", "where", "slow", "use"),
    sampled(CHECKPOINTS, 0.5, "checkpoints of a request", lambda way: way[1:]),
)
def test_a_request_may_be_cancelled_at_every_checkpoint(use, slow, where, backend):
    whole = run_virtual(run, backend, use, slow, 0, where)
    whole.is_clean()
    assert whole.finished
    assert whole.suspensions > 25
    struck = 0
    for k in range(1, whole.suspensions + 1):
        made = run_virtual(run, backend, use, slow, k, where)
        made.is_clean()
        struck += made.cancelled

    assert struck == whole.suspensions


MOMENTS = [n / 8 for n in range(8 * 14)]


async def at_a_moment(use: Callable[[Router], Awaitable[None]], moment: float) -> Run:
    made = Run(chain(slow=0.25))

    async def request(router: Router) -> None:
        await use(router)
        made.finished = True

    async with router_of(*made.adapters, seen=made.seen, timeouts=CLOCKS, retry=POLICY) as router:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(request, router)
            await anyio.sleep(moment)
            tasks.cancel_scope.cancel()
        made.seconds = anyio.current_time()
        made.cancelled = not made.finished
    return made


@pytest.mark.parametrize("backend", sampled(BACKENDS, 0.5, "moments of a request"))
@pytest.mark.parametrize("use", [read_all, leave_early])
def test_a_request_may_be_cancelled_at_every_moment_and_is_gone_within_its_clean_up(use, backend):
    outcomes = set()
    for moment in MOMENTS:
        made = run_virtual(at_a_moment, backend, use, moment)
        made.is_clean()
        assert made.seconds <= moment + 0.25 + 1e-6, moment
        outcomes.add(made.cancelled)

    assert outcomes == {True, False}, "the moments reach from before the request to behind it"


@pytest.mark.anyio
@pytest.mark.parametrize("script", [[Forever], ["Hel", Forever], [Delta(), Forever]])
async def test_an_outer_deadline_shorter_than_ours_wins_and_is_no_failover(script):
    seen = Recorder()
    first, second = ScriptedAdapter("first", script), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        with pytest.raises(TimeoutError), anyio.fail_after(2):
            await router.complete(HELLO)

        (entry, _) = router.health().providers
        assert anyio.current_time() == pytest.approx(2)
    assert second.opened == 0
    assert seen.end.verdict == "cancelled"
    assert seen.end.error is None
    assert entry.last_error is None
    assert (first.closed, first.leftovers) == (1, frozenset())


@pytest.mark.anyio
async def test_a_cancelled_attempt_says_nothing_about_the_provider():
    seen = Recorder()
    first = ScriptedAdapter.each("first", [[Forever], ["Hello"]])
    async with router_of(first, seen=seen) as router:
        with anyio.move_on_after(1):
            await router.stream(HELLO)
        assert ["cancelled"] == [attempt.outcome for attempt in seen.ledger]
        assert [None] == [attempt.error for attempt in seen.ledger]
        assert seen.ledger[0].seconds == pytest.approx(1)

        assert (await router.complete(HELLO)).text == "Hello"


@pytest.mark.anyio
async def test_a_request_that_is_cancelled_while_it_waits_for_a_round_asks_nobody_else():
    seen = Recorder()
    first = ScriptedAdapter("first", [RateLimited(retry_after=9)])
    async with router_of(first, seen=seen) as router:
        with anyio.move_on_after(5) as scope:
            await router.stream(HELLO)

    assert scope.cancelled_caught
    assert (first.opened, seen.end.verdict) == (1, "cancelled")
    assert anyio.current_time() == pytest.approx(5)


@pytest.mark.anyio
async def test_a_router_may_be_closed_in_a_cancelled_task():
    first = ScriptedAdapter("first", ["Hel", Forever], cleanup_seconds=0.5)
    router = router_of(first)
    with anyio.CancelScope() as scope:
        reply = await router.stream(HELLO)
        scope.cancel()
        await router.aclose()

    assert reply.verdict == "closed"
    assert (first.closed, first.acloses, first.leftovers) == (1, 1, frozenset())


class Tidy(Adapter):
    """Cleans up without a shield, and trusts that it is closed under one."""

    def __init__(self, *deltas: Delta) -> None:
        self.deltas = deltas
        self.tidied = 0

    async def stream(self, request):
        try:
            for delta in self.deltas:
                yield delta
        finally:
            await anyio.sleep(0.5)
            self.tidied += 1


@pytest.mark.anyio
@pytest.mark.parametrize("close", ["reply", "router"])
async def test_a_generator_at_rest_is_closed_under_a_shield(close):
    tidy = Tidy(Delta("Hel"), Delta("lo"))
    router = router_of(tidy)
    with anyio.CancelScope() as scope:
        reply = await router.stream(HELLO)
        scope.cancel()
        await (reply if close == "reply" else router).aclose()
    await router.aclose()

    assert tidy.tidied == 1
    assert anyio.current_time() == pytest.approx(0.5)


@pytest.mark.anyio
async def test_a_failed_generator_at_rest_is_closed_under_a_shield():
    tidy = Tidy(Delta(finish_reason="stop"))
    async with router_of(tidy) as router:
        with anyio.move_on_after(0.25) as scope:  # in the middle of the last clean-up
            await router.stream(HELLO)

    assert scope.cancelled_caught
    assert tidy.tidied == 1


@pytest.mark.anyio
async def test_a_cancelled_close_of_a_reply_still_cleans_up():
    first = ScriptedAdapter("first", ["Hel", Forever], cleanup_seconds=0.5)
    async with router_of(first) as router:
        reply = await router.stream(HELLO)
        with anyio.move_on_after(0.1):
            await reply.aclose()
        assert (first.closed, first.leftovers) == (1, frozenset())


@pytest.mark.anyio
@pytest.mark.parametrize("moment", [n / 4 for n in range(14 * 4)])
async def test_a_router_may_be_closed_at_every_moment_of_a_request(moment):
    """Whoever is reading or waiting is told that it was closed, or had its reply before."""
    adapters, seen = chain(slow=0.25), Recorder()
    router = router_of(*adapters, seen=seen, timeouts=CLOCKS, retry=POLICY)
    ended: list[str] = []
    kept: list[ReplyStream] = []

    async def use() -> None:
        try:
            stream = await router.stream(HELLO)
            kept.append(stream)
            ended.append(await stream.read_text())
        except (anyio.ClosedResourceError, AdapterError) as error:
            ended.append(type(error).__name__)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use)
        await anyio.sleep(moment)
        await router.aclose()
        assert anyio.current_time() <= moment + 0.25 + 1e-6
        for adapter in adapters:
            assert (adapter.opened, adapter.acloses) == (adapter.closed, 1)
            assert not adapter.leftovers
    assert ended in (["Hello"], ["ClosedResourceError"])
    if seen.events:  # else it had not begun
        assert seen.end.verdict == ("complete" if ended == ["Hello"] else "closed" if kept else "cancelled")


@pytest.mark.anyio
@pytest.mark.parametrize("waits_for", ["a slot", "the slower of two", "a verdict on the whole reply"])
async def test_a_router_that_is_closed_ends_a_request_wherever_it_waits(waits_for):
    first, second = ScriptedAdapter("first", ["Hel", Forever]), ScriptedAdapter("second", [Forever])
    hedged = RetryPolicy(hedge=HedgePolicy(delay=1)) if waits_for == "the slower of two" else None
    asked = {"a slot": ["first"], "the slower of two": ["second", "third"]}.get(waits_for, ["first"])
    first.concurrency = 1
    third = ScriptedAdapter("third", [Forever])
    router = router_of(first, second, third, retry=hedged)
    ended: list[type[Exception]] = []

    async def ask() -> None:
        try:
            judge = bool if waits_for == "a verdict on the whole reply" else None
            await router.complete(HELLO, providers=asked, validate=judge)
        except anyio.ClosedResourceError as error:
            ended.append(type(error))

    async with anyio.create_task_group() as tasks:
        holds = await router.stream(HELLO, providers=["first"]) if waits_for == "a slot" else None
        tasks.start_soon(ask)
        await anyio.sleep(2)
        await router.aclose()
        assert anyio.current_time() == pytest.approx(2)

    assert ended == [anyio.ClosedResourceError]
    assert holds is None or holds.verdict == "closed"
    for adapter in (first, second, third):
        assert (adapter.opened, adapter.acloses) == (adapter.closed, 1)
