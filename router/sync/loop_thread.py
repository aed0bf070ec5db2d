"""An event loop in a thread of its own, and calls into it that a Ctrl-C ends as cleanly as a cancellation.

The thread starts on first use, and is a daemon: it never keeps a process alive. A process that is forked from
this one has no such thread; there it starts again, on first use.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
import warnings
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

import anyio
from anyio.lowlevel import current_token
from sniffio import current_async_library_cvar

from router.reply.event_loop import EventLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from anyio.abc import TaskGroup

T = TypeVar("T")
Backend: TypeAlias = Literal["asyncio", "trio"]
BACKENDS: Final = ("asyncio", "trio")
_LOOK: Final = 0.5  # seconds between two looks whether the thread lives; Windows sees a Ctrl-C then, too
_JOIN: Final = 2.0  # seconds for the event loop to end, once nothing runs in it


class Job(Generic[T]):
    """One call in the event loop, waited for by a thread outside."""

    __slots__ = ("_is_unwanted", "_loop", "_scope", "error", "is_over", "over", "result")

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._scope: anyio.CancelScope | None = None
        self._is_unwanted = False
        self.over = threading.Event()
        self.is_over = False  # with a result, or with an error
        self.result: T
        self.error: Exception | None = None

    async def run(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> None:
        """Await what the function returns."""
        try:
            with anyio.CancelScope() as self._scope:
                if self._is_unwanted:
                    return
                self.result = await function(*arguments)
                self.is_over = True
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            self.error, self.is_over = error.with_traceback(_below(error.__traceback__)), True
        finally:
            self.over.set()

    def cancel(self) -> None:
        """Cancel the call, from whatever thread, also where it has not begun."""
        self._is_unwanted = True
        if self._scope is not None:
            self._loop.run_soon(self._scope.cancel)


def _below(trace: TracebackType | None) -> TracebackType | None:
    return None if trace is None else trace.tb_next


class Running:
    """What a running thread has.

    anyio's blocking portal would do, but on trio it refuses a caller that runs an event loop of trio itself,
    and each call waits twice for the thread: once until it has begun.

    Attributes:
        loop: Its event loop.
        tasks: All that runs in it.
        stopping: Set to end it.
    """

    __slots__ = ("_backend", "_context", "loop", "stopping", "tasks")

    def __init__(self, tasks: TaskGroup, backend: Backend) -> None:
        self.loop = EventLoop()
        self.tasks = tasks
        self.stopping = anyio.Event()
        self._backend = backend
        self._context = contextvars.copy_context()

    def begin(self, job: Job[Any], function: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        """Begin a job in the context of the caller; where the event loop has ended, it is over at once."""
        context = contextvars.copy_context()

        def begin() -> None:
            try:
                context.run(enter)
            except RuntimeError:  # the tasks have ended
                job.over.set()

        def enter() -> None:
            # The caller may run an event loop of its own, whose name stands in its context.
            current_async_library_cvar.set(self._backend)
            self.tasks.start_soon(job.run, function, *arguments)

        if not self.loop.run_soon(begin):
            job.over.set()

    def soon(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run `function` in the event loop and do not wait: the collector of garbage may call this."""
        self.loop.run_soon(lambda: self._context.run(lambda: self.tasks.start_soon(function)))


class LoopThread:
    """A thread with an event loop.

    Args:
        backend: asyncio or trio.
        closing: Closes what runs in the loop; for a process that ends without closing it.
        seconds: How long that may take.

    Raises:
        ValueError: There is no such backend.
    """

    def __init__(self, backend: Backend, closing: Callable[[], Awaitable[None]], seconds: float) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"backend is {backend!r}; it must be one of {', '.join(BACKENDS)}")
        self._backend = backend
        self._closing = closing
        self._seconds = seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running: Running | None = None
        self.closed = False
        self.was_left_behind = False  # by a fork

    @property
    def is_running(self) -> bool:
        """Whether the thread was started and not stopped, in this process."""
        return self._running is not None

    @property
    def stops_another_loop(self) -> bool:
        """Whether a call from this thread stops an event loop of the caller that is not meant to wait.

        The event loop of a notebook waits for each of its cells, so that one that blocks is nothing special.
        """
        if self._running is not None and self._running.loop.in_its_thread:
            return False  # which is refused
        try:
            current_token()
        except RuntimeError:
            return False
        notebook = sys.modules.get("IPython")
        return notebook is None or notebook.get_ipython() is None

    def refuse_closed(self) -> None:
        """Raise where the thread was stopped.

        Raises:
            anyio.ClosedResourceError: It was.
        """
        if self.closed:
            raise anyio.ClosedResourceError("the router is closed; make a new one")

    def running(self) -> Running:
        """Return what the thread has; start it on first use.

        Raises:
            anyio.ClosedResourceError: It was stopped.
        """
        running = self._running
        if running is not None:
            return running
        with self._lock:
            self.refuse_closed()
            if self._running is None:
                started: Future[Running] = Future()
                self._thread = threading.Thread(
                    target=self._serve, args=(started,), name="chat-router", daemon=True
                )
                self._thread.start()
                self._running = started.result()
                _started.add(self)
            return self._running

    def _serve(self, started: Future[Running]) -> None:
        async def serve() -> None:
            async with anyio.create_task_group() as tasks:
                running = Running(tasks, self._backend)
                started.set_result(running)
                await running.stopping.wait()
                tasks.cancel_scope.cancel()

        try:
            anyio.run(serve, backend=self._backend)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # trio is not installed, for instance

    def call(
        self,
        function: Callable[..., Awaitable[T]],
        *arguments: Any,
        undo: Callable[[T], Awaitable[object]] | None = None,
    ) -> T:
        """Return what an asynchronous function returns, run in the event loop, in the context of the caller.

        A KeyboardInterrupt, or whatever a handler of a signal raises here, cancels the call; it goes on once
        the call has cleaned up.

        Args:
            function: To call and await.
            arguments: Of it.
            undo: Called in the event loop with a result that came, but could not be handed over.

        Raises:
            Exception: What the function raises.
            anyio.ClosedResourceError: The thread was stopped, here or meanwhile.
            RuntimeError: This is the thread of the event loop itself, which would wait for itself.
        """
        running = self.running()
        if running.loop.in_its_thread:
            raise RuntimeError(
                "a blocking call of SyncRouter inside its own event loop would wait for itself; observers, "
                "validators and on_report run there: hand the work to another thread"
            )
        job: Job[T] = Job(running.loop)
        try:
            running.begin(job, function, *arguments)
            self._wait(job)
        except BaseException:  # a handler of a signal raises what it likes, such as a worker's timeout
            self._leave(running, job, undo)
            raise
        if job.error is not None:
            try:
                raise job.error
            finally:
                del job  # or the frame and the error would keep each other alive
        if not job.is_over:
            raise anyio.ClosedResourceError("the router was closed meanwhile")
        return job.result

    def _wait(self, job: Job[T]) -> None:
        thread = self._thread
        while not job.over.wait(_LOOK):
            if thread is None or not thread.is_alive():
                return

    def _leave(self, running: Running, job: Job[T], undo: Callable[[T], Awaitable[object]] | None) -> None:
        """Cancel a call and wait, at most so long, until it has cleaned up; another Ctrl-C ends the wait."""
        job.cancel()
        if not job.over.wait(self._seconds) or not job.is_over or job.error is not None or undo is None:
            return
        undoing: Job[object] = Job(running.loop)
        running.begin(undoing, undo, job.result)
        undoing.over.wait(self._seconds)

    def soon(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run `function` in the event loop without waiting for it; nothing happens where that has ended."""
        if self._running is not None:
            self._running.soon(function)

    def stop(self) -> None:
        """Close what runs, end the event loop, and wait for the thread; idempotent."""
        with self._lock:
            if self.closed and self._running is None:
                return
        try:
            self.call(self._closing)
        finally:
            with self._lock:
                self.closed = True
                running, self._running = self._running, None
            _started.discard(self)
            if running is not None:
                running.loop.run_soon(running.stopping.set)
                if self._thread is not None:
                    self._thread.join(_JOIN)

    def abandon(self) -> None:
        """Close what runs and end the event loop, without waiting: the collector of garbage calls this."""
        running, self._running, self.closed = self._running, None, True
        _started.discard(self)
        if running is None:
            return

        async def close() -> None:
            try:
                await self._closing()
            finally:
                running.stopping.set()

        running.soon(close)

    def at_exit(self) -> None:
        """Close what runs, with a warning; the interpreter is about to end."""
        warnings.warn(
            "a SyncRouter was not closed before the program ended; use `with SyncRouter(…) as router:`, or "
            "call close()",
            ResourceWarning,
            stacklevel=1,
        )
        running, self._running, self.closed = self._running, None, True
        if running is None:
            return
        job: Job[None] = Job(running.loop)
        running.begin(job, self._closing)
        job.over.wait(self._seconds)

    def forget(self) -> None:
        """Have no thread: this is a process forked from the one in which it runs."""
        self._lock = threading.Lock()  # another thread may have held it
        self._thread = self._running = None
        self.closed = self.was_left_behind = True


_started: weakref.WeakSet[LoopThread] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for each in list(_started):
        each.at_exit()


def _forget_all() -> None:
    for each in list(_started):
        each.forget()
    _started.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
