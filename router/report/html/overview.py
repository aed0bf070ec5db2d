"""The top of the page: the chain's verdict, the provider that would answer, and a row for each provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from router.report.html.tables import cell, head, row, table
from router.report.markup import element
from router.report.words import counts, facts, percent, span

if TYPE_CHECKING:
    from router.health.report import HealthReport, ProviderHealth
    from router.report.markup import Child, Element

SIGNS: Final = {"healthy": "●", "degraded": "▲", "unhealthy": "■", "unknown": "○"}
"""A shape for each state, so that it is not told by colour alone."""
_VERDICTS: Final = {
    "healthy": "All is well",
    "degraded": "The chain can answer, but not all is well",
    "unhealthy": "The chain cannot answer",
}
_LEVELS: Final = {
    "reach": "by probes that cost nothing",
    "answer": "by probes that ask for an answer",
}


def badge(state: str) -> Element:
    """Return a state as a sign and a word."""
    sign = element("span", SIGNS[state], " ", aria_hidden="true")
    return element("span", sign, state, class_=f"state {state}")


def moment(at: datetime) -> Element:
    """Return a time for people and for programs."""
    utc = at.astimezone(UTC)
    return element("time", f"{utc:%Y-%m-%d %H:%M:%S} UTC", datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}")


def header(report: HealthReport, at: datetime | None) -> Element:
    """Return the banner: the verdict, the provider that would answer, and where this is known from."""
    count = len(report.providers)
    known: list[Child] = [f"{count} provider{'' if count == 1 else 's'}: {counts(report)}. "]
    level = _LEVELS.get(report.level or "", "from what requests have shown")
    known.append([f"Known {level}", [", at ", moment(at)] if at is not None else None, "."])
    return element(
        "header",
        element("h1", element("em", _VERDICTS[report.verdict]), " ", badge(report.verdict)),
        element("p", _through(report)),
        element("p", known, class_="quiet"),
        class_=f"verdict {report.verdict}",
    )


def _through(report: HealthReport) -> Child:
    if not report.through:
        return "No provider can be asked now."
    first, *others = report.through
    said: list[Child] = ["A request now would ask ", element("strong", first)]
    for other in others:
        said += [", then ", other]
    return [said, "."]


def providers_section(report: HealthReport) -> Element:
    """Return the table of the providers in priority order."""
    busy = any(entry.traffic.success_ratio is not None for entry in report.providers)
    heads = [head(name) for name in ("Provider", "State", "Why")]
    if busy:
        heads += [head(name, "number wide") for name in ("Success", "First content p95")]
    rows = (_row(entry, number, busy) for number, entry in enumerate(report.providers, 1))
    return element(
        "section",
        element("h2", "Providers", id="providers-title"),
        table("providers", "In the order in which they are asked.", heads, rows),
        id="providers",
        tabindex=-1,
        aria_labelledby="providers-title",
    )


def _row(entry: ProviderHealth, number: int, busy: bool) -> Element:
    ratio, p95 = entry.traffic.success_ratio, entry.traffic.first_content.p95
    numbers = ("–" if ratio is None else percent(ratio), "–" if p95 is None else span(p95))
    name = element("a", entry.provider, href=f"#provider-{number}")
    return row(
        name,
        cell(badge(entry.state)),
        cell("; ".join(facts(entry)), "why"),
        [cell(text, "number wide") for text in numbers] if busy else None,
    )
