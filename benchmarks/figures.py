"""The arithmetic of the benchmark: medians, ranges, ratios, and whether a row of samples is flat."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE: Final = "httpx"
"""The subject that all others are compared with: raw httpx."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one subject in one case.

    Attributes:
        case: The case's name.
        subject: The subject's label.
        runs: What each run took.
        upstream: The share of the wall time in which the upstream used its processor.
    """

    case: str
    subject: str
    runs: tuple[dict[str, Any], ...]
    upstream: float

    def values(self, figure: str) -> list[float]:
        """Return a figure of each run, in the order of the rounds."""
        return [float(run[figure]) for run in self.runs]

    def median(self, figure: str) -> float:
        """Return the median of a figure over the runs."""
        return statistics.median(self.values(figure))

    @property
    def replies(self) -> int:
        """How many replies were read, over all runs."""
        return sum(run["replies"] for run in self.runs)

    @property
    def wrong(self) -> int:
        """Replies that were not whole, over all runs."""
        return sum(run["wrong"] for run in self.runs)

    @property
    def errors(self) -> list[str]:
        """The names of the errors that were seen."""
        return sorted({name for run in self.runs for name in run["errors"]})


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the least and the greatest value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of one value or more."""
        return cls(statistics.median(values), min(values), max(values))


def find(found: Sequence[Measured], case: str, subject: str) -> Measured | None:
    """Return what was measured of a subject in a case, or None."""
    return next((each for each in found if each.case == case and each.subject == subject), None)


def ratio(found: Sequence[Measured], case: str, subject: str, figure: str = "cpu") -> float | None:
    """Return a subject's median over that of raw httpx in the same case, or None where one is missing."""
    return against(found, case, subject, BASE, figure)


def against(
    found: Sequence[Measured], case: str, subject: str, base: str, figure: str = "cpu"
) -> float | None:
    """Return a subject's median over that of another in the same case, or None where one is missing."""
    ours, theirs = find(found, case, subject), find(found, case, base)
    if ours is None or theirs is None or not theirs.median(figure) > 0:
        return None
    return ours.median(figure) / theirs.median(figure)


def ratios(found: Sequence[Measured], case: str, subject: str, figure: str = "cpu") -> Spread | None:
    """Return the ratio of the medians, and the least and greatest ratio of two runs of the same round."""
    part = ratio(found, case, subject, figure)
    ours, theirs = find(found, case, subject), find(found, case, BASE)
    if part is None or ours is None or theirs is None:
        return None
    pairs = [a / b for a, b in zip(ours.values(figure), theirs.values(figure), strict=False) if b > 0]
    return Spread(part, min(pairs), max(pairs)) if pairs else None


def added(found: Sequence[Measured], case: str, without: str, subject: str) -> Spread | None:
    """Return the seconds to first content that a failure adds, round by round, against a case without it."""
    failing, plain = find(found, case, subject), find(found, without, subject)
    if failing is None or plain is None:
        return None
    pairs = zip(failing.values("first"), plain.values("first"), strict=False)
    return Spread.of([a - b for a, b in pairs])


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the growth a second as the median of the slopes of all pairs (Theil and Sen).

    A few samples that stand out, such as one taken in the middle of a burst, do not move it.
    """
    slopes = [
        (values[later] - values[earlier]) / (times[later] - times[earlier])
        for earlier in range(len(times))
        for later in range(earlier + 1, len(times))
        if times[later] > times[earlier]
    ]
    return statistics.median(slopes) if slopes else 0.0


def rounded(value: Any, digits: int = 4) -> Any:
    """Return a JSON value whose numbers have so many significant digits, so that files stay small."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: rounded(part, digits) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part, digits) for part in value]
    return value
