"""The history of the last days, as tables or JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from router.cli.exits import OK
from router.cli.mistakes import Mistake, choice, one_line, unknown
from router.cli.output import console_for, printable, say
from router.history import HistoryError, HistoryFile
from router.history.costs import amount
from router.history.overview import iso, overview
from router.report.words import clean, money, percent, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from router.history.overview import Overview

FORMATS: Final = ("table", "json")
MOST_DAYS: Final = 3660
_DAY: Final = 86400.0
_STYLES: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "unknown": "dim"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A table to show.

    Attributes:
        title: What it is about.
        heads: Of its columns.
        rows: Its cells.
        nothing: What is said where there are no rows.
    """

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    nothing: str


def history(path: str, provider: str | None, days: float, view: str | None, form: str) -> int:
    """Read, print, and return the exit code 0.

    Args:
        path: The file.
        provider: Only this one.
        days: How far back to look.
        view: Only this table, one of `VIEWS`; None for all.
        form: One of `FORMATS`.

    Raises:
        Mistake: The file cannot be read, or an option cannot be used.
    """
    choice("format", form, FORMATS)
    if view is not None:
        choice("view", view, tuple(VIEWS))
    if not 0 < days <= MOST_DAYS:
        raise Mistake(f"--days {days:g} is out of range; use more than 0 and at most {MOST_DAYS}")
    now = datetime.now(UTC).timestamp()
    file = HistoryFile(path)
    try:
        known = file.providers()
        if provider is not None and known and provider not in known:
            raise Mistake(unknown(f"{path} has no provider", provider, known))
        found = overview(file, now - days * _DAY, now, provider)
        ahead, first = file.ahead()
        newest = max((row.at for name in known[:1] for row in file.newest(name, 1)), default=None)
    except HistoryError as error:
        raise Mistake(one_line(str(error))) from None
    if first is not None:
        say(
            f"chat-router: {ahead} reports in {path} are dated {iso(first)} or later, far ahead of the "
            "others: the clock may have been wrong; they delete nothing"
        )
    if form == "json":
        sys.stdout.write(json.dumps(found.as_dict(), indent=2) + "\n")
    elif not found.providers:
        sys.stdout.write(printable(_empty(path, provider, days, newest)) + "\n")
    else:
        _show([VIEWS[name](found) for name in ([view] if view else VIEWS)])
    sys.stdout.flush()
    return OK


def _empty(path: str, provider: str | None, days: float, newest: float | None) -> str:
    if newest is None:
        return (
            f"{path} has no report yet; add one: chat-router health --history {path} --provider SERVICE=URL"
        )
    of = "" if provider is None else f" of {provider}"
    return f"{path} has no report{of} of the last {days:g} days (its newest is of {iso(newest)}); try --days"


def _uptime(found: Overview) -> Shown:
    rows = [
        (
            past.provider,
            f"{day.day}",
            "unknown" if day.uptime is None else percent(day.uptime),
            *(span(seconds) if seconds else "-" for seconds in (day.healthy, day.degraded, day.unhealthy)),
            span(day.unknown) if day.unknown >= 1 else "-",
        )
        for past in found.providers
        for day in dropwhile(lambda day: day.uptime is None, past.uptime)
    ]
    heads = ("provider", "day", "uptime", "healthy", "degraded", "unhealthy", "unknown")
    return Shown("Uptime per day, in UTC", heads, rows, "no data")


def _changes(found: Overview) -> Shown:
    rows: list[tuple[str, ...]] = []
    for change in (change for past in found.providers for change in past.changes):
        states: tuple[str, str] = (change.before or "new", change.after)
        if change.before == change.after:
            states = (f"breaker {change.breaker_before}", f"breaker {change.breaker_after}")
        rows.append((change.provider, *states, _time(change.at), clean(change.reason)))
    heads = ("provider", "before", "after", "at", "reason")
    return Shown("Changes from report to report, in UTC", heads, rows, "none")


def _trends(found: Overview) -> Shown:
    rows = [
        (
            past.provider,
            f"{trend.day}",
            f"{trend.reports}",
            _seconds(trend.first_content_p50),
            _seconds(trend.first_content_p95),
            _seconds(trend.probe_p50),
            _seconds(trend.probe_p95),
        )
        for past in found.providers
        for trend in past.trends
    ]
    heads = ("provider", "day", "reports", "content p50", "p95", "probe p50", "p95")
    return Shown("Seconds to the first content, and of probes", heads, rows, "no data")


def _outages(found: Overview) -> Shown:
    rows = [
        (
            past.provider,
            _time(outage.start),
            "still out" if outage.end is None else _time(outage.end),
            span(outage.seconds),
            clean(outage.cause),
        )
        for past in found.providers
        for outage in past.outages
    ]
    return Shown("Outages, in UTC", ("provider", "from", "until", "for", "cause"), rows, "none")


def _costs(found: Overview) -> Shown:
    rows = [
        (
            past.provider,
            f"{row.date}",
            money(amount(row.spent), row.currency) if row.currency else "-",
            money(amount(row.wasted), row.currency) if row.wasted else "-",
            f"{row.answers}",
            f"{row.unknown}" if row.unknown else "-",
            f"{row.prompt_tokens}",
            f"{row.completion_tokens}",
        )
        for past in found.providers
        for row in past.costs
    ]
    heads = ("provider", "day", "spent", "of it wasted", "answers", "cost unknown", "tokens in", "tokens out")
    return Shown("Costs per day, in UTC", heads, rows, "none")


VIEWS: Final[dict[str, Callable[[Overview], Shown]]] = {
    "uptime": _uptime,
    "changes": _changes,
    "trends": _trends,
    "outages": _outages,
    "costs": _costs,
}
"""Name of a view -> the table that it is."""


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _show(tables: list[Shown]) -> None:
    console = console_for(sys.stdout)
    for number, table in enumerate(tables):
        if number:
            sys.stdout.write("\n")
        if console.is_terminal:
            sys.stdout.flush()
            _on_terminal(console, table)
        else:
            sys.stdout.write(_as_text(table))


def _as_text(table: Shown) -> str:
    """Return the table as aligned lines, each row in one of them, whatever its length: for grep and awk."""
    if not table.rows:
        return f"{table.title}\n{table.nothing}\n"
    lines = [table.heads, *(tuple(clean(cell) for cell in row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join([table.title, *text]) + "\n"


def _on_terminal(console: Console, table: Shown) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(table.title, "bold"))
    if not table.rows:
        console.print(Text(table.nothing, "dim"))
        return
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(table.heads, 1):
        shown.add_column(head, overflow="fold", no_wrap=1 < place < len(table.heads))
    for row in table.rows:
        shown.add_row(*(Text(clean(cell), _STYLES.get(cell, "")) for cell in row))
    console.print(shown)
