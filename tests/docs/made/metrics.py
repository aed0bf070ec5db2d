"""The metrics and spans of the observers, and the gauges of a report: asked of those who make them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from adapters import ProbeResult
from router import AttemptEnded, WaitStarted
from router.health.report import HealthReport, LimitUse, ProviderHealth, RetryAllowance
from router.health.traffic_summary import AttemptCounts, Percentiles, Traffic
from router.observers import OpenTelemetryObserver, PrometheusObserver
from router.provider.account import Spending
from router.report import prometheus
from tests.docs.made.events import COMMITTED, FAILED, LEFT, STARTED, SWITCHED, ended
from tests.docs.made.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator


def metrics() -> str:
    """A row for each metric of `PrometheusObserver`."""
    observer = PrometheusObserver(CollectorRegistry())
    rows = []
    for made in observer._made:
        (family,) = made.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append((f"`{name}`", family.type, ", ".join(made._labelnames), family.documentation))
    return table(("metric of `PrometheusObserver`", "kind", "labels", "what it is"), rows)


def gauges() -> str:
    """A row for each gauge of a report, with everything known in it."""
    times = Percentiles.of([1.0])
    traffic = Traffic(
        attempts=AttemptCounts(committed=1), success_ratio=1.0, first_content=times, total=times
    )
    entry = ProviderHealth(
        "one",
        evidence_age=1.0,
        last_success_age=1.0,
        traffic=traffic,
        probe=ProbeResult(True, "it lists its models", seconds=1.0),
        limits=(LimitUse("daily_requests", 1.0, 2.0),),
        spending=Spending("usd", budget=Decimal(5)),
    )
    labels: dict[str, str] = {}
    for value in prometheus._values(HealthReport((entry,), None, RetryAllowance(1.0, 1.0))):
        labels[value.name] = ", ".join(name for name, _ in value.labels)
    missing = set(prometheus._HELP) ^ set(labels)
    if missing:
        raise ValueError(f"{sorted(missing)}: give the report of this function what makes these gauges")
    rows = [
        (f"`{prometheus._PREFIX}{name}`", labels[name], about) for name, about in prometheus._HELP.items()
    ]
    return table(("gauge of a health report", "labels", "what it is"), rows)


def _spans() -> Iterator[tuple[str, set[str]]]:
    """The spans of two requests: one that met everything and broke off, and one that was answered."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observer = OpenTelemetryObserver(provider)
    for verdict in ("truncated", "complete"):
        observer(STARTED)
        observer(AttemptEnded("id", FAILED))
        observer(WaitStarted("id", 1, 0.1))
        observer(AttemptEnded("id", COMMITTED))
        observer(SWITCHED)
        observer(LEFT)
        observer(ended(verdict, much=True))
    for span in exporter.get_finished_spans():
        yield span.name.partition(" ")[0], set(span.attributes or ())
    provider.shutdown()


def spans() -> str:
    """A row for each kind of span, with the attributes that it can have."""
    found: dict[str, set[str]] = {}
    for kind, attributes in _spans():
        found.setdefault(kind, set()).update(attributes)
    about = {
        "chat": ("`chat MODEL`", "the call", "the end of the reply"),
        "attempt": (
            "`attempt PROVIDER`, below it",
            "its start",
            "its outcome; where it committed, the end of its reply",
        ),
    }
    rows = [
        (*about[kind], ", ".join(f"`{name}`" for name in sorted(found[kind], key=_order))) for kind in about
    ]
    return table(("span of `OpenTelemetryObserver`", "from", "to", "attributes"), rows)


def _order(name: str) -> tuple[bool, str]:
    return name.startswith("chat_router."), name  # the conventions' names first
