"""Whether the samples of a soak are flat: the growth of a fitted line is compared with what is allowed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.figures import slope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WARM_UP: Final = 0.2
"""The share of the samples that is left out at the beginning: pools and caches fill."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a figure may grow from the end of the warm-up to the end of the run.

    Attributes:
        figure: Its key in the samples.
        name: What it is, with its unit.
        least: Growth that is always allowed.
        share: Growth that is allowed, as a share of the figure's median, where that is more.
    """

    figure: str
    name: str
    least: float
    share: float


ALLOWANCES: Final = (
    Allowance("memory", "resident memory, MiB", 2.0, 0.03),
    Allowance("blocks", "allocated blocks of the interpreter", 3000.0, 0.02),
    Allowance("sockets", "open files and sockets", 3.0, 0.1),
    Allowance("tasks", "tasks", 3.0, 0.1),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure of a run.

    Attributes:
        name: What it is.
        low: Its least value after the warm-up.
        median: Its median.
        high: Its greatest value.
        growth: What the fitted line grows from the end of the warm-up to the end.
        allowed: How much of that is allowed.
    """

    name: str
    low: float
    median: float
    high: float
    growth: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it grows by no more than is allowed; shrinking is fine."""
        return self.growth <= self.allowed

    @property
    def complaint(self) -> str:
        """What is wrong, and where to look."""
        return (
            f"{self.name}: grew by {self.growth:.1f} on the fitted line, {self.allowed:.1f} is allowed "
            f"(median {self.median:.1f}); something is kept for each request, look for it with "
            "`python -m benchmarks.garbage`"
        )


def judge(samples: Sequence[Mapping[str, float]]) -> list[Judged]:
    """Judge each figure of `ALLOWANCES`.

    Args:
        samples: In order of time; each has `time` in seconds and all figures.

    Raises:
        ValueError: There are too few samples to fit a line.
    """
    kept = samples[int(len(samples) * WARM_UP) :]
    if len(kept) < 10:
        raise ValueError(f"{len(kept)} samples after the warm-up are too few to judge; let it run longer")
    times = [sample["time"] for sample in kept]
    found: list[Judged] = []
    for allowance in ALLOWANCES:
        values = [sample[allowance.figure] for sample in kept]
        middle = statistics.median(values)
        found.append(
            Judged(
                allowance.name,
                min(values),
                middle,
                max(values),
                slope(times, values) * (times[-1] - times[0]),
                max(allowance.least, allowance.share * middle),
            )
        )
    return found
