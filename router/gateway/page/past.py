"""How the providers were in the last day, from the history of a router where it keeps one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from router.gateway.page.watch import utc_now

if TYPE_CHECKING:
    from router import Router
    from router.history import Sample

SPAN: Final = 24 * 3600.0
"""Seconds of the past that are shown."""
FRESH: Final = 30.0
"""Seconds for which what was read is shown again."""


class Past:
    """Reads the history in a thread, and not again before `FRESH` has gone by."""

    def __init__(self) -> None:
        self._rows: tuple[Sample, ...] = ()
        self._read: tuple[int, float] | None = None  # of which router, and when

    async def of(self, router: Router) -> tuple[Sample, ...]:
        """Return the rows of the last day; none where there is no history, or it cannot be read."""
        if router.history is None:
            return ()
        key, now = id(router), anyio.current_time()
        if self._read is None or self._read[0] != key or now - self._read[1] >= FRESH:
            self._read = key, now  # before the reading: who comes meanwhile takes the rows that there are
            self._rows = await anyio.to_thread.run_sync(_rows, router)
        return self._rows


def _rows(router: Router) -> tuple[Sample, ...]:
    from router.history import History, HistoryError  # loads SQLite: only where there is a history

    keeper = router.history
    if not isinstance(keeper, History):
        return ()
    until = utc_now().timestamp()
    try:
        return tuple(
            row for name in router.providers for row in keeper.file.samples(name, until - SPAN, until)
        )
    except HistoryError:
        return ()  # the router's observers are told by the keeper itself
