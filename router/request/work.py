"""Work that the closing of a router cancels: a request up to its commit, a round of probes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import anyio

if TYPE_CHECKING:
    from types import TracebackType

    from router.reply.event_loop import EventLoop


class Register(Protocol):
    """Knows what of one router is under way."""

    loop: EventLoop | None

    def begun(self, work: Work, /) -> None:
        """Note work that closing the router has to cancel."""

    def ended(self, work: Work, /) -> None:
        """Note that work has ended."""

    def left(self, stream: Any, /) -> None:
        """Note that a stream has ended, which came of work."""


class Work:
    """Work that the closing of its router cancels, as a context manager.

    A scope costs some microseconds, and most requests wait in one attempt only, whose scope serves for this
    too. So a scope of its own is entered where `guard` is called: before any other wait.

    Args:
        register: Where it stands as long as it runs.
        guarded: Whether it is guarded from its beginning to its end.
    """

    __slots__ = ("_attempt", "_cancelled", "_guarded", "_register", "_scope", "_under_way")

    def __init__(self, register: Register, guarded: bool = True) -> None:
        self._register = register
        self._guarded = guarded
        self._under_way = False
        self._cancelled = False
        self._scope: anyio.CancelScope | None = None
        self._attempt: anyio.CancelScope | None = None

    def __enter__(self) -> Work:
        self._under_way = True
        self._register.begun(self)
        if self._guarded:
            self.guard()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._register.ended(self)
        self._under_way = False
        self._attempt = None
        if self._scope is not None:
            self._scope.__exit__(kind, error, trace)
            if self._scope.cancelled_caught:
                raise anyio.ClosedResourceError("the router was closed meanwhile") from None

    def left(self, stream: Any) -> None:
        """Note that the stream that came of it has ended."""
        self._register.left(stream)

    def guard(self) -> None:
        """Enter the scope that closing the router cancels. To be called where no other scope is open."""
        if self._scope is None and self._under_way:
            self._scope = self._new_scope()
            self._scope.__enter__()
            if self._cancelled:
                self._scope.cancel()

    def attempt(self, deadline: float) -> anyio.CancelScope:
        """Return the scope of an attempt, which has until `deadline`; to be entered at once."""
        scope = self._new_scope(deadline=deadline)
        if self._scope is None:
            self._attempt = scope
        return scope

    def guard_if_cancelled(self) -> None:
        """Enter that scope where the router was closed meanwhile, so that the next checkpoint raises."""
        if self._cancelled:
            self.guard()

    def cancel(self) -> None:
        """End it: the router is closed."""
        self._cancelled = True
        for scope in (self._scope, self._attempt):
            if scope is not None:
                scope.cancel()

    def _new_scope(self, deadline: float = math.inf) -> anyio.CancelScope:
        loop = self._register.loop
        return anyio.CancelScope(deadline=deadline) if loop is None else loop.scope(deadline=deadline)
