"""What a router has in flight, and its closing: requests, checks and open streams end, then the adapters.

Many things are closed side by side, so that one slow clean-up does not hold up the others.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from typing import TYPE_CHECKING, Final

import anyio

from router.events import without_frames
from router.reply.event_loop import EventLoop
from router.request.work import Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import FrameType

    from adapters.contract import Adapter
    from router.events import Event
    from router.reply.stream import ReplyStream

_PACKAGE: Final = __name__.partition(".")[0]


class InFlight:
    """Work and streams of one router.

    Attributes:
        closed: Whether the router was closed.
        loop: The event loop that it belongs to, from its first use on.
        clock: Returns the time on the event loop's clock.

    Args:
        clock: Does so in whatever event loop.
    """

    __slots__ = ("_idle", "_made_at", "_over", "_streams", "_works", "clock", "closed", "loop")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.closed = False
        self.clock = clock
        self.loop: EventLoop | None = None
        self._made_at = _caller()
        self._over: anyio.Event | None = None
        self._works: set[Work] = set()
        self._idle: anyio.Event | None = None
        # By id; a dropped one warns by itself. A `WeakSet` costs four times as much.
        self._streams: dict[int, weakref.ref[ReplyStream]] = {}

    def open(self) -> EventLoop:
        """Look whether there may be work: not after `close()`, and in one event loop only; return the loop.

        Raises:
            anyio.ClosedResourceError: The router was closed.
            RuntimeError: This is another event loop.
        """
        if self.closed:
            raise anyio.ClosedResourceError("the router is closed; make a new one")
        if self.loop is None:
            self.loop = EventLoop()
            self.clock = self.loop.clock(self.clock)
        elif not self.loop.is_running_here:
            self.stay_in_loop()
        return self.loop

    def stay_in_loop(self) -> None:
        """Refuse another event loop than that of the first use: clocks, slots and connections are of that.

        Raises:
            RuntimeError: This is another one; the message says what to do.
        """
        if self.loop is None or self.loop.is_running_here:
            return
        if self.loop.is_gone:
            raise RuntimeError(
                "this router belongs to another event loop, which is gone; make a new router here, which may "
                "have the same adapters"
            )
        raise RuntimeError(
            "this router belongs to another event loop, which still runs; use it there, and make another "
            "router with adapters of its own for this one"
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing can run here any more: the router was closed, or its event loop is gone."""
        return self.closed or (self.loop is not None and self.loop.is_gone)

    def work(self) -> Work:
        """Return what runs a block that `close()` may cancel; it raises `anyio.ClosedResourceError` then."""
        return Work(self)

    def begun(self, work: Work) -> None:
        """Note work that `close()` has to cancel."""
        self._works.add(work)

    def ended(self, work: Work) -> None:
        """Note that work has ended."""
        self._works.discard(work)
        if self._idle is not None and not self._works:
            self._idle.set()

    def now(self) -> float:
        """Return the time on the clock of the router's event loop, or of that which runs here."""
        return self.clock()

    def add(self, stream: ReplyStream) -> None:
        """Note a stream that `close()` has to close."""
        self._streams[id(stream)] = weakref.ref(stream)

    def left(self, stream: ReplyStream) -> None:
        """Note that a stream has ended."""
        self._streams.pop(id(stream), None)

    def _open_streams(self) -> list[ReplyStream]:
        return [each for ref in list(self._streams.values()) if (each := ref()) is not None]

    def ownership_of(self, router: Callable[[], object | None]) -> Callable[[], object | None]:
        """Return what adapters know of their router: itself, as long as it lives and can use them.

        Args:
            router: A weak reference to it.
        """
        return lambda: None if self.is_over else router()

    def dropped(self, router: object, adapters: Sequence[Adapter]) -> None:
        """Warn of a router that is collected as garbage with open connections, since it was not closed."""
        left = 0 if self.closed or self.loop is None else sum(each.open_connections for each in adapters)
        if left:
            # Where it was dropped is some line of the event loop; where it was made is the one to change.
            file, line = self._made_at
            warnings.warn_explicit(
                f"{router!r} was dropped without being closed; open connections: {left}; "
                "use `async with Router(…) as router:`, or call aclose()",
                ResourceWarning,
                file,
                line,
                source=router,
            )

    async def close_once(self, close: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Run `close` to its end, once; every caller waits for it, at most so long.

        It runs in a task of its own, so that asyncio's own cancellation of a task, which no shield stops,
        does not end it half-way; the cancellation follows.
        """
        first, self._over = self._over is None, self._over or anyio.Event()
        over = self._over

        async def run() -> None:
            with anyio.move_on_after(seconds, shield=True):
                if not first:
                    await over.wait()
                    return
                try:
                    await close()
                finally:
                    over.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)

    async def close(self, seconds: float) -> None:
        """End all work and close all streams, shielded, waiting at most so long."""
        self.closed = True
        if self.loop is not None and not self.loop.is_running_here:
            return  # it is gone, and what was in flight with it
        with anyio.move_on_after(seconds, shield=True):
            if self._works:
                self._idle = anyio.Event()
                for work in list(self._works):
                    work.cancel()
            await close_streams(self._open_streams())
            if self._idle is not None:
                await self._idle.wait()

    def __repr__(self) -> str:
        streams = sum(stream.verdict is None for stream in self._open_streams())
        return "closed" if self.closed else f"{len(self._works)} opening, {streams} streams"


async def close_streams(streams: Sequence[ReplyStream]) -> None:
    """Close all streams; each bounds its own closing."""
    async with anyio.create_task_group() as tasks:
        for stream in streams:
            tasks.start_soon(stream.close_by, "its router was closed (Router.aclose)")


async def close_adapters(adapters: Sequence[Adapter], seconds: float, tell: Callable[[Event], None]) -> None:
    """Close all adapters: shielded, each bounded, its failure only reported."""

    async def close(adapter: Adapter) -> None:
        with anyio.move_on_after(seconds, shield=True) as scope:
            try:
                await adapter.aclose()
            except Exception as error:  # noqa: BLE001 - a failing clean-up must not hinder the others
                _tell_failed(adapter, error, tell)
        if scope.cancelled_caught:
            text = f"the adapter was not closed after {seconds:g} s (Timeouts.close)"
            _tell_failed(adapter, TimeoutError(text), tell)

    async with anyio.create_task_group() as tasks:
        for adapter in adapters:
            tasks.start_soon(close, adapter)


def _caller() -> tuple[str, int]:
    """Return file and line of the code that makes a router: the nearest frame outside of this package."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - a look at the stack costs what a traceback saves
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] != _PACKAGE:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return __file__, 1


def _tell_failed(adapter: Adapter, error: Exception, tell: Callable[[Event], None]) -> None:
    from router.rare_events import CleanUpFailed  # not in `import router`: few programs meet one

    tell(CleanUpFailed(None, adapter.name, without_frames(error)))
