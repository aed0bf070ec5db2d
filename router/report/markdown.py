"""A health report as Markdown that GitHub renders: a line of verdict, and a table.

A cell is data. Whatever could be markup is escaped, and what GitHub makes links of (people, issues,
addresses) is broken by a sign of no width, so that an error message notifies no user of GitHub.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from router.report.words import clean, counts, facts, listed, percent, span

if TYPE_CHECKING:
    from router.health.report import HealthReport, ProviderHealth

_VERDICTS: Final = {
    "healthy": "All is well",
    "degraded": "The chain can answer, but not all is well",
    "unhealthy": "The chain cannot answer",
}
_SIGNS: Final = {"healthy": "🟢", "degraded": "🟡", "unhealthy": "🔴", "unknown": "⚪"}
_HEADS: Final = ("Provider", "State", "Why", "Success", "First content p50", "p95", "p99")
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]<>|~&!$]|:(?=\S)|(?<=www)\.|^[-+=#]|^(\d+)[.)]", re.IGNORECASE)
_LINKED: Final = re.compile(r"([@#])(?=\w)|\b(GH-)(?=\d)")
_WORD_JOINER: Final = "\N{WORD JOINER}"


def as_markdown(report: HealthReport, *, at: datetime | None = None) -> str:
    """Return `report` as Markdown.

    Args:
        report: The report.
        at: When it was made, with its zone.
    """
    when = "" if at is None else f", {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    asked = f"A request now would ask {escaped(listed(report.through))}." if report.through else ""
    busy = any(entry.traffic.success_ratio is not None for entry in report.providers)
    heads = _HEADS if busy else _HEADS[:3]
    rows = [_row(entry)[: len(heads)] for entry in report.providers]
    return "\n".join(
        [
            f"**{_VERDICTS[report.verdict]}** ({counts(report)}{when})",
            "",
            *([asked, ""] if asked else []),
            _line(heads),
            _line(["---"] * 3 + ["---:"] * (len(heads) - 3)),
            *(_line(row) for row in rows),
            "",
        ]
    )


def escaped(text: str) -> str:
    """Return `text` so that it is shown as it is in a cell or a sentence of Markdown."""
    shown = _MARKUP.sub(lambda found: f"{found[1] or ''}\\{found[0][-1]}", clean(text))
    return _LINKED.sub(lambda found: f"{found[0]}{_WORD_JOINER}", shown)


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(entry: ProviderHealth) -> list[str]:
    times, ratio = entry.traffic.first_content, entry.traffic.success_ratio
    return [
        escaped(entry.provider),
        f"{_SIGNS[entry.state]} {entry.state}",
        escaped("; ".join(facts(entry))),
        "–" if ratio is None else percent(ratio),
        *("–" if value is None else span(value) for value in (times.p50, times.p95, times.p99)),
    ]
