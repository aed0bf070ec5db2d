"""The event loop that a router belongs to: whether it runs here, whether it is gone, and a way into it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from anyio import CancelScope, NoEventLoopError
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable


class EventLoop:
    """The event loop that runs where this is made.

    Attributes:
        token: Of it; equal for the same loop only.
        scope: Makes a cancel scope, as `anyio.CancelScope` does, which asks anew each time what runs.
        checkpoint_if_cancelled: As that of `anyio.lowlevel`, which asks anew each time as well.
    """

    __slots__ = ("_process", "_running", "_thread", "checkpoint_if_cancelled", "scope", "token")

    def __init__(self) -> None:
        self.token = current_token()
        self.scope: Callable[..., CancelScope] = type(CancelScope())
        self.checkpoint_if_cancelled = self.token.backend_class.checkpoint_if_cancelled
        self._running = _what_tells(self.token.native_token)
        self._thread = threading.get_ident()
        self._process = os.getpid()

    def clock(self, usual: Callable[[], float]) -> Callable[[], float]:
        """Return its own clock where it has one, else `usual`.

        Finding out which library runs the event loop costs ten times as much as its clock does.
        """
        own: Callable[[], float] = getattr(self.token.native_token, "time", usual)  # trio's has none
        return own

    @property
    def in_its_thread(self) -> bool:
        """Whether this is the thread that it runs in."""
        return threading.get_ident() == self._thread

    @property
    def is_running_here(self) -> bool:
        """Whether it runs this code."""
        try:
            return self._running() is self.token.native_token
        except (NoEventLoopError, RuntimeError):  # asyncio's own word for it
            return False

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, or was left behind in the process that this one was forked from."""
        return self._process != os.getpid() or not self.run_soon(_nothing)

    def run_soon(self, call: Callable[[], object]) -> bool:
        """Let it run `call`, from whatever thread; return False where it has ended."""
        native: Any = self.token.native_token  # asyncio's loop, trio's token
        soon = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
        try:
            soon(call)
        except RuntimeError:  # asyncio's "Event loop is closed", trio's RunFinishedError
            return False
        return True


def _what_tells(native: object) -> Callable[[], object]:
    """Return what tells the event loop that runs here: asyncio's own word costs a tenth of anyio's."""
    if hasattr(native, "call_soon_threadsafe"):
        from asyncio import get_running_loop  # noqa: TID251 - where it is asyncio's loop only

        return get_running_loop
    return lambda: current_token().native_token


def _nothing() -> None:
    return
