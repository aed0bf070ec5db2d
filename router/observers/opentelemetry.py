"""Spans for OpenTelemetry: one for each request, and below it one for each attempt.

    chat small                    the request, from the call to the end of the reply
      attempt first               failed: from its start to its outcome
      attempt second              committed: from its start to the end of its reply, or to its breaking off

The request's span is what the conventions for generative AI call an inference: what tools count and add up,
such as tokens, stands on it alone. Each attempt's span has the provider, the duration and the outcome.
Spans hold names, numbers and classes of errors; never a prompt, a reply, or the words of a service.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from router.events import (
    AttemptEnded,
    CleanUpFailed,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    WaitStarted,
)
from router.observers import _attributes as names
from router.observers._extra import missing

try:
    from opentelemetry import trace
except ImportError as _error:
    raise missing("OpenTelemetryObserver", "opentelemetry-api", "otel") from _error

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span, Tracer, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from router.events import Attempt, Event

MOST: Final = 10_000
"""Requests under way that are remembered; of one more, the oldest is given up, and its spans end."""
_SECOND: Final = 1_000_000_000  # in nanoseconds, the unit of spans
_FAILED: Final = ("truncated", "failed", "refused")


@dataclass(slots=True)
class _Reply:
    """A reply that is being read.

    Attributes:
        span: Of the attempt that brought it.
        committed: When its first content came, in seconds from the start of the request.
        broke_off: When it had broken off: the first attempt to take it over began.
    """

    span: Span
    committed: float
    broke_off: float | None = None


@dataclass(slots=True)
class _Request:
    """A request under way.

    Attributes:
        span: Its own.
        started: When it started, in nanoseconds since 1970.
        model: That was asked for.
        replies: The one that is being read, and before it one that broke off and is being taken over.
        waits: Rounds that ended without an answer.
        switches: Takeovers.
        left_behind: Providers whose clean-up failed.
    """

    span: Span
    started: int
    model: str | None
    replies: list[_Reply] = field(default_factory=list)
    waits: int = 0
    switches: int = 0
    left_behind: list[str] = field(default_factory=list)

    def at(self, seconds: float) -> int:
        """Return the time that is `seconds` after the start, in nanoseconds since 1970."""
        return self.started + round(seconds * _SECOND)


class OpenTelemetryObserver:
    """Makes spans of what happens in a router; an observer of it.

    Times are those of the router: durations of its monotonic clock, counted from the time of day at which
    the request began. The request's span belongs to the span that is current where the router is called. The
    spans are not made current themselves, so those of an instrumented HTTP client stand beside them.

    Args:
        tracer_provider: Whose tracer to use; by default the process's own.
        clock: Returns the time of day in nanoseconds since 1970.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._tracer: Tracer = trace.get_tracer("chat-router", _version(), tracer_provider)
        self._clock = clock
        self._requests: OrderedDict[str, _Request] = OrderedDict()

    def __call__(self, event: Event) -> None:
        """Start, update or end the spans of `event`; ignore events of unknown requests."""
        if isinstance(event, RequestStarted):
            self._begin(event)
            return
        request = self._requests.get(getattr(event, "request_id", None) or "")
        if request is None:
            return
        match event:
            case AttemptEnded(attempt=attempt):
                self._attempted(request, attempt)
            case WaitStarted():
                request.waits += 1
            case ReplySwitched(error=error):
                request.switches += 1
                if len(request.replies) > 1:
                    self._end_reply(request, request.replies.pop(0), self._clock(), error)
            case CleanUpFailed():
                request.left_behind.append(event.provider)
            case RequestEnded():
                del self._requests[event.request_id]
                self._end(request, event)

    def _begin(self, event: RequestStarted) -> None:
        attributes: dict[str, AttributeValue] = {
            names.OPERATION: names.CHAT,
            names.REQUEST_STREAM: True,
            names.REQUEST_ID: event.request_id,
            names.CANDIDATES: event.providers,
        }
        name = names.CHAT
        if event.model is not None:
            attributes[names.REQUEST_MODEL] = event.model
            name = f"{names.CHAT} {event.model}"
        started = self._clock()
        self._give_up(event.request_id)
        span = self._tracer.start_span(
            name, kind=trace.SpanKind.CLIENT, attributes=attributes, start_time=started
        )
        self._requests[event.request_id] = _Request(span, started, event.model)
        if len(self._requests) > MOST:
            self._give_up(next(iter(self._requests)))

    def _attempted(self, request: _Request, attempt: Attempt) -> None:
        """Make the span of an ended attempt; the span of a committed one lasts as long as its reply."""
        if request.replies:
            reply = request.replies[-1]
            # One that began before the commit is the loser of a race; one that began later takes over.
            if attempt.started > reply.committed and reply.broke_off is None:
                reply.broke_off = attempt.started
        span = self._tracer.start_span(
            f"attempt {attempt.provider}",
            context=trace.set_span_in_context(request.span),
            attributes=_of_attempt(attempt, request.model),
            start_time=request.at(attempt.started),
        )
        end = attempt.started + attempt.seconds
        if attempt.outcome == "committed":
            request.replies.append(_Reply(span, end))
            return
        if attempt.outcome == "failed":
            _fail(span, attempt.error)
        span.end(request.at(end))

    def _end_reply(self, request: _Request, reply: _Reply, now: int, error: Exception | None) -> None:
        if error is not None:
            _fail(reply.span, error)
        reply.span.end(now if reply.broke_off is None else request.at(reply.broke_off))

    def _end(self, request: _Request, event: RequestEnded) -> None:
        span, end = request.span, request.at(event.seconds)
        failed = event.verdict in _FAILED
        while request.replies:
            reply = request.replies.pop()
            self._end_reply(request, reply, end, event.error if failed else None)
        if failed:
            _fail(span, event.error)
        span.set_attributes(_of_end(event, request))
        span.end(end)

    def _give_up(self, request_id: str) -> None:
        """End the spans of a request whose end never came."""
        request = self._requests.pop(request_id, None)
        if request is None:
            return
        now = self._clock()
        for reply in request.replies:
            self._end_reply(request, reply, now, None)
        request.span.end(now)

    def __repr__(self) -> str:
        return f"<OpenTelemetryObserver: {len(self._requests)} requests under way>"


def _of_attempt(attempt: Attempt, model: str | None) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        names.PROVIDER: attempt.provider,
        names.NUMBER: attempt.number,
        names.ROUND: attempt.round,
        names.PHASE: attempt.phase,
        names.OUTCOME: attempt.outcome,
    }
    if model is not None:
        found[names.REQUEST_MODEL] = model
    if attempt.dropped:
        found[names.DROPPED] = attempt.dropped
    if attempt.repeat:
        found[names.REPEAT] = True
    if attempt.key is not None:
        found[names.KEY] = attempt.key
    return found


def _of_end(event: RequestEnded, request: _Request) -> dict[str, AttributeValue]:
    usage = event.usage
    found: dict[str, AttributeValue | None] = {
        names.VERDICT: event.verdict,
        names.ATTEMPTS: sum(attempt.outcome != "skipped" for attempt in event.attempts),
        names.PROVIDER: event.provider,
        names.RESPONSE_MODEL: event.model,
        names.FINISH_REASONS: None if event.finish_reason is None else (event.finish_reason,),
        names.TIME_TO_FIRST_CHUNK: event.first_content,
        names.INPUT_TOKENS: None if usage is None else usage.prompt_tokens,
        names.OUTPUT_TOKENS: None if usage is None else usage.completion_tokens,
        names.CACHED_TOKENS: None if usage is None else usage.cached_tokens,
        names.CACHE_WRITE_TOKENS: None if usage is None else usage.cache_write_tokens,
        **_of_costs(event),
        names.WAITS: request.waits or None,
        names.SWITCHES: request.switches or None,
        names.LEFT_BEHIND: tuple(request.left_behind) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _of_costs(event: RequestEnded) -> dict[str, AttributeValue | None]:
    wasted = event.wasted
    if event.cost is None and not wasted:
        return {}
    known = [attempt.cost for attempt in wasted if attempt.cost is not None]
    one = event.cost or next(iter(known), None)
    return {
        names.COST: None if event.cost is None else float(event.cost.amount),
        names.CURRENCY: None if one is None else one.currency,
        names.WASTED_COST: float(sum(cost.amount for cost in known)) if known else None,
        names.WASTED: len(wasted) or None,
    }


def _fail(span: Span, error: Exception | None) -> None:
    """Mark a span as failed, by the class of the error alone: its text may quote a service."""
    span.set_attribute(names.ERROR_TYPE, "_OTHER" if error is None else type(error).__name__)
    span.set_status(trace.StatusCode.ERROR)


def _version() -> str | None:
    try:
        return version("chat-router")
    except PackageNotFoundError:  # the sources are used without being installed
        return None
