"""What a router has in flight, and its closing: requests, checks and open streams end, then the adapters.

Many things are closed side by side, so that one slow clean-up does not hold up the others.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from router.events import CleanUpFailed, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.contract import Adapter
    from router.events import Event
    from router.reply.stream import ReplyStream


class InFlight:
    """Work and streams of one router.

    Attributes:
        closed: Whether the router was closed.
    """

    __slots__ = ("_idle", "_loop", "_scopes", "_streams", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._loop: EventLoopToken | None = None
        self._scopes: set[anyio.CancelScope] = set()
        self._idle: anyio.Event | None = None
        self._streams: weakref.WeakSet[ReplyStream] = weakref.WeakSet()  # a dropped one warns by itself

    def open(self) -> None:
        """Look whether there may be work: not after `close()`, and in one event loop only.

        Raises:
            anyio.ClosedResourceError: The router was closed.
            RuntimeError: This is another event loop.
        """
        if self.closed:
            raise anyio.ClosedResourceError("the router is closed; make a new one")
        token = current_token()
        if self._loop is None:
            self._loop = token
        elif self._loop != token:
            raise RuntimeError("this router belongs to another event loop; make one router for each")

    @contextmanager
    def work(self) -> Iterator[None]:
        """Run a block that `close()` may cancel; it raises `anyio.ClosedResourceError` then."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)
                if self._idle is not None and not self._scopes:
                    self._idle.set()
        if scope.cancelled_caught:
            raise anyio.ClosedResourceError("the router was closed meanwhile")

    def add(self, stream: ReplyStream) -> None:
        """Note a stream that `close()` has to close."""
        self._streams.add(stream)

    async def close(self, seconds: float) -> None:
        """End all work and close all streams, shielded, waiting at most so long."""
        self.closed = True
        with anyio.move_on_after(seconds, shield=True):
            if self._scopes:
                self._idle = anyio.Event()
                for scope in list(self._scopes):
                    scope.cancel()
            await close_streams(list(self._streams))
            if self._idle is not None:
                await self._idle.wait()

    def __repr__(self) -> str:
        streams = sum(stream.verdict is None for stream in self._streams)
        return "closed" if self.closed else f"{len(self._scopes)} opening, {streams} streams"


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
                tell(CleanUpFailed(None, adapter.name, without_frames(error)))
        if scope.cancelled_caught:
            text = f"the adapter was not closed after {seconds:g} s (Timeouts.close)"
            tell(CleanUpFailed(None, adapter.name, TimeoutError(text)))

    async with anyio.create_task_group() as tasks:
        for adapter in adapters:
            tasks.start_soon(close, adapter)
