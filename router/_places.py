"""How many replies of one provider may run at the same time: a bulkhead around each provider."""

from __future__ import annotations

import anyio


class Places:
    """The places at one provider.

    A semaphore, not a lock, which would belong to a task: a reply may be opened, read and closed in three.

    Args:
        limit: Replies at the same time, or None for any number.
    """

    __slots__ = ("_semaphore", "limit")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._semaphore: anyio.Semaphore | None = None

    async def take(self, seconds: float) -> bool:
        """Take a place, waiting at most so long; return whether there was one."""
        if self.limit is None:
            return True
        if self._semaphore is None:
            self._semaphore = anyio.Semaphore(self.limit, fast_acquire=True)
        try:
            self._semaphore.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(seconds):
                await self._semaphore.acquire()
                return True
            return False
        return True

    def give_back(self) -> None:
        """Give back a place that was taken."""
        if self._semaphore is not None:
            self._semaphore.release()

    def __repr__(self) -> str:
        free = self.limit if self._semaphore is None else self._semaphore.value
        return f"<Places: {free} of {self.limit} free>"
