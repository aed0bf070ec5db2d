"""A health report as a table: plain text for files and logs, and a table of rich for terminals.

Both say the same: who, how it is, and why that is believed; where requests were sent, also how many of them
delivered content and how soon.
"""

from __future__ import annotations

import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from router.report.words import clean, facts, percent, span

if TYPE_CHECKING:
    from rich.table import Table

    from router.health.report import HealthReport, ProviderHealth

STYLES: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "unknown": "dim"}
_HEADS: Final = ("provider", "health", "why")
_NUMBERS: Final = ("success", "p95")
_NARROW: Final = 30  # characters of the last column; where it had less, the numbers are left out
_NARROWEST: Final = 20  # characters that it has in any case
_LONGEST_NAME: Final = 24  # characters of the first column; a longer name goes on in the next line
_GAP: Final = "  "


def as_text(report: HealthReport, width: int = 80) -> str:
    """Return `report` as aligned lines of plain text, without a line end behind the last one.

    Args:
        report: The report.
        width: The longest line, as far as the names allow it.
    """
    rows = _rows(report)
    widths = _widths(rows)
    if width - sum(widths) - len(_GAP) * len(widths) < _NARROW:
        rows = _rows(report, numbers=False)
        widths = _widths(rows)
    rest = max(_NARROWEST, width - sum(widths) - len(_GAP) * len(widths))
    lines = []
    for name, *cells, why in rows:
        columns = [textwrap.wrap(name, _LONGEST_NAME), *([cell] for cell in cells), textwrap.wrap(why, rest)]
        for parts in zip_longest(*columns, fillvalue=""):
            aligned = (f"{part:<{room}}" for part, room in zip(parts, [*widths, 0], strict=True))
            lines.append(_GAP.join(aligned).rstrip())
    return "\n".join(lines)


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    """Return the widths of all columns but the last one."""
    names = (part for row in rows for part in textwrap.wrap(row[0], _LONGEST_NAME))
    others = (max(len(row[place]) for row in rows) for place in range(1, len(rows[0]) - 1))
    return [max(map(len, names)), *others]


def as_table(report: HealthReport, *, details: bool = False) -> Table:
    """Return `report` as a table of rich; this alone needs the extra `cli`.

    Args:
        report: The report.
        details: Say why in the words of the adapters, which may quote an address or a service: for the eyes
            of whoever runs the router, not for a log that others read.
    """
    from rich.table import Table
    from rich.text import Text

    (*heads, why), *rows = _rows(report, details=details)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(heads[0], max_width=_LONGEST_NAME, overflow="fold")
    for head in heads[1:]:
        table.add_column(head, no_wrap=True)
    table.add_column(why, overflow="fold")
    for entry, row in zip(report.providers, rows, strict=True):
        # `Text`, because a service's words may look like rich's markup.
        table.add_row(*(Text(cell, STYLES[entry.state] if cell == entry.state else "") for cell in row))
    return table


def _rows(report: HealthReport, *, details: bool = False, numbers: bool = True) -> list[tuple[str, ...]]:
    """Return the head and the row of each provider."""
    busy = numbers and any(entry.traffic.success_ratio is not None for entry in report.providers)
    name, state, why = _HEADS
    rows: list[tuple[str, ...]] = [(name, state, *(_NUMBERS if busy else ()), why)]
    for entry in report.providers:
        cells = _numbers(entry) if busy else ()
        rows.append((clean(entry.provider), entry.state, *cells, "; ".join(facts(entry, details=details))))
    return rows


def _numbers(entry: ProviderHealth) -> tuple[str, ...]:
    ratio, p95 = entry.traffic.success_ratio, entry.traffic.first_content.p95
    return ("-" if ratio is None else percent(ratio), "-" if p95 is None else span(p95))
