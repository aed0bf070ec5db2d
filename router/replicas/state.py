"""What the threads tell the router of the store. Pure: plain values, each written by one side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_JUMP: Final = 2.0
"""Seconds by which one clock was set anew; less is a slow answer."""
_DRIFT: Final = 0.02
"""How far a slower answer moves what is known."""


@dataclass(slots=True)
class StoreState:
    """The store as this replica sees it. The threads write it, the router reads it.

    Attributes:
        away: Whether nothing is shared now.
        replicas: How many were seen last, this one included.
        ahead: Seconds by which the store's clock is ahead of the router's.
    """

    away: bool = True
    replicas: int = 1
    ahead: float = 0.0

    def saw(self, at: float, now: float) -> None:
        """Learn the store's clock, as an answer told it that came `now`.

        A slow answer makes the store look behind, so the quickest ones count.
        """
        ahead = at - now
        if ahead >= self.ahead or not math.isclose(ahead, self.ahead, abs_tol=_JUMP):
            self.ahead = ahead
        else:
            self.ahead += _DRIFT * (ahead - self.ahead)
