"""Who is told what happens in a router: those given, and those by default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from router.events import checked_observers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.events import Observer
    from router.health.report import Keeper


def observers_of(observers: Sequence[Observer] | None, keeper: Keeper | None) -> list[Observer]:
    """Return who is told what happens: those given, by default the log, and the keeper where there is one.

    Raises:
        TypeError: They are no list, or one of them cannot be called.
    """
    if observers is None:
        # Imported here: structlog takes as long to import as the rest of the package.
        from router.observers.structlog import LogObserver

        told: list[Observer] = [LogObserver()]
    elif isinstance(observers, Iterable) and not isinstance(observers, str | bytes):
        told = list(observers)
    else:
        name = getattr(observers, "__name__", "…")
        raise TypeError(
            f"observers must be a list of functions, got {type(observers).__name__}; write observers=[{name}]"
        )
    if keeper is not None and not (callable(keeper) and hasattr(keeper, "keep")):
        raise TypeError(
            f"history must be a History, got {type(keeper).__name__}; write history=History({keeper!r})"
        )
    told = checked_observers(told)
    return told if keeper is None else [*told, keeper]
