"""What the threads tell the router of the store. Pure: plain values, each written by one side."""

from __future__ import annotations

from dataclasses import dataclass


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
