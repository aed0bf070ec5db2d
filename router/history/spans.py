"""From samples to time: how long a provider was in which state. Pure.

The rule of gaps: a sample's state lasts until the next sample. Where the next one is more than two
intervals away, the whole gap is unknown; the same holds from the last sample to the end.
The interval is the median distance between the samples, unless it is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.health.state import State
    from router.history.samples import Sample

LONGEST_GAP: Final = 2.0
"""Intervals between two samples; what is longer is unknown."""
_HAIR: Final = 1e-9  # parts; a border that rounding moved belongs to no second part
_WORST: Final[dict[State, int]] = {"unknown": 0, "healthy": 1, "degraded": 2, "unhealthy": 3}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state.

    Attributes:
        start: Its begin, in seconds UTC since 1970.
        end: Its end.
        state: healthy, degraded, unhealthy or unknown.
    """

    start: float
    end: float
    state: State

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples of one provider, the oldest first.

    Raises:
        ValueError: They are of several providers; see `by_provider`.
    """
    rows = sorted(samples, key=lambda row: row.at)
    names = {row.provider for row in rows}
    if len(names) > 1:
        raise ValueError(
            f"these samples are of several providers ({', '.join(sorted(names))}); pass those of one, "
            "as by_provider() parts them"
        )
    return rows


def interval_of(rows: Sequence[Sample]) -> float | None:
    """Return the median distance in seconds between samples in order, or None where there are not two."""
    gaps = [gap for one, other in pairwise(rows) if (gap := other.at - one.at) > 0]
    return median(gaps) if gaps else None


def spans(samples: Iterable[Sample], start: float, end: float, interval: float | None = None) -> list[Span]:
    """Return the stretches that fill the time from `start` to `end`, each in one state.

    Args:
        samples: Of one provider.
        start: The begin, in seconds UTC since 1970.
        end: The end; often now.
        interval: Seconds from sample to sample; by default their median distance.

    Raises:
        ValueError: The samples are of several providers.
    """
    rows = in_order(samples)
    interval = interval_of(rows) if interval is None else interval
    longest = 0.0 if interval is None else interval * LONGEST_GAP
    found: list[Span] = []
    state: State = "unknown"
    since = start
    ends = [row.at for row in rows[1:]] + [max(end, rows[-1].at)] if rows else []
    for row, until in zip(rows, ends, strict=True):
        new: State = row.state if until - row.at <= longest else "unknown"
        if new == state:  # nearly all of them, where little happens
            continue
        at = max(row.at, start)
        if at >= end:
            break
        _append(found, Span(since, at, state))
        state, since = new, at
    _append(found, Span(since, end, state))
    return found


def _append(found: list[Span], span: Span) -> None:
    """Add `span`, where it is not empty; one more of the same state makes the last one longer."""
    if span.end <= span.start:
        return
    if found and found[-1].state == span.state:
        span = Span(found.pop().start, span.end, span.state)
    found.append(span)


def strip(
    samples: Iterable[Sample], start: float, end: float, buckets: int, interval: float | None = None
) -> list[State]:
    """Return the state of each of `buckets` equal parts of a stretch of time, for a strip of colours.

    A part shows the worst that was seen in it, so that a short outage is not painted over; it is unknown only
    where nothing was seen.

    Args:
        samples: Of one provider.
        start: The begin, in seconds UTC since 1970.
        end: The end; often now.
        buckets: How many parts, at least one.
        interval: As of `spans`.

    Raises:
        ValueError: There is no part, no time between start and end, or the samples are of several providers.
    """
    if buckets < 1 or not start < end:
        raise ValueError(f"strip() needs at least one part and an end after its start; got {buckets} parts")
    width = (end - start) / buckets
    shown: list[State] = ["unknown"] * buckets
    for span in spans(samples, start, end, interval):
        first = math.floor((span.start - start) / width + _HAIR)
        last = math.ceil((span.end - start) / width - _HAIR)
        for place in range(first, min(buckets, max(last, first + 1))):
            if _WORST[span.state] > _WORST[shown[place]]:
                shown[place] = span.state
    return shown
