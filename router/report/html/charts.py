"""The charts of the page: how fast the first content comes, and which provider had a request when.

They are drawn in SVG without a view box, in percent of the width that there is; what they show is said in
words beside them, so they are hidden from whoever cannot see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.report.html.overview import moment
from router.report.html.tables import cell, head, row, table
from router.report.markup import element
from router.report.words import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.health.report import HealthReport, ProviderHealth
    from router.report.markup import Child, Element
    from router.report.waterfall import RequestShown, Step

_PERCENTILES: Final = ("p50", "p95", "p99")
_OUTCOMES: Final = {
    "committed": "answered",
    "failed": "failed",
    "skipped": "skipped",
    "cancelled": "cancelled",
}


def section(title: str, name: str, *content: Child) -> Element:
    """Return a part of the page under its heading."""
    return element(
        "section", element("h2", title, id=f"{name}-title"), content, aria_labelledby=f"{name}-title"
    )


def bar(kind: str, start: float, length: float, height: float = 100.0) -> Element:
    """Return a bar; its numbers are in percent."""
    return element(
        "rect",
        class_=kind,
        x=f"{start:.2f}%",
        y=f"{100 - height:g}%",
        width=f"{max(0.0, length):.2f}%",
        height=f"{height:g}%",
    )


def legend(entries: Iterable[tuple[str, float, str]]) -> Element:
    """Return the explanation of bars: for each its kind, its height in percent, and what it means."""
    return element(
        "ul",
        (
            element("li", element("svg", bar(kind, 0, 100, height), aria_hidden="true"), words)
            for kind, height, words in entries
        ),
        class_="legend quiet",
    )


def speed_section(report: HealthReport) -> Element | None:
    """Return how fast the first content comes, on one scale, or nothing where none has come."""
    shown = [entry for entry in report.providers if entry.traffic.first_content.samples]
    if not shown:
        return None
    longest = max(entry.traffic.first_content.p99 or 0.0 for entry in shown) or 1.0
    heads = [
        head("Provider"),
        head(f"0 to {span(longest)}"),
        *(head(name, "number") for name in _PERCENTILES),
        head("Samples", "number wide"),
    ]
    rows = (_speed(entry, longest) for entry in shown)
    chart = table("speed", "Time until the first content of a reply.", heads, rows)
    words = ("half of the replies began", "95 of 100", "99 of 100")
    means = ((name, 100.0, f"{name}: {said}") for name, said in zip(_PERCENTILES, words, strict=True))
    return section("First content", "speed", chart, legend(means))


def _speed(entry: ProviderHealth, longest: float) -> Element:
    times = entry.traffic.first_content
    values = {name: getattr(times, name) or 0.0 for name in _PERCENTILES}
    bars: list[Child] = [bar("track", 0, 100)]
    bars += [bar(name, 0, values[name] / longest * 100) for name in reversed(_PERCENTILES)]
    return row(
        entry.provider,
        cell(element("svg", bars, aria_hidden="true"), "bar"),
        (cell(span(value), "number", name) for name, value in values.items()),
        cell(f"{times.samples}", "number wide"),
    )


def requests_section(requests: Sequence[RequestShown]) -> Element | None:
    """Return which provider had each of the recent requests when, or nothing where there were none."""
    if not requests:
        return None
    return section(
        "Recent requests",
        "requests",
        element("ol", (_request(request) for request in requests), class_="requests"),
        legend(
            [
                ("wait", 100, "waiting for the first content"),
                ("healthy", 100, "the reply"),
                ("unhealthy", 100, "waiting in vain"),
            ]
        ),
    )


def _request(request: RequestShown) -> Element:
    said: list[Child] = [element("strong", request.verdict)]
    if request.provider is not None:
        said.append(f" by {request.provider}")
    said.append(f" in {span(request.seconds)}")
    if request.first_content is not None:
        said.append(f", first content after {span(request.first_content)}")
    return element(
        "li",
        element(
            "p",
            element("span", said),
            element("span", moment(request.at), class_="quiet") if request.at is not None else None,
            class_="head",
        ),
        element("ol", (_step(step, request.seconds) for step in request.steps), class_="steps"),
    )


def _step(step: Step, seconds: float) -> Element:
    scale = 100 / max(seconds, 0.001)
    start = min(step.started * scale, 99.0)
    waited = min(max(step.waited * scale, 0.6), 100 - start) if step.outcome != "skipped" else 0.0
    talked = min(step.talked * scale, 100 - start - waited)
    bars = [
        bar("track", 0, 100),
        bar("unhealthy" if step.outcome == "failed" else "wait", start, waited),
        bar("healthy", start + waited, talked),
    ]
    return element(
        "li",
        element("span", step.provider if step.key is None else f"{step.provider} {step.key}"),
        element("svg", bars, aria_hidden="true"),
        element("span", _outcome(step), class_="quiet"),
    )


def _outcome(step: Step) -> str:
    if step.outcome == "skipped":
        return "skipped"
    if step.outcome == "committed":
        return f"answered after {span(step.waited)}"
    return f"{step.error or _OUTCOMES[step.outcome]} after {span(step.waited)}"
