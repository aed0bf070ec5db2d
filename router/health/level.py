"""The levels of a probe, checked where a caller names one. Pure."""

from __future__ import annotations

from typing import get_args

from adapters.contract import ProbeLevel


def checked_level(level: ProbeLevel) -> ProbeLevel:
    """Return `level`.

    Raises:
        ValueError: There is no such level.
    """
    if level in get_args(ProbeLevel):
        return level
    raise ValueError(f"there is no probe level {level!r}; there are: {', '.join(get_args(ProbeLevel))}")
