"""The default observer: events as structlog lines. It never configures structlog, and prints nothing itself.

One canonical line per request (`reply.completed`, `reply.failed`, `reply.cancelled`, `reply.closed`), debug
lines for the rest. Where the application has not configured structlog, whose default prints to stdout, the
lines go to the standard library's logger `router`, which has a NullHandler.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import structlog

from router.events import (
    AdapterBroke,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    ObserverFailed,
    ProbeEnded,
    RequestEnded,
    RequestStarted,
    WaitStarted,
)

if TYPE_CHECKING:
    from router.events import Event

NAME: Final = "router"
_LINES: Final = {
    "complete": ("info", "reply.completed"),
    "truncated": ("warning", "reply.failed"),
    "failed": ("warning", "reply.failed"),
    "refused": ("warning", "reply.failed"),
    "cancelled": ("info", "reply.cancelled"),
    "closed": ("info", "reply.closed"),
}

logging.getLogger(NAME).addHandler(logging.NullHandler())
_standard: Any = structlog.wrap_logger(
    logging.getLogger(NAME),
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger,
    context_class=dict,
    cache_logger_on_first_use=True,
)


def log_event(event: Event) -> None:
    """Log one event; the default observer of a router."""
    logger = structlog.get_logger(NAME) if structlog.is_configured() else _standard
    match event:
        case RequestEnded():
            level, name = _LINES[event.verdict]
            getattr(logger, level)(name, **_canonical(event))
        case AttemptEnded():
            logger.debug("attempt.ended", request_id=event.request_id, **_attempt(event))
        case AttemptStarted():
            logger.debug(
                "attempt.started",
                request_id=event.request_id,
                provider=event.provider,
                number=event.number,
                round=event.round,
                limit=round(event.limit, 3),
            )
        case RequestStarted():
            logger.debug(
                "request.started",
                request_id=event.request_id,
                providers=list(event.providers),
                messages=event.messages,
                model=event.model,
            )
        case WaitStarted():
            logger.debug(
                "wait.started",
                request_id=event.request_id,
                round=event.round,
                seconds=round(event.seconds, 3),
            )
        case ProbeEnded():
            result = event.result
            logger.debug(
                "probe.ended",
                provider=event.provider,
                working=result.working,
                reason=result.reason,
                level_of_probe=result.level,
                seconds=round(result.seconds, 3),
            )
        case CleanUpFailed():
            logger.warning(
                "cleanup.failed",
                request_id=event.request_id,
                provider=event.provider,
                error=type(event.error).__name__,
                reason=str(event.error),
            )
        case AdapterBroke():
            logger.error(
                "adapter.broke",
                request_id=event.request_id,
                provider=event.provider,
                error=type(event.error).__name__,
                exc_info=event.error,
            )
        case ObserverFailed():
            logger.error("observer.failed", observer=event.observer, exc_info=event.error)


def _canonical(event: RequestEnded) -> dict[str, Any]:
    line: dict[str, Any] = {
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
    }
    if event.error is not None:
        line["error"] = type(event.error).__name__
    return line


def _attempt(event: AttemptEnded) -> dict[str, Any]:
    attempt = event.attempt
    return {
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
