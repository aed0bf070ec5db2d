"""A health report as a table: plain text for files and logs, and a table of rich for terminals.

Both say the same in three columns: who, how it is, and why that is believed.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.table import Table

    from router.health import HealthReport, ProviderHealth

_HEADS: Final = ("provider", "health", "why")
_STYLES: Final = {"working": "green", "held back": "yellow", "not working": "red", "not known": "dim"}
_NARROWEST: Final = 20  # characters of the last column


def summary(report: HealthReport) -> str:
    """Return the report in one line: whether the chain can answer, and how many providers are how."""
    healths = [entry.health for entry in report.providers]
    counts = ", ".join(f"{healths.count(state)} {state}" for state in _STYLES if state in healths)
    if report.ok:
        head = "all is well"
    else:
        head = "the chain can answer" if report.can_answer else "the chain cannot answer"
    return f"{head}: {counts}"


def as_text(report: HealthReport, width: int = 80) -> str:
    """Return `report` as aligned lines of plain text, without a line end behind the last one.

    Args:
        report: The report.
        width: The longest line, as far as the names allow it.
    """
    rows = [_HEADS, *((entry.provider, entry.health, _why(entry)) for entry in report.providers)]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    rest = max(_NARROWEST, width - first - second - 4)
    lines = []
    for provider, health, why in rows:
        head, *others = textwrap.wrap(why, rest) or [""]
        lines.append(f"{provider:<{first}}  {health:<{second}}  {head}".rstrip())
        lines += [" " * (first + second + 4) + other for other in others]
    return "\n".join(lines)


def as_table(report: HealthReport) -> Table:
    """Return `report` as a table of rich; this alone needs the extra `cli`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(_HEADS[0], no_wrap=True)
    table.add_column(_HEADS[1], no_wrap=True)
    table.add_column(_HEADS[2], overflow="fold")
    for entry in report.providers:
        # `Text`, because a service's words may look like rich's markup.
        table.add_row(Text(entry.provider), Text(entry.health, _STYLES[entry.health]), Text(_why(entry)))
    return table


def _why(entry: ProviderHealth) -> str:
    """Return the evidence, the newest first."""
    probe = entry.probe
    facts = []
    if entry.held_for is not None:
        facts.append(f"{entry.reason} for {entry.held_for:.0f} s more")
    elif probe is None or entry.working is not None:
        facts.append(_phrase(entry.reason, entry))
    if probe is not None:
        if probe.reason != entry.reason:
            facts.append(_phrase(probe.reason, entry))
        if probe.generation is not None:
            facts.append(f"generation {probe.generation}")
        if probe.models:
            facts.append(f"{len(probe.models)} model{'s' if len(probe.models) > 1 else ''}")
        facts.append(f"probed in {probe.seconds:.2f} s")
    if entry.last_success_ago is not None:
        facts.append(f"content {_ago(entry.last_success_ago)}")
    if entry.last_error is not None and entry.last_error_ago is not None:
        facts.append(f"{entry.last_error} {_ago(entry.last_error_ago)}")
    return "; ".join(facts)


def _phrase(text: str, entry: ProviderHealth) -> str:
    """Return a sentence of an adapter as a part of a longer one, in a row that names the provider already."""
    return text.removeprefix(f"{entry.provider}: ").rstrip(".;")


def _ago(seconds: float) -> str:
    return f"{seconds:.1f} s ago" if seconds < 60 else f"{seconds / 60:.0f} min ago"
