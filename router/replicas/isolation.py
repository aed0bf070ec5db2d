"""Which providers operators isolated, and when to say so again. Pure: times are passed in.

The stream forgets. So one of those who follow an isolation says it again now and then; whoever hears it waits
again for as long. It is said with the time of the first word, set a little too early: a late one would outdo
a release that is not heard yet.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REMINDERS: Final = (30.0, 60.0)
"""Seconds after which it is said again, where nobody else did; random between them."""
LATEST: Final = 1.0
"""Seconds by which the time of something said again may be wrong."""


class Isolations:
    """The providers that are isolated.

    Args:
        uniform: Returns a random number between two.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self.remind_at = math.inf
        """When `due` has something."""
        self.since: dict[str, float] = {}
        """Provider -> when it was isolated, on the router's clock."""
        self._next: dict[str, float] = {}
        self._uniform = uniform

    def add(self, provider: str, since: float, now: float) -> None:
        """Note that a provider was isolated."""
        self.since[provider] = since
        self.said(provider, now)

    def remove(self, provider: str) -> None:
        """Note that a provider was released."""
        self.since.pop(provider, None)
        self._next.pop(provider, None)
        self._plan()

    def said(self, provider: str, now: float) -> None:
        """Note that somebody said it again."""
        if provider in self.since:
            self._next[provider] = now + self._uniform(*REMINDERS)
            self._plan()

    def due(self, now: float) -> list[tuple[str, float]]:
        """Return what to say again, and with which time."""
        due = [name for name, at in self._next.items() if now >= at]
        for name in due:
            self.said(name, now)
        return [(name, self.since[name] - LATEST) for name in due]

    def _plan(self) -> None:
        self.remind_at = min(self._next.values(), default=math.inf)
