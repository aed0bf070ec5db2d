"""How many replies of one provider may run at the same time: a bulkhead around each provider."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator


class Slots:
    """The slots of one provider: the one gate that its requests and probes pass, and queue at.

    A semaphore, not a lock, which would belong to a task: a reply may be opened, read and closed in three.

    Args:
        limit: Replies at the same time, or None for any number.
    """

    __slots__ = ("_lent", "_semaphore", "limit")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._semaphore: anyio.Semaphore | None = None
        self._lent: anyio.CancelScope | None = None

    def take_now(self) -> bool:
        """Take a slot without waiting; return whether there was one."""
        if self.limit is None:
            return True
        try:
            (self._semaphore or self._gate()).acquire_nowait()
        except anyio.WouldBlock:
            return False
        return True

    async def acquire(self, seconds: float, behind_probe: float = 0.0) -> bool:
        """Take a slot, waiting at most so long; return whether there was one.

        Args:
            seconds: To wait for a slot that a reply has.
            behind_probe: To wait for one that a probe has: it is told to leave, and cleans up behind itself.
        """
        if self.take_now():
            return True
        if self._lent is not None:
            self._lent.cancel()
            seconds = max(seconds, behind_probe)
        with anyio.move_on_after(seconds):
            await self._gate().acquire()
            return True
        return False

    def release(self) -> None:
        """Give back a slot that was taken."""
        if self._semaphore is not None:
            self._semaphore.release()

    @contextmanager
    def lent(self) -> Iterator[anyio.CancelScope | None]:
        """Lend a slot to a probe, without waiting: None where there is none.

        What runs inside is cancelled as soon as a request needs the slot.
        """
        try:
            if self.limit is not None:
                self._gate().acquire_nowait()
        except anyio.WouldBlock:
            yield None
            return
        try:
            with anyio.CancelScope() as self._lent:
                yield self._lent
        finally:
            self._lent = None
            self.release()

    def _gate(self) -> anyio.Semaphore:
        if self._semaphore is None:
            assert self.limit is not None
            self._semaphore = anyio.Semaphore(self.limit, fast_acquire=True)
        return self._semaphore

    def __repr__(self) -> str:
        free = self.limit if self._semaphore is None else self._semaphore.value
        return f"<Slots: {free} of {self.limit} free>"
