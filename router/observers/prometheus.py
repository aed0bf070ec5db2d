"""The router's metrics for Prometheus: few labels, whose values are names of providers and of classes.

chat_router_requests_total                 verdict
chat_router_attempts_total                 provider, outcome, error
chat_router_first_content_seconds          provider
chat_router_reply_seconds                  provider
chat_router_probes_total                   provider, working
chat_router_switches_total                 left, taken_by
chat_router_cleanup_failures_total         provider
chat_router_adapter_bugs_total             provider
chat_router_tokens_total                   provider, kind
chat_router_cost_total                     provider, currency
chat_router_wasted_cost_total              provider, currency
chat_router_unknown_costs_total            provider
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from router.events import (
    AdapterBroke,
    AttemptEnded,
    CleanUpFailed,
    CostBooked,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
)
from router.observers._extra import missing

try:
    from prometheus_client import REGISTRY, Counter, Histogram
except ImportError as _error:
    raise missing("PrometheusObserver", "prometheus-client", "prometheus") from _error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from router.events import Attempt, Event

M = TypeVar("M", Counter, Histogram)
FIRST_CONTENT: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Bounds in seconds: from a quick service to one whose patience ends."""
REPLY: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bounds in seconds: to the default of `Timeouts.total`."""
_COUNTED: Final = (
    AdapterBroke,
    AttemptEnded,
    CleanUpFailed,
    CostBooked,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
)
_WORKING: Final = {True: "yes", False: "no", None: "unknown"}


class PrometheusObserver:
    """Counts what happens in a router; an observer of it.

    An attempt is counted when it comes to its outcome; `error` is the class of its error, empty where there
    is none. The first content is timed from the start of the attempt that brought it, the reply from the
    start of the request to its end, for requests that were answered.

    Args:
        registry: Where the metrics are; by default that of the process. Give one observer to all routers that
            share a registry.

    Raises:
        ValueError: The registry has metrics of such names already.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = REGISTRY if registry is None else registry
        self._made: list[Any] = []
        self._requests = self._new(Counter, "requests", "Requests by how they ended.", ["verdict"])
        self._attempts = self._new(
            Counter, "attempts", "Attempts by outcome and class of error.", ["provider", "outcome", "error"]
        )
        self._first_content = self._new(
            Histogram,
            "first_content_seconds",
            "From the start of an attempt to its first content.",
            ["provider"],
            buckets=FIRST_CONTENT,
        )
        self._reply = self._new(
            Histogram,
            "reply_seconds",
            "From the start of a request to the end of its reply.",
            ["provider"],
            buckets=REPLY,
        )
        self._probes = self._new(Counter, "probes", "Probes by what they found.", ["provider", "working"])
        self._switches = self._new(
            Counter, "switches", "Replies that another provider took over.", ["left", "taken_by"]
        )
        self._cleanups = self._new(
            Counter, "cleanup_failures", "Clean-ups that may have left something behind.", ["provider"]
        )
        self._bugs = self._new(
            Counter, "adapter_bugs", "Errors of adapters that no adapter should raise.", ["provider"]
        )
        self._add_costs()

    def _add_costs(self) -> None:
        """Make the metrics of tokens and money."""
        self._tokens = self._new(
            Counter,
            "tokens",
            "Tokens that providers counted, where prices or limits are kept.",
            ["provider", "kind"],
        )
        self._cost = self._new(Counter, "cost", "What answers cost.", ["provider", "currency"])
        self._wasted = self._new(
            Counter, "wasted_cost", "The part of the cost that brought nothing.", ["provider", "currency"]
        )
        self._unknown = self._new(
            Counter,
            "unknown_costs",
            "Answers whose cost is not known, where prices or limits are kept.",
            ["provider"],
        )

    def _new(self, kind: type[M], name: str, about: str, labels: Sequence[str], **further: Any) -> M:
        try:
            made = kind(f"chat_router_{name}", about, labels, registry=self._registry, **further)
        except ValueError as error:
            for each in self._made:
                self._registry.unregister(each)
            raise ValueError(
                f"the registry has a metric chat_router_{name} already; give one PrometheusObserver to all "
                "routers, or each a registry of its own"
            ) from error
        self._made.append(made)
        return made

    def listens_to(self, kind: type[Event]) -> bool:
        """Whether events of this class are counted."""
        return kind in _COUNTED

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        match event:
            case AttemptEnded(attempt=attempt):
                self._attempted(attempt)
            case RequestEnded():
                self._requests.labels(event.verdict).inc()
                if event.provider is not None:
                    self._reply.labels(event.provider).observe(event.seconds)
            case ReplySwitched(switch=switch):
                self._switches.labels(switch.left, switch.taken_by).inc()
            case CostBooked():
                self._booked(event)
            case CleanUpFailed():
                self._cleanups.labels(event.provider).inc()
            case AdapterBroke():
                self._bugs.labels(event.provider).inc()
            case ProbeEnded(result=result):
                self._probes.labels(event.provider, _WORKING[result.working]).inc()

    def _booked(self, event: CostBooked) -> None:
        if event.usage is not None:
            for kind in ("prompt", "completion", "cached", "cache_write", "reasoning"):
                count = getattr(event.usage, f"{kind}_tokens")
                if count:
                    self._tokens.labels(event.provider, kind).inc(count)
        if event.cost is None:
            self._unknown.labels(event.provider).inc()
            return
        amount, currency = float(event.cost.amount), event.cost.currency
        self._cost.labels(event.provider, currency).inc(amount)
        if event.wasted:
            self._wasted.labels(event.provider, currency).inc(amount)

    def _attempted(self, attempt: Attempt) -> None:
        error = "" if attempt.error is None else type(attempt.error).__name__
        self._attempts.labels(attempt.provider, attempt.outcome, error).inc()
        if attempt.outcome == "committed":
            self._first_content.labels(attempt.provider).observe(attempt.seconds)
