"""A health report in Prometheus's text format, for the textfile collector or a page that is scraped.

Everything is a gauge: a report is a moment, and its counts are those of a window that moves on. The only
labels are the provider and, where there are several values of a kind, which one it is.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from router.observers._extra import missing
from router.policy.breaker_snapshot import BreakerState
from router.report.words import STATES, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from router.health.report import HealthReport, ProviderHealth

_PREFIX: Final = "chat_router_health_"
_VERDICTS: Final = ("healthy", "degraded", "unhealthy")
_HELP: Final = {
    "verdict": "1 for the verdict on the chain, 0 for the others.",
    "can_answer": "Whether the chain can answer.",
    "retry_budget_left": "Tokens left in the router's budget for repeats.",
    "provider_state": "1 for the state of the provider, 0 for the others.",
    "provider_can_answer": "Whether a request would ask the provider now.",
    "provider_back_in_seconds": "Seconds until the provider may be asked again; 0 where it may be.",
    "provider_breaker_state": "1 for the state of the circuit breaker, 0 for the others.",
    "provider_attempts": "Attempts in the window of the report, by outcome.",
    "provider_replies": "Replies in the window of the report, by verdict.",
    "provider_success_ratio": "Share of the attempts in the window that delivered content.",
    "provider_first_content_seconds": "Time until the first content, by percentile.",
    "provider_total_seconds": "Time until the end of whole replies, by percentile.",
    "provider_last_success_age_seconds": "Seconds since content last came.",
    "provider_evidence_age_seconds": "How old the evidence is that the state rests on.",
    "provider_limit_used": "Of a limit that this side keeps, what is used.",
    "provider_limit": "A limit that this side keeps.",
    "provider_spent_today": "What was spent on the provider in this day of UTC, as far as it is known.",
    "provider_wasted_today": "The part of it that brought nothing.",
    "provider_unknown_cost_today": "Answers of this day of UTC whose cost is not known.",
    "provider_budget": "What may be spent on the provider in a day.",
    "provider_probe_seconds": "How long the probe of this report took.",
}


class _Value(NamedTuple):
    name: str
    number: float
    labels: tuple[tuple[str, str], ...] = ()


def as_prometheus(report: HealthReport) -> str:
    """Return `report` in the text exposition format, version 0.0.4.

    Raises:
        ImportError: The extra `prometheus` is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
    except ImportError as error:
        raise missing("as_prometheus", "prometheus-client", "prometheus") from error
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for value in _values(report):
        if not math.isfinite(value.number):
            continue
        gauge = gauges.get(value.name)
        if gauge is None:
            labels = [label for label, _ in value.labels]
            gauge = Gauge(_PREFIX + value.name, _HELP[value.name], labels, registry=registry)
            gauges[value.name] = gauge
        (gauge.labels(**dict(value.labels)) if value.labels else gauge).set(
            round(value.number, 12 if value.name.endswith("today") else 6)
        )
    return generate_latest(registry).decode()


def _values(report: HealthReport) -> Iterator[_Value]:
    yield from _chain(report)
    names: set[str] = set()
    for entry in report.providers:
        name = distinct(clean(entry.provider), names)
        names.add(name)
        yield from _provider(entry, name)


def _chain(report: HealthReport) -> Iterator[_Value]:
    for verdict in _VERDICTS:
        yield _Value("verdict", report.verdict == verdict, (("verdict", verdict),))
    yield _Value("can_answer", report.can_answer)
    yield _Value("retry_budget_left", report.retry_budget.left)


def distinct(name: str, taken: Collection[str]) -> str:
    """Return `name`, with a number behind it where it is taken: a series may be there only once."""
    candidates = itertools.chain([name], (f"{name} ({number})" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _provider(entry: ProviderHealth, name: str) -> Iterator[_Value]:
    who = ("provider", name)
    for state in STATES:
        yield _Value("provider_state", entry.state == state, (who, ("state", state)))
    for breaker in get_args(BreakerState):
        yield _Value("provider_breaker_state", entry.breaker.state == breaker, (who, ("state", breaker)))
    for outcome in ("committed", "failed", "skipped", "cancelled"):
        count = getattr(entry.traffic.attempts, outcome)
        yield _Value("provider_attempts", count, (who, ("outcome", outcome)))
    for verdict in ("complete", "truncated", "failed", "refused", "cancelled", "closed"):
        count = getattr(entry.traffic.replies, verdict)
        yield _Value("provider_replies", count, (who, ("verdict", verdict)))
    for what, times in (("first_content", entry.traffic.first_content), ("total", entry.traffic.total)):
        for percentile, number in (("50", times.p50), ("95", times.p95), ("99", times.p99)):
            if number is not None:
                yield _Value(f"provider_{what}_seconds", number, (who, ("percentile", percentile)))
    yield from _money(entry, who)
    single = {
        "provider_can_answer": float(entry.can_answer),
        "provider_back_in_seconds": entry.back_in or 0.0,
        "provider_success_ratio": entry.traffic.success_ratio,
        "provider_last_success_age_seconds": entry.last_success_age,
        "provider_evidence_age_seconds": entry.evidence_age,
        "provider_probe_seconds": None if entry.probe is None else entry.probe.seconds,
    }
    yield from (_Value(metric, number, (who,)) for metric, number in single.items() if number is not None)


def _money(entry: ProviderHealth, who: tuple[str, str]) -> Iterator[_Value]:
    for each in entry.limits:
        yield _Value("provider_limit_used", each.used, (who, ("limit", each.name)))
        yield _Value("provider_limit", each.limit, (who, ("limit", each.name)))
    today = entry.spending
    if today is None:
        return
    yield _Value("provider_unknown_cost_today", today.unknown, (who,))
    amounts = {"spent_today": today.spent, "wasted_today": today.wasted, "budget": today.budget}
    for name, amount in amounts.items():
        if amount is not None:
            yield _Value(f"provider_{name}", float(amount), (who, ("currency", today.currency)))
