"""Strikes at a moment of a request, so many steps behind a time on the clock, and looks what is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from adapters.scripted import ScriptedAdapter
from router import AttemptEnded, AttemptStarted, RequestEnded, RequestStarted
from tests.router.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from adapters import ChatRequest, Delta
    from router import Router

STEPS = range(6)
"""Checkpoints behind a moment, in which those that are due take turns."""


class Kept(ScriptedAdapter):
    """Keeps its generators, so that nobody but the router closes them: no garbage collector does."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._kept: list[AsyncGenerator[Delta, None]] = []

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self._kept.append(super().stream(request))
        return self._kept[-1]


def clean(adapters: Iterable[ScriptedAdapter]) -> None:
    """Whatever was opened at a provider is closed and deleted."""
    for adapter in adapters:
        assert (adapter.opened, frozenset()) == (adapter.closed, adapter.leftovers), adapter.name


def all_places_free(router: Router) -> None:
    """Whoever took a place at a provider gave it back."""
    for places in router._slots.values():
        assert places._semaphore is None or places._semaphore.value == places.limit, places


def consistent(seen: Recorder) -> None:
    """The events of one request agree: numbers, starts and ends of attempts, one end."""
    (end,), ledger = seen.of(RequestEnded), seen.ledger
    tried = [attempt.number for attempt in ledger if attempt.outcome != "skipped"]
    assert len(seen.of(RequestStarted)) == 1
    assert list(end.attempts) == ledger
    assert sorted(attempt.number for attempt in ledger) == list(range(1, len(ledger) + 1))
    assert sorted(tried) == sorted(started.number for started in seen.of(AttemptStarted))
    names = {started.number: (started.provider, started.round) for started in seen.of(AttemptStarted)}
    for attempt in ledger:
        if attempt.outcome != "skipped":
            assert names[attempt.number] == (attempt.provider, attempt.round)
    kinds = [event for event in seen.events if isinstance(event, AttemptEnded | RequestEnded)]
    assert isinstance(kinds[-1], RequestEnded)


@dataclass
class Struck:
    """A run that was struck, and what became of it."""

    seen: Recorder = field(default_factory=Recorder)
    result: str | None = None
    error: Exception | None = None
    seconds: float = 0.0

    @property
    def left(self) -> bool:
        """Whether it ended neither with a result nor with an error: it was cancelled."""
        return self.result is None and self.error is None


async def struck(
    use: Callable[[Struck], Awaitable[None]],
    moment: float,
    steps: int,
    act: Callable[[anyio.CancelScope], Awaitable[None]],
) -> Struck:
    """Run `use`, and `act` beside it `steps` checkpoints behind `moment`; return what became of it.

    Args:
        use: Makes a request; keeps its result or error.
        moment: Seconds.
        steps: Checkpoints.
        act: Given the scope of `use`.
    """
    run = Struck()
    before = len(anyio.get_running_tasks())
    scope = anyio.CancelScope()

    async def used() -> None:
        with scope:
            await use(run)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(used)
        await anyio.sleep(moment)
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        await act(scope)
    run.seconds = anyio.current_time()
    assert len(anyio.get_running_tasks()) == before, "a task was left"
    return run
