"""A provider: a configured adapter in a router, and what requests and probes showed of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapters.contract import Outcome
from adapters.errors import (
    AdapterError,
    Busy,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    Unreachable,
)
from router.health import LastError, ProbeAllowance, ProviderHealth
from router.states import Evidence, Facts, judged
from router.strategy import Candidate, Pace
from router.vitals import Vitals
from router.wording import told

if TYPE_CHECKING:
    from adapters.contract import Adapter, ProbeResult
    from router.breaker import CircuitBreaker
    from router.events import Verdict
    from router.retry import RetryPolicy

NO_EVIDENCE: Final = (Busy, ContentRefused, InvalidRequest, LocalFailure, NotWorking)
"""Errors that a breaker does not count: of the caller, of this side, or remembered in another way."""

NO_WORD: Final = (Busy, ContentRefused, InvalidRequest, LocalFailure, ModelNotFound)
"""Errors that say nothing about the provider's health."""

_OF_THE_WAY: Final = (ConnectFailed, ConnectionLost, Unreachable, NotWorking)
"""Failures that a probe clears by reaching the service; others are of its generation."""


@dataclass(slots=True)
class Provider:
    """A configured adapter in a router, and what is known of it.

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
        vitals: Its attempts and replies of the last hour.
        by_request: The newest evidence that requests gave.
        by_probe: The newest evidence that a probe gave.
        generation: Of the service's software, as the newest probe told.
        models: That it says it has, as the newest probe told.
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
    vitals: Vitals = field(default_factory=Vitals)
    by_request: Evidence | None = None
    by_probe: Evidence | None = None
    generation: str | None = None
    models: tuple[str, ...] = ()

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
        self.by_request = Evidence("traffic", now, True, "it answered")
        self.adapter.mark(Outcome(now))

    def failed(self, error: AdapterError, model: str | None, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed before content: what to remember for other requests."""
        if isinstance(error, ModelNotFound):
            self.missing_models[model] = now + policy.missing_model_pause
        self._remember(error, now, policy, "the last attempt failed")

    def broke_off(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        self._remember(error, now, policy, "the last reply broke off")

    def replied(self, now: float, verdict: Verdict, seconds: float) -> None:
        """Learn that a reply ended, `seconds` after its attempt began."""
        self.vitals.replied(now, verdict, seconds)
        if verdict == "complete":
            self.last_success_at = now
            self.by_request = Evidence("traffic", now, True, "it answered")

    def _remember(self, error: AdapterError, now: float, policy: RetryPolicy, what: str) -> None:
        self.last_error, self.last_error_at = error, now
        if not isinstance(error, NO_WORD):
            self.by_request = Evidence("traffic", now, False, f"{what} ({told(error)})")
        self._hold_back(error, now, policy)
        self.adapter.mark(Outcome(now, error))

    def _hold_back(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        pause = policy.push_back(error)
        if pause is None and isinstance(error, QuotaExhausted):
            pause = policy.quota_pause
        if pause is not None:
            until = now + min(pause, policy.remember)
            if self.held_until is None or until > self.held_until:
                self.held_until, self.held_reason = until, type(error).__name__

    def probed(self, result: ProbeResult, now: float) -> None:
        """Learn what a probe found; the adapter's `working` follows it, also where the adapter forgot to."""
        self.generation = result.generation or self.generation
        self.models = result.models or self.models
        if result.working is None:
            return
        self.by_probe = Evidence(result.level, now, result.working, result.reason)
        if self.adapter.working is not result.working:
            self.adapter.mark(Outcome(now, None if result.working else NotWorking(result.reason)))

    def held(self, now: float) -> float | None:
        """Return the seconds for which it is still held back, or None."""
        if self.held_until is None or now >= self.held_until:
            return None
        return self.held_until - now

    def come_back(self, now: float) -> float | None:
        """Return the seconds until it may be asked again, where time alone brings it back; else None."""
        waits = (self.held(now), self.breaker.permit_in(now))
        return max((wait for wait in waits if wait), default=None)

    def candidate(self, now: float) -> Candidate:
        """Return what a strategy knows of it."""
        return Candidate(self.name, self.may_be_asked(now), self.pace.first_content, self.pace.measured_at)

    def may_be_asked(self, now: float) -> bool:
        """Whether a request would ask it now: it works as far as is known, and nothing holds it back."""
        works = self.adapter.working_at(now) is not False and self.held(now) is None
        return works and self.breaker.permit_in(now) == 0

    def lacks_model(self, model: str | None, now: float) -> bool:
        """Whether it said lately that it does not have `model`."""
        until = self.missing_models.get(model)
        if until is not None and now >= until:
            del self.missing_models[model]
            return False
        return until is not None

    def snapshot(self, now: float, probe: ProbeResult | None = None) -> ProviderHealth:
        """Return what is known now."""
        adapter, evidence = self.adapter, self._evidence()
        working = adapter.working_at(now)
        traffic, breaker = self.vitals.traffic(now), self.breaker.snapshot(now)
        held = None if self.held(now) is None else self.held_reason
        age = None if evidence is None else max(0.0, now - evidence.at)
        why = adapter.working_reason if evidence is None else evidence.reason
        state, reason = judged(Facts(working, why, held, breaker, evidence, age, traffic))
        error = self.last_error
        return ProviderHealth(
            provider=self.name,
            adapter=type(adapter).__name__,
            state=state,
            reason=reason,
            detail=adapter.working_reason,
            evidence="none" if evidence is None else evidence.kind,
            evidence_age=age,
            can_answer=self.may_be_asked(now),
            back_in=self.come_back(now),
            generation=self.generation,
            models=self.models,
            breaker=breaker,
            traffic=traffic,
            last_error=None
            if error is None
            else LastError(type(error).__name__, told(error), now - (self.last_error_at or now), str(error)),
            last_success_age=None if self.last_success_at is None else max(0.0, now - self.last_success_at),
            probe=probe,
            probe_budget=ProbeAllowance(),
        )

    def _evidence(self) -> Evidence | None:
        """Return what decides: the newest evidence."""
        if self.by_request is None or self.by_probe is None:
            return self.by_request or self.by_probe
        return self.by_request if self.by_request.at >= self.by_probe.at else self.by_probe
