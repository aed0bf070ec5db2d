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
3. When nothing is scheduled at all and no I/O comes for `PATIENCE` real seconds, nothing ever would. The
   test is cancelled then, and fails with `NothingScheduled`. What even so waits in a shield for ever, on
   trio, is ended by the timeout of pytest.
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
PATIENCE: Final = 5.0
"""Real seconds to wait for I/O when nothing at all is scheduled; a disk that is busy takes over one."""

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class NothingScheduled(RuntimeError):
    """Every task waits for an event that no task, timer or socket will bring."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the test hangs: at {seconds:.3f} s of virtual time every task waits, no deadline is set and no "
            "I/O comes; look for an event that is never set or a stream that is never closed"
        )


class Watch(trio.abc.Instrument):
    """Ends a test that would hang: cancels the scope around it, and keeps the error to raise.

    Args:
        patience: Real seconds to wait for I/O when nothing is scheduled.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.found: NothingScheduled | None = None
        self._scope: anyio.CancelScope | None = None
        self._idle_since: float | None = None

    async def around(self, async_fn: Callable[..., Awaitable[T]], *args: Any, **keywords: Any) -> T:
        """Run `async_fn`, and raise `NothingScheduled` where it was cancelled for that."""
        self.found = None
        try:
            with anyio.CancelScope() as self._scope:
                return await async_fn(*args, **keywords)
        finally:
            self._scope = None
        assert self.found is not None  # nobody else knows the scope
        raise self.found

    def strike(self, now: float) -> bool:
        """Cancel the scope, once; called in the event loop. False where there is none to cancel."""
        if self._scope is None or self.found is not None:
            return False
        self.found = NothingScheduled(now)
        self._scope.cancel()
        return True

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._idle_since = None

    def before_io_wait(self, timeout: float) -> None:
        statistics = trio.lowlevel.current_statistics()
        if statistics.tasks_runnable or statistics.seconds_to_next_deadline != math.inf:
            return
        now = time.perf_counter()
        if self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > self.patience:
            self._idle_since = None
            # Only a task can cancel, and here none runs; trio has a task of its own for such calls.
            trio.lowlevel.current_trio_token().run_sync_soon(self.strike, trio.current_time())


class _JumpingSelector(selectors.DefaultSelector):
    """Polls I/O, and moves its time on instead of waiting."""

    def __init__(self, quiet: float, watch: Watch) -> None:
        super().__init__()
        self.now = 0.0
        self._quiet = quiet
        self._watch = watch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(self._watch.patience)
            if not ready and not self._watch.strike(self.now):
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
        watch: Told when nothing is scheduled any more.
    """

    def __init__(self, quiet: float, watch: Watch) -> None:
        self._jumping = _JumpingSelector(quiet, watch)
        self._never: list[asyncio.TimerHandle] = []
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Arguments]], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        if when < math.inf:
            return super().call_at(when, callback, *args, context=context)
        # `anyio.sleep_forever` sets a timer for the end of time, and the loop would jump there day by day.
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._never.append(handle)  # as long as the loop lives, so does what sleeps
        return handle


class VirtualBackend(tuple[str, dict[str, Any]]):
    """A backend as anyio wants it, name and options, with a fresh clock or loop, and its watch.

    Args:
        backend: asyncio or trio.
        sockets: Whether real sockets are in play.
        patience: Real seconds to wait for I/O when nothing is scheduled.
    """

    watch: Watch

    def __new__(cls, backend: str, *, sockets: bool = False, patience: float = PATIENCE) -> VirtualBackend:
        quiet = QUIET if sockets else 0.0
        watch = Watch(patience)
        options: dict[str, Any]
        if backend == "asyncio":
            options = {"loop_factory": lambda: VirtualLoop(quiet, watch)}
        elif backend == "trio":
            clock = trio.testing.MockClock(autojump_threshold=quiet)
            options = {"clock": clock, "instruments": [watch]}
        else:
            raise ValueError(f"there is no backend {backend!r}; allowed are {', '.join(BACKENDS)}")
        made = super().__new__(cls, (backend, options))
        made.watch = watch
        return made


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
    virtual = VirtualBackend(backend, sockets=sockets, patience=patience)
    return anyio.run(virtual.watch.around, async_fn, *args, backend=virtual[0], backend_options=virtual[1])


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> VirtualBackend:
    """Runs every async test of the module that imports this on both backends, on virtual time."""
    return VirtualBackend(request.param)


@pytest.fixture(params=BACKENDS)
def anyio_backend_with_sockets(request: pytest.FixtureRequest) -> VirtualBackend:
    """As `anyio_backend`, for tests with sockets of this machine."""
    return VirtualBackend(request.param, sockets=True)
