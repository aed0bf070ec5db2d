"""The router that answers now, and those before it that still finish what they began."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router import Router


class _Lent:
    """A router, and how many requests use it."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.uses = 0


class Routers:
    """Lends each request the router of its beginning.

    Args:
        router: The first one.
    """

    def __init__(self, router: Router) -> None:
        self._current = _Lent(router)
        self._former: list[_Lent] = []

    @property
    def current(self) -> Router:
        """Answers requests that begin from now on."""
        return self._current.router

    @contextmanager
    def lent(self) -> Iterator[Router]:
        """Lend the current router to one request; it is not closed before the request's end."""
        lent = self._current
        lent.uses += 1
        try:
            yield lent.router
        finally:
            lent.uses -= 1

    def change(self, router: Router) -> None:
        """Let another router answer requests that begin from now on."""
        self._former.append(self._current)
        self._current = _Lent(router)

    async def close_idle(self) -> None:
        """Close the former routers that nobody uses any more."""
        idle = [each for each in self._former if not each.uses]
        self._former = [each for each in self._former if each.uses]
        for each in idle:
            await each.router.aclose()

    async def close(self) -> None:
        """Close all routers; what they still answer ends with an error."""
        former, self._former = self._former, []
        for each in (self._current, *former):
            await each.router.aclose()
