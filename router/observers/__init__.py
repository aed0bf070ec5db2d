"""Observers for other people's telemetry; each needs an extra of its own.

    OpenTelemetryObserver    a span for each request and each attempt; pip install '.[otel]'
    PrometheusObserver       counters and histograms; pip install '.[prometheus]'

    Router(providers, observers=[PrometheusObserver()])

Each is imported when it is first asked for. An observer may serve several routers. None of them exports a
prompt, a reply or the words of a service.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from router.observers.opentelemetry import OpenTelemetryObserver
    from router.observers.prometheus import PrometheusObserver

__all__ = ["OpenTelemetryObserver", "PrometheusObserver"]

_HOMES: Final = {
    "OpenTelemetryObserver": "router.observers.opentelemetry",
    "PrometheusObserver": "router.observers.prometheus",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
