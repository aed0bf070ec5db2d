"""What is known about each provider, and the report of it. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from adapters.contract import Outcome
from adapters.errors import (
    AdapterError,
    Busy,
    ContentRefused,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
)
from router.strategy import Candidate, Pace

if TYPE_CHECKING:
    from adapters.contract import Adapter, ProbeResult
    from router.breaker import BreakerSnapshot, CircuitBreaker
    from router.retry import RetryPolicy

Health: TypeAlias = Literal["working", "held back", "not working", "not known"]
NO_EVIDENCE: Final = (Busy, ContentRefused, InvalidRequest, LocalFailure, NotWorking)
"""Errors that a breaker does not count: of the caller, of this side, or remembered in another way."""


@dataclass(slots=True)
class Provider:
    """A configured adapter in a router, and what requests have shown of it.

    Attributes:
        adapter: What speaks to the service.
        breaker: Leaves it alone while it fails.
        held_until: Nobody asks it before this time on the event loop's clock.
        held_reason: Why.
        last_error: The newest failure.
        last_error_at: When it was.
        last_success_at: When content last came.
        missing_models: Model -> the time until which it is not asked for it.
        pace: How fast it brings its first content.
    """

    adapter: Adapter
    breaker: CircuitBreaker
    held_until: float | None = None
    held_reason: str = ""
    last_error: AdapterError | None = None
    last_error_at: float | None = None
    last_success_at: float | None = None
    missing_models: dict[str | None, float] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.adapter.name

    def succeeded(self, now: float, seconds: float) -> None:
        """Learn that content came `now`, `seconds` after it was asked.

        It ends no Retry-After: who answers while held back was asked before that.
        """
        self.last_success_at = now
        self.pace.add(now, seconds)
        self.adapter.mark(Outcome(now))

    def failed(self, error: AdapterError, model: str | None, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed before content: what to remember for other requests."""
        if isinstance(error, ModelNotFound):
            self.missing_models[model] = now + policy.missing_model_pause
        self.broke_off(error, now, policy)

    def broke_off(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        self.last_error, self.last_error_at = error, now
        pause = policy.push_back(error)
        if pause is None and isinstance(error, QuotaExhausted):
            pause = policy.quota_pause
        if pause is not None:
            until = now + min(pause, policy.remember)
            if self.held_until is None or until > self.held_until:
                self.held_until, self.held_reason = until, type(error).__name__
        self.adapter.mark(Outcome(now, error))

    def held(self, now: float) -> float | None:
        """Return the seconds for which it is still held back, or None."""
        if self.held_until is None or now >= self.held_until:
            return None
        return self.held_until - now

    def come_back(self, now: float) -> float | None:
        """Return the seconds until it may be asked again, where time alone brings it back; else None."""
        permit_in = self.breaker.permit_in(now)
        if permit_in is None:  # isolated by hand
            return None
        return max(permit_in, self.held(now) or 0.0) or None

    def candidate(self, now: float) -> Candidate:
        """Return what a strategy knows of it."""
        healthy = self.adapter.working_at(now) is not False and self.held(now) is None
        permitted = self.breaker.permit_in(now) == 0
        return Candidate(self.name, healthy and permitted, self.pace.first_content, self.pace.measured_at)

    def lacks_model(self, model: str | None, now: float) -> bool:
        """Whether it said lately that it does not have `model`."""
        until = self.missing_models.get(model)
        if until is not None and now >= until:
            del self.missing_models[model]
            return False
        return until is not None

    def snapshot(self, now: float, probe: ProbeResult | None = None) -> ProviderHealth:
        """Return what is known now."""
        working = self.adapter.working_at(now)
        held = self.held(now)
        health: Health = "not known" if working is None else "working" if working else "not working"
        reason = self.adapter.working_reason
        breaker = self.breaker.snapshot(now)
        if working is not False and held is not None:
            health, reason = "held back", f"{self.held_reason}: asked to stay away"
        elif working is not False and breaker.permit_in != 0:
            health, reason = "held back", f"circuit breaker {breaker.state}"
            held = breaker.permit_in
        return ProviderHealth(
            provider=self.name,
            health=health,
            working=working,
            reason=reason,
            since=_ago(self.adapter.working_since, now),
            held_for=held,
            last_error=type(self.last_error).__name__ if self.last_error is not None else None,
            last_error_text=str(self.last_error) if self.last_error is not None else None,
            last_error_ago=_ago(self.last_error_at, now),
            last_success_ago=_ago(self.last_success_at, now),
            probe=probe,
            breaker=breaker,
        )


def _ago(then: float | None, now: float) -> float | None:
    return None if then is None else max(0.0, now - then)


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """What is known about one provider at one moment; times are seconds before it.

    Attributes:
        provider: Its name.
        health: working, held back, not working, or not known.
        working: The adapter's word: True, False or None.
        reason: Why.
        since: How long `working` has been so; None from the start.
        held_for: Seconds until it may be asked again, where it is held back.
        last_error: Class of the newest failure.
        last_error_text: Its text: cut, escaped, masked.
        last_error_ago: When it was.
        last_success_ago: When content last came.
        probe: The probe of this report, where there was one.
        breaker: What its circuit breaker knows.
    """

    provider: str
    health: Health
    working: bool | None
    reason: str
    since: float | None = None
    held_for: float | None = None
    last_error: str | None = None
    last_error_text: str | None = None
    last_error_ago: float | None = None
    last_success_ago: float | None = None
    probe: ProbeResult | None = None
    breaker: BreakerSnapshot | None = None

    @property
    def can_answer(self) -> bool:
        """Whether a request would ask it now."""
        return self.health in ("working", "not known")

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; it holds no URL, prompt or secret."""
        probe = self.probe
        return {
            "provider": self.provider,
            "health": self.health,
            "working": self.working,
            "reason": self.reason,
            "since_seconds": _rounded(self.since),
            "held_for_seconds": _rounded(self.held_for),
            "last_error": self.last_error,
            "last_error_text": self.last_error_text,
            "last_error_seconds_ago": _rounded(self.last_error_ago),
            "last_success_seconds_ago": _rounded(self.last_success_ago),
            "breaker": None if self.breaker is None else self.breaker.state,
            "probe": None
            if probe is None
            else {
                "working": probe.working,
                "reason": probe.reason,
                "level": probe.level,
                "generation": probe.generation,
                "models": list(probe.models),
                "seconds": _rounded(probe.seconds),
            },
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What is known about all providers of a router, in priority order.

    Attributes:
        providers: One entry each.
    """

    providers: tuple[ProviderHealth, ...]

    @property
    def ok(self) -> bool:
        """Whether every provider is known to work."""
        return all(entry.health == "working" for entry in self.providers)

    @property
    def can_answer(self) -> bool:
        """Whether the chain can answer: at least one provider would be asked."""
        return any(entry.can_answer for entry in self.providers)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "ok": self.ok,
            "can_answer": self.can_answer,
            "providers": [entry.as_dict() for entry in self.providers],
        }
