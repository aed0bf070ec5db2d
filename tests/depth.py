"""How deep the tests dig: `quick` while editing, `full` before a merge; the variable TEST_DEPTH chooses.

`full` runs everything, and is what holds where TEST_DEPTH is not set. `quick` (of `make test`) draws fewer
examples, and a sample of what is long: the fault catalogue, the simulated worlds, the planted defects. Every
promise keeps at least one test. TEST_SEED decides what is drawn, by default the number of the day: a failure
repeats itself all day, and tomorrow another sample is drawn. The report of pytest begins with both.
"""

from __future__ import annotations

import datetime
import os
import random
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

T = TypeVar("T")
DEPTHS: Final = ("quick", "full")
DEPTH: Final = os.environ.setdefault("TEST_DEPTH", "full")
# Kept in the environment: processes of one run that start on both sides of midnight draw the same.
SEED: Final = int(os.environ.setdefault("TEST_SEED", str(datetime.datetime.now(datetime.UTC).toordinal())))
QUICK: Final = DEPTH == "quick"
FEWER: Final = 8
"""`quick` draws one of so many examples of a property that sets their number itself."""
LEAST: Final = 10

if DEPTH not in DEPTHS:
    raise ValueError(f"TEST_DEPTH={DEPTH!r}: there is no such depth; set one of {', '.join(DEPTHS)}")


def how_many(full: int) -> int:
    """Return how many examples of a property to draw, where all are `full`."""
    return max(LEAST, full // FEWER) if QUICK else full


def sampled(
    every: Sequence[T], share: float, what: str, kind: Callable[[Any], Hashable] = lambda _: None
) -> list[T]:
    """Return all of `every`, or in `quick` a share of it, in its order, with at least one of each kind.

    Args:
        every: To choose from.
        share: Above 0 to 1.
        what: Names it, so that each sample is drawn for itself.
        kind: Of an item; every kind is in the sample. It takes `Any`: within `parametrize`, which takes
            objects, mypy would see no more in an item.
    """
    return _drawn(every, share, random.Random(f"{what} {SEED}"), kind) if QUICK else list(every)


def _drawn(
    every: Sequence[T], share: float, source: random.Random, kind: Callable[[Any], Hashable]
) -> list[T]:
    order = list(range(len(every)))
    source.shuffle(order)
    firsts: dict[Hashable, int] = {}
    for number in order:
        firsts.setdefault(kind(every[number]), number)
    return [every[number] for number in sorted(_filled(firsts.values(), order, round(share * len(every))))]


def _filled(chosen: Iterable[int], order: Sequence[int], size: int) -> set[int]:
    found = set(chosen)
    for number in order:
        if len(found) >= size:
            break
        found.add(number)
    return found
