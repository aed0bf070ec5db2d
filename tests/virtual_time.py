"""Time that passes only when nobody has anything to do: an hour of sleep takes no time, on both backends.

A module whose tests are to run on virtual time says so with one import; `sockets` is for tests with peers:

    from tests.virtual_time import anyio_backend
    from tests.virtual_time import anyio_backend_with_sockets as anyio_backend

Every test gets a clock or loop of its own, which starts at 0. Tests of hypothesis are plain functions that
run their coroutine with `run_virtual`, which makes a fresh one for each example.

How it works: when every task waits, real I/O is polled first; if nothing is ready, the time is set to the
next deadline. Its limits:

1. Only what happens in the same event loop counts as something to do. A worker thread, a name lookup and
   another process are invisible: time jumps while they work. So: numeric addresses, and both ends of a
   connection in the same loop.
2. Data between two sockets of this machine may still be on its way when everybody waits. Linux delivers
   loopback data before `send` returns, nearly always; with `sockets`, a jump needs `QUIET` real seconds
   without I/O before it, which costs as much per jump.
3. When nothing is scheduled at all and no I/O comes for `PATIENCE` real seconds, nothing ever would. On
   asyncio `NothingScheduled` is raised; trio cannot be interrupted from within, so the test is cancelled with
   the same words as the reason (`run_virtual` raises the error). What waits in a shield for ever is ended by
   the timeout of pytest.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, Unpack

import anyio
import pytest
import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Context

BACKENDS: Final = ("asyncio", "trio")
QUIET: Final = 0.003
"""Real seconds without I/O before a jump, where sockets are in play."""
PATIENCE: Final = 1.0
"""Real seconds to wait for I/O when nothing at all is scheduled."""

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class NothingScheduled(RuntimeError):
    """Every task waits for an event that no task, timer or socket will bring."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the test hangs: at {seconds:.3f} s of virtual time every task waits, no deadline is set and no "
            "I/O comes; look for an event that is never set or a stream that is never closed"
        )


class _JumpingSelector(selectors.DefaultSelector):
    """Polls I/O, and moves its time on instead of waiting."""

    def __init__(self, quiet: float, patience: float) -> None:
        super().__init__()
        self.now = 0.0
        self._quiet = quiet
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(self._patience)
            if not ready:
                raise NothingScheduled(self.now)
            return ready
        if self._quiet:
            ready = super().select(self._quiet)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio whose time is virtual.

    Args:
        quiet: Real seconds without I/O before the time jumps.
        patience: Real seconds to wait for I/O when nothing is scheduled, before `NothingScheduled` is raised.
    """

    def __init__(self, quiet: float = 0.0, patience: float = PATIENCE) -> None:
        self._jumping = _JumpingSelector(quiet, patience)
        self._never: list[asyncio.TimerHandle] = []
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Arguments]], object],
        *args: Unpack[Arguments],
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        if when < math.inf:
            return super().call_at(when, callback, *args, context=context)
        # `anyio.sleep_forever` sets a timer for the end of time, and the loop would jump there day by day.
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._never.append(handle)  # as long as the loop lives, so does what sleeps
        return handle


class Watch(trio.abc.Instrument):
    """Cancels the main task of a trio run, with the reason, when nothing is scheduled any more.

    Args:
        patience: Real seconds to wait for I/O when nothing is scheduled.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.found: NothingScheduled | None = None
        self._patience = patience
        self._main: trio.lowlevel.Task | None = None
        self._idle_since: float | None = None

    def before_run(self) -> None:
        self._main = self._idle_since = self.found = None

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        if self._main is None and task.parent_nursery is not None:  # trio's own first task has no parent
            self._main = task

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._idle_since = None

    def before_io_wait(self, timeout: float) -> None:
        statistics = trio.lowlevel.current_statistics()
        if statistics.tasks_runnable or statistics.seconds_to_next_deadline != math.inf:
            return
        now = time.perf_counter()
        if self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > self._patience and self.found is None:
            self.found = NothingScheduled(trio.current_time())
            # Only a task can cancel, and here none runs; trio's own task for such calls does.
            trio.lowlevel.current_trio_token().run_sync_soon(self._cancel)

    def _cancel(self) -> None:
        if self._main is not None and self._main.parent_nursery is not None:
            self._main.parent_nursery.cancel_scope.cancel(reason=str(self.found))


def virtual_backend(
    backend: str, *, sockets: bool = False, patience: float = PATIENCE
) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of `backend` on virtual time, with a fresh loop or clock."""
    quiet = QUIET if sockets else 0.0
    if backend == "asyncio":
        return backend, {"loop_factory": lambda: VirtualLoop(quiet, patience)}
    if backend == "trio":
        clock = trio.testing.MockClock(autojump_threshold=quiet)
        return backend, {"clock": clock, "instruments": [Watch(patience)]}
    raise ValueError(f"there is no backend {backend!r}; allowed are {', '.join(BACKENDS)}")


def run_virtual(
    async_fn: Callable[..., Awaitable[T]],
    backend: str,
    *args: Any,
    sockets: bool = False,
    patience: float = PATIENCE,
) -> T:
    """Run `async_fn(*args)` to its end on virtual time, and return what it returns.

    Args:
        async_fn: What to run.
        backend: asyncio or trio.
        args: Its arguments.
        sockets: Whether real sockets are in play.
        patience: Real seconds to wait for I/O when nothing is scheduled.

    Raises:
        NothingScheduled: The run would hang.
    """
    name, options = virtual_backend(backend, sockets=sockets, patience=patience)
    try:
        return anyio.run(async_fn, *args, backend=name, backend_options=options)
    except trio.Cancelled as error:
        found = next((w.found for w in options.get("instruments", ()) if w.found), None)
        if found is None:
            raise
        raise found from error


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Runs every async test of the module that imports this on both backends, on virtual time."""
    return virtual_backend(request.param)


@pytest.fixture(params=BACKENDS)
def anyio_backend_with_sockets(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """As `anyio_backend`, for tests with sockets of this machine."""
    return virtual_backend(request.param, sockets=True)
