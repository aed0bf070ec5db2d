"""How the providers were over time: a strip of ups and downs for each, from the rows of a history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from router.report.html.charts import bar, legend, section
from router.report.html.overview import SIGNS, moment
from router.report.markup import element
from router.report.words import percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.health.report import State
    from router.history import Sample
    from router.report.markup import Element

PARTS: Final = 60
"""How many parts a strip has, so that each is wide enough to be seen on a phone."""
_WIDTH: Final = 100 / PARTS
_HEIGHTS: Final[dict[State, float]] = {"healthy": 100, "degraded": 70, "unhealthy": 40, "unknown": 12}
"""Percent of a strip's height, so that a state is not told by colour alone."""


def strips_section(history: Iterable[Sample], order: Sequence[str], at: datetime | None) -> Element | None:
    """Return the ups and downs of the providers, or nothing where none are known.

    Args:
        history: What is known of the past, in any order.
        order: The names of the providers to show.
        at: Where the strips end; with the newest row by default.
    """
    from router.history import by_provider  # opens no file, but loads SQLite: only where it is asked for

    samples = [row for row in history if row.provider in order]
    if not samples:
        return None
    start = min(row.at for row in samples)
    end = max([row.at for row in samples] + ([at.timestamp()] if at is not None else []))
    if start == end:
        return None
    rows = by_provider(samples)
    return section(
        "Up and down",
        "strips",
        element(
            "ol", (_strip(name, rows[name], start, end) for name in order if name in rows), class_="strips"
        ),
        element(
            "p", *(moment(datetime.fromtimestamp(time, UTC)) for time in (start, end)), class_="ends quiet"
        ),
        legend((state, height, f"{SIGNS[state]} {state}") for state, height in _HEIGHTS.items()),
    )


def _strip(name: str, rows: Sequence[Sample], start: float, end: float) -> Element:
    from router.history import spans, strip

    seconds = dict.fromkeys(_HEIGHTS, 0.0)
    falls = 0
    for each in spans(rows, start, end):
        seconds[each.state] += each.seconds
        falls += each.state == "unhealthy"
    known = sum(seconds.values()) - seconds["unknown"]
    words = "nothing is known of it"
    if known:
        share = percent((seconds["healthy"] + seconds["degraded"]) / known)
        words = f"up {share} of the known time, {plural(falls, 'outage')}"
    bars = (
        bar(state, place * _WIDTH, _WIDTH * 0.8, _HEIGHTS[state])
        for place, state in enumerate(strip(rows, start, end, PARTS))
    )
    return element(
        "li",
        element("p", element("strong", name), element("span", words, class_="quiet"), class_="head"),
        element("svg", bars, aria_hidden="true"),
    )
