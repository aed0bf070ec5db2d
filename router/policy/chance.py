"""Sources of random numbers for jitter and ids, which differ in every process that is forked."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_KNOWN: Final[weakref.WeakSet[random.Random]] = weakref.WeakSet()


def differs_after_fork(source: random.Random) -> random.Random:
    """Return `source`, which is seeded anew in every process forked from this one from here on."""
    _KNOWN.add(source)
    return source


def _seed_anew() -> None:
    for each in _KNOWN:
        each.seed()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_seed_anew)
