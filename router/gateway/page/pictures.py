"""The pictures of the status page, as HTML, each under a name, so that one alone can be renewed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.report.html.charts import bar, requests_section, section, speed_section
from router.report.html.details import details_section
from router.report.html.details import rows as facts_of
from router.report.html.overview import badge, header, moment, providers_section
from router.report.html.strips import strips_section
from router.report.html.tables import cell, head, row, table
from router.report.markup import element, written
from router.report.words import plural, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from router.gateway.page.activity import Activity, UnderWay
    from router.health.report import HealthReport, ProviderHealth
    from router.history import Sample
    from router.report import RequestShown
    from router.report.markup import Child, Element

NAMES: Final = (
    "verdict",
    "providers",
    "operate",
    "underway",
    "failures",
    "switches",
    "budgets",
    "strips",
    "speed",
    "requests",
    "details",
)
"""In the order of the page."""
TIME: Final = "time"
"""The name of the time of the pictures; it alone is no news."""
ACTIONS: Final = {"isolate": "Isolate", "reset": "Reset", "probe": "Probe"}
_MOST: Final = 12
"""Requests under way that are listed; the others are counted."""
_STAGES: Final = {
    "choosing": "looking for a provider",
    "waiting": "waiting for the first content",
    "answering": "answering",
}


def pictures(
    report: HealthReport,
    activity: Activity,
    recent: Sequence[RequestShown],
    past: Sequence[Sample],
    at: datetime,
    *,
    operable: bool = True,
) -> dict[str, str]:
    """Return the pictures by name; one with nothing to show is empty.

    Args:
        report: How the providers are.
        activity: What goes on.
        recent: The newest requests that are over.
        past: How the providers were.
        at: The time of day, with its zone.
        operable: Whether somebody may operate the providers.
    """
    order = [entry.provider for entry in report.providers]
    found: Mapping[str, Element | None] = {
        "verdict": header(report, None),
        "providers": providers_section(report),
        "operate": _operate(report) if operable else None,
        "underway": _under_way(activity),
        "failures": _failures(activity),
        "switches": _switches(activity),
        "budgets": _budgets(report),
        "strips": strips_section(past, order, at) if past else None,
        "speed": speed_section(report),
        "requests": requests_section(recent),
        "details": details_section(report),
    }
    return {
        **{name: "" if made is None else written(made, "html") for name, made in found.items()},
        TIME: written(element("span", "As of ", moment(at), "."), "html"),
    }


def _operate(report: HealthReport) -> Element:
    """Return the buttons; the script shows them once it has a key, since without one they do nothing."""
    return element("ul", (_buttons(entry) for entry in report.providers), class_="operate")


def _buttons(entry: ProviderHealth) -> Element:
    return element(
        "li",
        element("span", element("strong", entry.provider), " ", badge(entry.state)),
        element(
            "span",
            (
                element(
                    "button",
                    word,
                    type="button",
                    data_action=action,
                    data_provider=entry.provider,
                    aria_label=f"{word} {entry.provider}",
                )
                for action, word in ACTIONS.items()
            ),
            class_="buttons",
        ),
    )


def _under_way(activity: Activity) -> Element:
    shown = activity.under_way(_MOST)
    ended = ", ".join(f"{count} {verdict}" for verdict, count in sorted(activity.ended.items()))
    said = f"{plural(activity.running, 'request')} under way. "
    said += f"Since the start: {ended}." if ended else "None ended so far."
    heads = [head("Provider"), head("Stage"), head("Attempt", "number"), head("For", "number")]
    more = activity.running - len(shown)
    return section(
        "Under way",
        "underway",
        element("p", said, class_="quiet"),
        table("plain", "The oldest first.", heads, (_course(each) for each in shown)) if shown else None,
        element("p", f"And {plural(more, 'more')[: -1 if more > 1 else None]}.", class_="quiet")
        if more > 0
        else None,
    )


def _course(each: UnderWay) -> Element:
    return row(
        each.provider or "–",
        cell(_STAGES[each.stage]),
        cell(str(each.attempts), "number", "attempt"),
        cell(span(each.seconds), "number", "for"),
    )


def _failures(activity: Activity) -> Element | None:
    if not activity.failures:
        return None
    heads = [head("Class"), head("Times", "number"), head("Last provider"), head("Last", "number")]
    rows = (
        row(
            [each.error, element("span", each.text, class_="meaning quiet")],
            cell(str(each.count), "number", "times"),
            cell(each.provider, None, "last provider"),
            cell(f"{span(each.age)} ago", "number", "last"),
        )
        for each in activity.failures
    )
    return section(
        "Failures", "failures", table("plain", "Failed attempts by class, the newest first.", heads, rows)
    )


def _switches(activity: Activity) -> Element | None:
    if not activity.switches:
        return None
    heads = [head("Broke off"), head("Taken over by"), head("Times", "number"), head("Last", "number")]
    rows = (
        row(
            each.left,
            cell(each.taken_by, None, "taken over by"),
            cell(str(each.count), "number", "times"),
            cell(f"{span(each.age)} ago", "number", "last"),
        )
        for each in activity.switches
    )
    caption = "Replies that another provider took over after content."
    return section("Switches", "switches", table("plain", caption, heads, rows))


def _budgets(report: HealthReport) -> Element | None:
    told: list[tuple[str, str]] = []
    for entry in report.providers:
        facts = facts_of(entry)
        probes, costs = facts["Probes for an answer"], facts.get("Costs and limits", "")
        said = "; ".join(
            part for part in (f"probes for an answer: {probes}" if probes else "", costs) if part
        )
        if said:
            told.append((entry.provider, said))
    budget = report.retry_budget
    lines: list[Child] = []
    if 0 < budget.capacity < float("inf"):
        lines = [
            element("p", f"Repeats: {budget.left:.1f} of {budget.capacity:g} are left."),
            element(
                "svg",
                bar("track", 0, 100),
                bar("healthy", 0, min(100.0, budget.left / budget.capacity * 100)),
                class_="gauge",
                aria_hidden="true",
            ),
        ]
    if not (lines or told):
        return None
    listed = (
        element("dl", ([element("dt", name), element("dd", said)] for name, said in told)) if told else None
    )
    return section("Budgets and costs", "budgets", lines, listed)
