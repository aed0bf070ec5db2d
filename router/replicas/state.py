"""What the threads tell the router of the store. Pure: plain values, each written by one side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_JUMP: Final = 2.0
"""Seconds by which one clock was set anew; less is a slow answer."""
_NEWCOMERS: Final = 10
"""Processes that may have started at once; each uses a part of a limit until it reached the store."""
_DRIFT: Final = 0.02
"""How far a slower answer moves what is known."""


@dataclass(slots=True)
class StoreState:
    """The store as this replica sees it. The threads write it, the router reads it.

    Attributes:
        away: Whether nothing is shared now.
        replicas: How many were seen last, this one included.
        ahead: Seconds by which the store's clock is ahead of the router's.
        tried: Whether it was reached, or was not: right after the start neither is known.
    """

    away: bool = True
    replicas: int = 1
    ahead: float = 0.0
    tried: bool = False

    @property
    def parts(self) -> int:
        """Of how many parts of a limit one is this replica's, where nothing is shared."""
        return self.replicas if self.tried else max(self.replicas, _NEWCOMERS)

    def saw(self, at: float, now: float) -> None:
        """Learn the store's clock, as an answer told it that came `now`.

        A slow answer makes the store look behind, so the quickest ones count.
        """
        ahead = at - now
        if ahead >= self.ahead or not math.isclose(ahead, self.ahead, abs_tol=_JUMP):
            self.ahead = ahead
        else:
            self.ahead += _DRIFT * (ahead - self.ahead)
