"""A provider: a configured adapter in a router, and what requests and probes showed of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from adapters.contract import Outcome
from adapters.contract.errors import (
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
    RateLimited,
    ReplyRejected,
    Unreachable,
)
from router.health.report import LastError, ProbeAllowance, ProviderHealth
from router.health.state import Evidence, Facts, judged
from router.health.traffic import Vitals
from router.health.wording import told, told_by
from router.policy.strategy import Candidate, Pace
from router.provider.probe_budget import ProbeBudget

if TYPE_CHECKING:
    from adapters.contract import Adapter, ProbeResult
    from router.events import Verdict
    from router.policy.breaker import CircuitBreaker
    from router.policy.retry import RetryPolicy

NO_EVIDENCE: Final = (Busy, ContentRefused, InvalidRequest, LocalFailure, NotWorking, ReplyRejected)
"""Errors that a breaker does not count: of the caller, of this side, or remembered in another way."""

NO_WORD: Final = (Busy, ContentRefused, InvalidRequest, LocalFailure, ModelNotFound, ReplyRejected)
"""Errors that say nothing about the provider's health."""

_OF_THE_WAY: Final = (ConnectFailed, ConnectionLost, Unreachable, NotWorking)
"""Failures that a probe clears by reaching the service; others are of its generation."""

_REFUSALS: Final = (ModelNotFound, QuotaExhausted, RateLimited)
"""Errors with which a service that works turns a probe away, as it would a request."""

_WHOLE: Final = ("complete", "closed", "refused")
"""Verdicts of replies that did not break off."""


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
        last_reply_broke: Whether it broke off, and none was whole since then.
        by_probe: The newest evidence that a probe gave.
        against: The newest evidence that speaks against it.
        generation: Of the service's software, as the newest probe told.
        models: That it says it has, as the newest probe told.
        probe_budget: Probes of level `answer` that may be spent on it.
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
    last_reply_broke: bool = False
    by_probe: Evidence | None = None
    against: Evidence | None = None
    generation: str | None = None
    models: tuple[str, ...] = ()
    probe_budget: ProbeBudget = field(init=False)

    def __post_init__(self) -> None:
        self.probe_budget = ProbeBudget(self.adapter.answer_probes)

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
        if not self.last_reply_broke:
            self.by_request = Evidence("traffic", now, True, "it answered")
        self.adapter.mark(Outcome(now))

    def failed(self, error: AdapterError, model: str | None, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed before content: what to remember for other requests."""
        if isinstance(error, ModelNotFound):
            self.missing_models[model] = now + policy.missing_model_pause
        self._remember(error, now, policy, "the last attempt failed")

    def broke_off(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        self.last_reply_broke = self.last_reply_broke or not isinstance(error, NO_WORD)
        self._remember(error, now, policy, "the last reply broke off")

    def replied(self, now: float, verdict: Verdict, seconds: float) -> None:
        """Learn that a reply ended, `seconds` after its attempt began."""
        self.vitals.replied(now, verdict, seconds)
        if verdict in _WHOLE:
            self.last_reply_broke = False
            self.last_success_at = now
            self.by_request = Evidence("traffic", now, True, "it answered")

    def _remember(self, error: AdapterError, now: float, policy: RetryPolicy, what: str) -> None:
        self.last_error, self.last_error_at = error, now
        if not isinstance(error, NO_WORD):
            self.by_request = self.against = Evidence(
                "traffic", now, False, f"{what} ({told(error)})", str(error), isinstance(error, _OF_THE_WAY)
            )
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

    def probed(self, result: ProbeResult, now: float, policy: RetryPolicy) -> None:
        """Learn what a probe found; the adapter's `working` follows it, also where the adapter forgot to."""
        self.generation = result.generation or self.generation
        self.models = result.models or self.models
        if result.error is not None:
            self._hold_back(result.error, now, policy)
        if isinstance(result.error, _REFUSALS):
            self.by_probe = Evidence(result.level, now, False, told_by(result), result.reason)
        if result.working is None:
            return
        self.by_probe = Evidence(result.level, now, result.working, told_by(result), result.reason)
        if not result.working:
            self.against = self.by_probe
        elif result.level == "answer":
            self._answered(now, result.seconds)
        if self.adapter.working is not result.working:
            self.adapter.mark(Outcome(now, None if result.working else NotWorking(result.reason)))

    def _answered(self, now: float, seconds: float) -> None:
        """Take the answer to a probe for the trial that a half-open breaker waits for."""
        self.last_reply_broke = False
        if self.breaker.state(now) == "half-open":
            permit = self.breaker.permit(now)
            if permit is not None:
                permit.succeeded(now, seconds)

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
        return Candidate(self.name, self.may_be_asked(now), self.pace.first_content, self.pace.measured_at)

    def may_be_asked(self, now: float) -> bool:
        """Whether a request would ask it now: it works as far as is known, and nothing holds it back."""
        works = self.adapter.working_at(now) is not False and self.held(now) is None
        return works and self.breaker.permit_in(now) == 0

    def heard_since(self, then: float) -> bool:
        """Whether requests told something about it after `then`."""
        return self.by_request is not None and self.by_request.at > then

    def lacks_model(self, model: str | None, now: float) -> bool:
        """Whether it said lately that it does not have `model`."""
        until = self.missing_models.get(model)
        if until is not None and now >= until:
            del self.missing_models[model]
            return False
        return until is not None

    def snapshot(self, now: float, probe: ProbeResult | None = None) -> ProviderHealth:
        """Return what is known now.

        Args:
            now: On the event loop's clock.
            probe: That was made for this report, where there was one.
        """
        adapter = self.adapter
        working = adapter.working_at(now)
        evidence = self._evidence(working)
        traffic, breaker = self.vitals.traffic(now), self.breaker.snapshot(now)
        held, permit_in = self.held(now), breaker.permit_in
        age = None if evidence is None else max(0.0, now - evidence.at)
        why, detail = self._why(working, evidence, probe)
        held_by = None if held is None else self.held_reason
        found = judged(Facts(working, why, detail, held_by, breaker, evidence, age, traffic))
        return ProviderHealth(
            provider=self.name,
            adapter=type(adapter).__name__,
            state=found.state,
            reason=found.reason,
            detail=found.detail,
            evidence="none" if evidence is None else evidence.kind,
            evidence_age=age,
            can_answer=working is not False and held is None and permit_in == 0,
            back_in=self._back_in(now, working, held, permit_in),
            generation=self.generation,
            models=self.models,
            breaker=breaker,
            traffic=traffic,
            last_error=self._last_error(now),
            last_success_age=None if self.last_success_at is None else max(0.0, now - self.last_success_at),
            probe=None if probe is None else replace(probe, reason=told_by(probe), error=None),
            probe_budget=ProbeAllowance(self.probe_budget.left(now), self.probe_budget.per_hour),
        )

    def _evidence(self, working: bool | None) -> Evidence | None:
        """Return what decides: the newest, but no word of having reached it excuses a failed generation."""
        asked, probed = self.by_request, self.by_probe
        if working is False:  # a reply that began before may have been complete since then
            return self.against
        if (
            asked is None
            and probed is None
            and self.adapter.working
            and self.adapter.working_since is not None
        ):
            return Evidence("reach", self.adapter.working_since, True, "it was probed")  # by somebody else
        if asked is None or probed is None:
            return asked or probed
        if probed.at <= asked.at:
            return asked
        excuses = asked.good or probed.kind == "answer" or not probed.good or asked.of_the_way
        return probed if excuses else asked

    def _why(
        self, working: bool | None, evidence: Evidence | None, probe: ProbeResult | None
    ) -> tuple[str, str]:
        """Return the reason of `working`, in words that may be published, and in those of the adapter."""
        if working is False:
            words = self.adapter.working_reason
            if evidence is not None:
                return evidence.reason, words
            # From the start it is in the adapter's own words; later somebody else has probed it.
            return words if self.adapter.working_since is None else "a probe found it so", words
        return ("not known yet", "") if probe is None else (told_by(probe), probe.reason)

    def _back_in(
        self, now: float, working: bool | None, held: float | None, permit_in: float | None
    ) -> float | None:
        """Return the seconds until time alone brings it back; None where it is there, or nothing does."""
        recheck = self.adapter.recheck_at if working is False else None
        if permit_in is None or (working is False and recheck is None):
            return None
        longest = max(held or 0.0, permit_in, 0.0 if recheck is None else recheck - now)
        return longest or None

    def _last_error(self, now: float) -> LastError | None:
        error, at = self.last_error, self.last_error_at
        if error is None or at is None:
            return None
        return LastError(type(error).__name__, told(error), max(0.0, now - at), str(error))
