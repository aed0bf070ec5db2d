"""A provider: a configured adapter in a router, and what requests and probes showed of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.contract import Outcome
from adapters.contract.errors import NotWorking
from router.policy.strategy import Candidate, Pace
from router.provider.probe_budget import ProbeBudget
from router.provider.standing import Standing

if TYPE_CHECKING:
    from adapters.contract import Adapter, ProbeResult
    from adapters.contract.errors import AdapterError
    from router.events import Verdict
    from router.policy.breaker import CircuitBreaker
    from router.policy.retry import RetryPolicy


@dataclass(slots=True)
class Provider:
    """A configured adapter in a router.

    Attributes:
        adapter: What speaks to the service.
        breaker: Leaves the provider alone while it fails.
        standing: What requests and probes showed of it.
        pace: How fast it brings its first content.
        generation: Of the service's software, as the newest probe told.
        models: That it says it has, as the newest probe told.
        probe_budget: Probes of level `answer` that may be spent on it.
        bug_told: Whether the observers were told that its adapter raised when it was looked at.
    """

    adapter: Adapter
    breaker: CircuitBreaker
    standing: Standing = field(default_factory=Standing)
    pace: Pace = field(default_factory=Pace)
    generation: str | None = None
    models: tuple[str, ...] = ()
    probe_budget: ProbeBudget = field(init=False)
    bug_told: bool = False

    def __post_init__(self) -> None:
        self.probe_budget = ProbeBudget(self.adapter.answer_probes)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.adapter.name

    def succeeded(self, now: float, seconds: float) -> None:
        """Learn that content came `now`, `seconds` after the attempt began."""
        self.pace.add(now, seconds)
        self.standing.succeeded(now)
        self.adapter.mark(Outcome(now))

    def failed(self, error: AdapterError, model: str | None, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed before content: what to remember for other requests."""
        self.standing.failed(error, model, now, policy)
        self.adapter.mark(Outcome(now, error))

    def broke_off(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        self.standing.broke_off(error, now, policy)
        self.adapter.mark(Outcome(now, error))

    def replied(self, now: float, verdict: Verdict) -> None:
        """Learn how a reply ended."""
        self.standing.replied(now, verdict)

    def probed(self, result: ProbeResult, now: float, policy: RetryPolicy) -> None:
        """Learn what a probe found; the adapter's `working` follows it."""
        self.generation = result.generation or self.generation
        self.models = result.models or self.models
        self.standing.probed(result, now, policy)
        if result.working is None:
            return
        if result.working and result.level == "answer":
            self._pass_trial(now, result.seconds)
        if self.adapter.working_at(now) is not result.working:
            self.adapter.mark(Outcome(now, None if result.working else NotWorking(result.reason)))

    def _pass_trial(self, now: float, seconds: float) -> None:
        """Take the answer to a probe for the trial that a half-open breaker waits for."""
        if self.breaker.state(now) == "half-open":
            permit = self.breaker.permit(now)
            if permit is not None:
                permit.succeeded(now, seconds)

    @property
    def held_reason(self) -> str:
        """Why it is held back, where it is."""
        return self.standing.held_reason

    def held(self, now: float) -> float | None:
        """Return the seconds for which it is still held back, or None."""
        return self.standing.held(now)

    def lacks_model(self, model: str | None, now: float) -> bool:
        """Whether it said lately that it does not have `model`."""
        return self.standing.lacks_model(model, now)

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
        told = self.standing.by_request
        return told is not None and told.at > then
