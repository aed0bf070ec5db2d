"""The default observer: events as structlog lines. It never configures structlog, and prints nothing itself.

One canonical line per request (`reply.completed`, `reply.failed`, `reply.cancelled`, `reply.closed`), debug
lines for the rest; but the first failure of a provider for a reason in a minute is an INFO line, so that
nobody wonders why another provider answered. Where the application has not configured structlog, whose
default prints to stdout, the lines go to the standard library's logger `router`, which has a NullHandler;
there the message itself says what matters, since most formats leave `extra` out.
"""

from __future__ import annotations

import logging
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import structlog

from router.events import (
    AdapterBroke,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    CostBooked,
    ObserverFailed,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    SharingChanged,
    WaitStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from router.events import Attempt, Event

NAME: Final = "router"
_ENDS: Final = {
    "complete": ("info", "reply.completed"),
    "truncated": ("warning", "reply.failed"),
    "failed": ("warning", "reply.failed"),
    "refused": ("warning", "reply.failed"),
    "cancelled": ("info", "reply.cancelled"),
    "closed": ("info", "reply.closed"),
}
Line = tuple[str, str, dict[str, Any]]
"""Level, name and fields of a log line."""

_MOST_URGENT: Final[dict[type, int]] = {
    RequestStarted: logging.DEBUG,
    AttemptStarted: logging.DEBUG,
    AttemptEnded: logging.INFO,
    WaitStarted: logging.DEBUG,
    CostBooked: logging.DEBUG,
    ProbeEnded: logging.DEBUG,
}
"""The most urgent level that a line of an event can have, where it is the same for all and not ERROR."""

_QUIET: Final = 60.0
"""Seconds for which the same failure of a provider is not told at INFO again."""
_MOST_TOLD: Final = 1024
"""Failures remembered for that: reasons come from peers."""
_SHOWN: Final = ("provider", "key", "verdict", "attempts", "outcome", "error", "reason", "seconds")
"""Fields that a message of the standard library's logger shows, in this order."""


def _say_it(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put what matters into the message itself; a processor of structlog."""
    shown = [f"{name}={_word(event[name])}" for name in _SHOWN if event.get(name) not in (None, "")]
    event["event"] = " ".join([event["event"], *shown])
    return event


def _word(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text or "\n" in text else text


_logger: Final = logging.getLogger(NAME)
_logger.addHandler(logging.NullHandler())
_standard: Any = structlog.wrap_logger(
    _logger,
    processors=[structlog.stdlib.filter_by_level, _say_it, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger,
    context_class=dict,
    cache_logger_on_first_use=True,
)


class LogObserver:
    """Logs every event.

    Args:
        clock: Returns seconds that do not go backwards; for what is told once a minute.
    """

    __slots__ = ("_clock", "_told")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def listens_to(self, kind: type[Event]) -> bool:
        """Whether an event of this class may become a line."""
        return structlog.is_configured() or _logger.isEnabledFor(_MOST_URGENT.get(kind, logging.ERROR))

    def __call__(self, event: Event) -> None:
        """Log one event."""
        configured = structlog.is_configured()
        if not configured and not _logger.isEnabledFor(_most_urgent(event)):
            return  # nobody listens, so no line is made
        logger = structlog.get_logger(NAME) if configured else _standard
        level, name, fields = _LINES[type(event)](event)
        if isinstance(event, AttemptEnded) and self._is_news(event.attempt):
            level = "info"
        getattr(logger, level)(name, **fields)

    def _is_news(self, attempt: Attempt) -> bool:
        """Whether a provider failed for a reason that was not told within the last minute."""
        if attempt.outcome != "failed":
            return False
        now, failure = self._clock(), (attempt.provider, attempt.reason)
        told = self._told.pop(failure, None)
        if told is not None and now - told < _QUIET:
            self._told[failure] = told
            return False
        while len(self._told) >= _MOST_TOLD:
            del self._told[next(iter(self._told))]
        self._told[failure] = now
        return True


def _most_urgent(event: Event) -> int:
    """Return the most urgent level that the line of an event can have."""
    if isinstance(event, RequestEnded):
        return logging.INFO if _ENDS[event.verdict][0] == "info" else logging.WARNING
    return _MOST_URGENT.get(type(event), logging.ERROR)


def _request_started(event: RequestStarted) -> Line:
    fields = {"messages": event.messages, "model": event.model, "providers": list(event.providers)}
    return "debug", "request.started", {"request_id": event.request_id, **fields}


def _attempt_started(event: AttemptStarted) -> Line:
    fields = {"provider": event.provider, "number": event.number, "round": event.round}
    limit = round(event.limit, 3)
    return "debug", "attempt.started", {"request_id": event.request_id, **fields, "limit": limit}


def _attempt_ended(event: AttemptEnded) -> Line:
    attempt = event.attempt
    fields: dict[str, Any] = {
        "request_id": event.request_id,
        "provider": attempt.provider,
        "number": attempt.number,
        "round": attempt.round,
        "phase": attempt.phase,
        "outcome": attempt.outcome,
        "error": type(attempt.error).__name__ if attempt.error is not None else None,
        "reason": attempt.reason,
        "seconds": round(attempt.seconds, 3),
        "dropped": list(attempt.dropped),
    }
    if attempt.key is not None:
        fields["key"] = attempt.key
    if attempt.rewritten:
        fields["rewritten"] = list(attempt.rewritten)
    return "debug", "attempt.ended", fields


def _wait_started(event: WaitStarted) -> Line:
    fields = {"request_id": event.request_id, "round": event.round, "seconds": round(event.seconds, 3)}
    return "debug", "wait.started", fields


def _request_ended(event: RequestEnded) -> Line:
    level, name = _ENDS[event.verdict]
    fields: dict[str, Any] = {
        "request_id": event.request_id,
        "verdict": event.verdict,
        "provider": event.provider,
        "model": event.model,
        "attempts": len(event.attempts),
        "tried": [a.provider for a in event.attempts if a.outcome != "skipped"],
        "first_content": None if event.first_content is None else round(event.first_content, 3),
        "seconds": round(event.seconds, 3),
        "deltas": event.deltas,
        "characters": event.characters,
        "revised": event.revised,
    }
    if event.cost is not None:
        fields["cost"] = str(event.cost)
    if wasted := event.wasted:
        known = [attempt.cost for attempt in wasted if attempt.cost is not None]
        fields["wasted"] = [attempt.provider for attempt in wasted]
        fields["wasted_cost"] = str(sum(known[1:], known[0])) if len(known) == len(wasted) else "unknown"
    if event.error is not None:
        fields["error"] = type(event.error).__name__
    return level, name, fields


def _cost_booked(event: CostBooked) -> Line:
    usage = event.usage
    fields = {
        "request_id": event.request_id,
        "provider": event.provider,
        "model": event.model,
        "cost": None if event.cost is None else str(event.cost),
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
        "wasted": event.wasted,
    }
    return "debug", "cost.booked", fields


def _reply_switched(event: ReplySwitched) -> Line:
    switch = event.switch
    fields = {"kind": switch.kind, "left": switch.left, "taken_by": switch.taken_by, "shown": switch.shown}
    error = type(event.error).__name__
    return "warning", "reply.switched", {"request_id": event.request_id, **fields, "error": error}


def _probe_ended(event: ProbeEnded) -> Line:
    result = event.result
    fields = {
        "provider": event.provider,
        "working": result.working,
        "reason": result.reason,
        "level_of_probe": result.level,
        "seconds": round(result.seconds, 3),
    }
    return "debug", "probe.ended", fields


def _clean_up_failed(event: CleanUpFailed) -> Line:
    fields = {"provider": event.provider, "error": type(event.error).__name__, "reason": str(event.error)}
    return "warning", "cleanup.failed", {"request_id": event.request_id, **fields}


def _adapter_broke(event: AdapterBroke) -> Line:
    fields = {"provider": event.provider, "error": type(event.error).__name__, "exc_info": event.error}
    return "error", "adapter.broke", {"request_id": event.request_id, **fields}


def _observer_failed(event: ObserverFailed) -> Line:
    return "error", "observer.failed", {"observer": event.observer, "exc_info": event.error}


def _sharing_changed(event: SharingChanged) -> Line:
    if event.shared:
        return "info", "replicas.shared", {"replicas": event.replicas}
    return "warning", "replicas.alone", {"error": event.reason, "replicas": event.replicas}


_LINES: Final[MappingProxyType[type, Callable[[Any], Line]]] = MappingProxyType(
    {
        AdapterBroke: _adapter_broke,
        AttemptEnded: _attempt_ended,
        AttemptStarted: _attempt_started,
        CleanUpFailed: _clean_up_failed,
        CostBooked: _cost_booked,
        ObserverFailed: _observer_failed,
        ProbeEnded: _probe_ended,
        ReplySwitched: _reply_switched,
        RequestEnded: _request_ended,
        RequestStarted: _request_started,
        SharingChanged: _sharing_changed,
        WaitStarted: _wait_started,
    }
)
