"""What was spent today before this router was made, read from its history at the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import anyio

from router.policy.limits import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.provider.account import Spending
    from router.provider.provider import Provider


_FLUSH: Final = 2.0
"""Seconds for the last write, while the router closes."""


@runtime_checkable
class Remembers(Protocol):
    """A history that knows what was spent."""

    async def spent(self, day: int) -> Mapping[str, Spending]:
        """Return provider -> what was spent on it in a day; raises nothing but cancellation.

        Args:
            day: Days of UTC since 1970.
        """
        ...

    async def flush(self) -> None:
        """Write what waits; raises nothing but cancellation."""
        ...


class Recall:
    """Tells providers once what was spent on them today.

    Args:
        history: Which knows.
        providers: Whom to tell.
        utc: Returns the time of day in seconds UTC since 1970.
    """

    def __init__(self, history: Remembers, providers: list[Provider], utc: Callable[[], float]) -> None:
        self._history = history
        self._providers = providers
        self._utc = utc
        self._done = False
        self._lock: anyio.Lock | None = None

    async def done(self) -> None:
        """Return once the providers are told; the first call reads, others wait for it."""
        if self._done:
            return
        self._lock = self._lock or anyio.Lock()
        async with self._lock:
            if self._done:
                return
            known = await self._history.spent(int(self._utc() // DAY))
            for provider in self._providers:
                before = known.get(provider.name)
                if before is not None and provider.account is not None:
                    provider.account.restore(before)
                if before is not None and provider.limits is not None:
                    provider.limits.restore(before.answers)
            self._done = True

    async def keep(self) -> None:
        """Let the history write what waits: the router closes."""
        with anyio.move_on_after(_FLUSH, shield=True):
            await self._history.flush()


def recall_of(history: object, providers: Mapping[str, Provider], utc: Callable[[], float]) -> Recall | None:
    """Return what tells providers of today, or None where nobody needs it or knows."""
    keen = [
        each
        for each in providers.values()
        if each.account is not None or each.adapter.daily_requests is not None
    ]
    return Recall(history, keen, utc) if keen and isinstance(history, Remembers) else None
