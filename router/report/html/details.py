"""The end of the page: all that is known about each provider, folded away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from router.report.html.overview import badge
from router.report.markup import element
from router.report.words import clean, money_facts, percent, phrase, plural, span

if TYPE_CHECKING:
    from router.health.report import HealthReport, ProbeAllowance, ProviderHealth
    from router.health.traffic_summary import Percentiles, Traffic
    from router.policy.breaker_snapshot import BreakerSnapshot
    from router.report.markup import Element

_MOST_MODELS: Final = 30


def details_section(report: HealthReport) -> Element:
    """Return a foldable part for each provider."""
    return element(
        "section",
        element("h2", "Details", id="details-title"),
        (_provider(entry, number) for number, entry in enumerate(report.providers, 1)),
        element("p", _budget(report), class_="quiet"),
        aria_labelledby="details-title",
    )


def _budget(report: HealthReport) -> str:
    left, capacity = report.retry_budget.left, report.retry_budget.capacity
    if not math.isfinite(left):
        return "The router's budget for repeats has no limit."
    return (
        f"Of the router's budget for repeats, {left:.1f} of {capacity:g} are left; "
        "a further round, a repeat and a hedge cost 1 each."
    )


def _provider(entry: ProviderHealth, number: int) -> Element:
    return element(
        "details",
        element("summary", element("span", entry.provider), badge(entry.state)),
        element(
            "dl",
            ([element("dt", name), element("dd", value)] for name, value in rows(entry).items() if value),
        ),
        id=f"provider-{number}",
    )


def rows(entry: ProviderHealth) -> dict[str, str]:
    """Return all that is known, as names and sentences; what is not known is empty."""
    age = "" if entry.evidence_age is None else f", {span(entry.evidence_age)} old"
    error, probe = entry.last_error, entry.probe
    return {
        "Why": phrase(entry.reason, entry),
        "Known from": {"none": "nothing yet"}.get(entry.evidence, f"{entry.evidence}{age}"),
        "Asked now": "yes" if entry.can_answer else "no",
        "Back in": "" if entry.back_in is None else span(entry.back_in),
        "Adapter": entry.adapter,
        "Generation": entry.generation or "",
        "Models": _models(entry.models),
        "Circuit breaker": _breaker(entry.breaker),
        "Attempts": _attempts(entry.traffic),
        "Replies": _replies(entry.traffic),
        "First content": _times(entry.traffic.first_content),
        "Whole replies": _times(entry.traffic.total),
        "Last content": "" if entry.last_success_age is None else f"{span(entry.last_success_age)} ago",
        "Last error": ""
        if error is None
        else f"{clean(error.error)}, {span(error.age)} ago: {phrase(error.text, entry)}",
        "Probe": ""
        if probe is None
        else f"{probe.level}, in {span(probe.seconds)}: {phrase(probe.reason, entry)}",
        "Probes for an answer": _allowance(entry.probe_budget),
        "Costs and limits": "; ".join(money_facts(entry)),
    }


def _allowance(budget: ProbeAllowance) -> str:
    return f"{budget.left:g} of {budget.per_hour:g} an hour are left" if budget.per_hour else ""


def _models(models: tuple[str, ...]) -> str:
    shown = ", ".join(clean(model) for model in models[:_MOST_MODELS])
    rest = len(models) - _MOST_MODELS
    return shown if rest <= 0 else f"{shown} and {plural(rest, 'other')}"


def _breaker(breaker: BreakerSnapshot) -> str:
    words = [
        breaker.state,
        f"{plural(breaker.failures_in_a_row, 'failure')} in a row",
        f"{breaker.failures} of {plural(breaker.calls, 'call')} failed",
    ]
    if breaker.slow:
        words.append(f"{breaker.slow} were slow")
    if breaker.permit_in:
        words.append(f"asked again in {span(breaker.permit_in)}")
    if breaker.repetitions:
        words.append(plural(breaker.repetitions, "trial") + " failed")
    return ", ".join(words)


def _attempts(traffic: Traffic) -> str:
    found = traffic.attempts
    counts = {
        "answered": found.committed,
        "failed": found.failed,
        "skipped": found.skipped,
        "cancelled": found.cancelled,
    }
    said = _counted(counts)
    if said and traffic.success_ratio is not None:
        said += f"; {percent(traffic.success_ratio)} success"
    return f"{said}, in the last {span(traffic.window)}" if said else ""


def _replies(traffic: Traffic) -> str:
    found = traffic.replies
    return _counted(
        {
            name: getattr(found, name)
            for name in ("complete", "truncated", "failed", "refused", "cancelled", "closed")
        }
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _times(times: Percentiles) -> str:
    if times.p50 is None or times.p95 is None or times.p99 is None:
        return ""
    return (
        f"p50 {span(times.p50)}, p95 {span(times.p95)}, p99 {span(times.p99)}, "
        f"of {plural(times.samples, 'sample')}"
    )
