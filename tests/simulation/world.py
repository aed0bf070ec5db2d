"""Plays a world: the requests of a plan against a router; everything that is seen of them is written down."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from router import (
    AllProvidersFailed,
    RequestAborted,
    RequestStarted,
    Router,
    RouterError,
    StreamInterrupted,
)
from tests.simulation.book import Book, Call
from tests.simulation.chat import Chat
from tests.simulation.wire import wire_adapter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters import Adapter, Delta, Switch
    from router import Event
    from tests.simulation.plan import Plan, RequestPlan


class Client(Protocol):
    """What a world asks of a router, so that another client can be put in its place."""

    async def stream(self, messages: Any, *, providers: Any, timeouts: Any) -> Any: ...

    async def aclose(self) -> None: ...


@dataclass
class Segment:
    """What was delivered from one provider, between two marks, and the call that it came from."""

    provider: str
    call: Call | None
    kind: str = "first"
    text: str = ""


@dataclass
class Told:
    """One request as its reader saw it.

    Attributes:
        plan: What was planned.
        began: When the reader asked.
        segments: What was delivered, one for each provider that spoke.
        endings: How it ended: one word, and nothing after it.
        error: What it raised.
        partial: The text that the error holds.
        waits: When each call of the library began and returned.
        open_at_commit: Calls of this request still open when the stream was returned.
        open_at_switch: The same, at most, when another provider took over.
        open_at_end: The same when the end record was told.
        shown: Every text that the library showed: errors, reprs, log lines.
        request_id: Of the request.
        events: What the observers were told of it.
        verdict: Of the stream.
    """

    plan: RequestPlan
    began: float = 0.0
    segments: list[Segment] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    error: RouterError | None = None
    waits: list[tuple[float, float]] = field(default_factory=list)
    open_at_commit: int | None = None
    open_at_switch: int = 0
    open_at_end: int = 0
    shown: list[str] = field(default_factory=list)
    request_id: str = ""
    events: list[tuple[float, Event]] = field(default_factory=list)
    verdict: str | None = None


@dataclass
class World:
    """A plan, and what came of it."""

    plan: Plan
    book: Book
    told: list[Told]
    adapters: list[Adapter] = field(default_factory=list)
    stray: list[Event] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    closed_at: float | None = None
    tasks_left: int = 0
    never_ended: list[str] = field(default_factory=list)
    by_id: dict[str, Told] = field(default_factory=dict)
    asking: Told | None = None

    def observe(self, event: Event) -> None:
        """Write an event to its request; the start of one is told while its reader asks."""
        if isinstance(event, RequestStarted) and self.asking is not None:
            self.asking.request_id = event.request_id
            self.by_id[event.request_id] = self.asking
        told = self.by_id.get(getattr(event, "request_id", None) or "")
        if told is None:
            self.stray.append(event)
            return
        told.events.append((anyio.current_time(), event))
        if type(event).__name__ == "RequestEnded":
            told.open_at_end = self.book.open_for(told.plan.number)


def real(world: World) -> Client:
    """Return the router itself."""
    plan = world.plan
    return Router(
        world.adapters,
        retry=plan.policy,
        breaker=plan.breaker,
        strategy=plan.strategy,
        on_interruption=plan.interruption,
        observers=[world.observe],
        random_source=random.Random(plan.seed),
    )


async def play(plan: Plan, make: Callable[[World], Client]) -> World:
    """Play the plan to its end."""
    book = Book(plan)
    world = World(plan, book, [Told(request) for request in plan.requests])
    world.adapters = [Chat(p, book) if p.kind == "chat" else wire_adapter(p, book) for p in plan.providers]
    router = make(world)
    before = len(anyio.get_running_tasks())
    async with anyio.create_task_group() as tasks:
        for told in world.told:
            tasks.start_soon(_reader, world, router, told)
        if plan.close_at is not None:
            tasks.start_soon(_closer, world, router, plan.close_at)
    _look_at(world, router)
    await router.aclose()
    world.tasks_left = len(anyio.get_running_tasks()) - before
    return world


def _look_at(world: World, router: Any) -> None:
    world.shown.append(repr(router))
    world.shown += [repr(adapter) for adapter in world.adapters]
    if isinstance(router, Router):
        report = router.health()
        world.shown += [repr(report), repr(report.as_dict())]


async def _closer(world: World, router: Client, at: float) -> None:
    await anyio.sleep(at)
    world.closed_at = anyio.current_time()
    await router.aclose()


async def _reader(world: World, router: Client, told: Told) -> None:
    await anyio.sleep(told.plan.at)
    told.began = anyio.current_time()
    end = float("inf") if told.plan.cancel_after is None else told.began + told.plan.cancel_after
    with anyio.CancelScope(deadline=end) as scope:
        try:
            await _ask(world, router, told)
        except (AllProvidersFailed, RequestAborted, StreamInterrupted) as error:
            told.error = error
            told.endings.append(type(error).__name__)
            told.shown += [str(error), repr(error), *_chain(error)]
        except anyio.ClosedResourceError:
            told.endings.append("closed")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
            told.endings.append(f"foreign: {error!r}")
    if scope.cancelled_caught:
        told.endings.append("cancelled")


def _chain(error: BaseException) -> list[str]:
    texts, cause = [], error.__cause__
    while cause is not None:
        texts += [repr(cause), str(cause)]
        cause = cause.__cause__
    return texts


async def _timed(told: Told, call: Awaitable[Any]) -> Any:
    began = anyio.current_time()
    try:
        return await call
    finally:
        told.waits.append((began, anyio.current_time()))


async def _ask(world: World, router: Client, told: Told) -> None:
    messages = [{"role": "user", "content": told.plan.prompt}]
    world.asking = told
    asked = router.stream(messages, providers=told.plan.providers, timeouts=told.plan.timeouts)
    stream = await _timed(told, asked)
    told.open_at_commit = world.book.open_for(told.plan.number)
    _begin(world, told, stream.provider, "first")
    async with anyio.create_task_group() as tasks:
        try:
            if told.plan.close_after is not None:
                tasks.start_soon(_close_later, told, stream)
            await _read(world, told, stream)
        except (StreamInterrupted, anyio.ClosedResourceError) as error:
            raised: Exception | None = error
        else:
            raised = None
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await _timed(told, stream.aclose())
            told.verdict = stream.verdict
            told.shown.append(repr(stream))
    if raised is not None:
        raise raised


async def _close_later(told: Told, stream: Any) -> None:
    await anyio.sleep(told.plan.close_after or 0.0)
    await stream.aclose()


async def _read(world: World, told: Told, stream: Any) -> None:
    plan, count = told.plan, 0
    while plan.leave_after is None or count < plan.leave_after:
        try:
            delta: Delta = await _timed(told, stream.receive())
        except anyio.EndOfStream:
            told.endings.append("complete")
            return
        if delta.switch is not None:
            _switch(world, told, delta.switch)
        told.segments[-1].text += delta.text
        await anyio.sleep(plan.pauses[count % len(plan.pauses)])
        count += 1
    told.endings.append("closed")
    await _timed(told, stream.aclose())


def _switch(world: World, told: Told, switch: Switch) -> None:
    if switch.left != told.segments[-1].provider:
        told.endings.append(f"foreign: the mark says {switch.left} left")
    told.open_at_switch = max(told.open_at_switch, world.book.open_for(told.plan.number))
    _begin(world, told, switch.taken_by, switch.kind)


def _begin(world: World, told: Told, provider: str, kind: str) -> None:
    calls = [call for call in world.book.of(told.plan.number) if call.provider == provider]
    told.segments.append(Segment(provider, calls[-1] if calls else None, kind))


def unraisable(found: list[str]) -> Callable[[Any], None]:
    """Return a hook for what Python cannot raise, generators never closed above all."""

    def hook(what: Any) -> None:
        found.append(f"{what.err_msg or 'unraisable'}: {what.exc_value!r}")

    return hook


def hooked(found: list[str]) -> Any:
    previous, sys.unraisablehook = sys.unraisablehook, unraisable(found)
    return previous
