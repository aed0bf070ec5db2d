"""The report of the providers' health: what is known of each, as data. Pure.

Everything in it may be published, except what is named `detail`, which `as_dict()` leaves out: the words of
adapters and services, in which a prompt or an address may stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from router.health.state import State
from router.health.traffic_summary import Traffic, rounded
from router.policy.breaker_snapshot import BreakerSnapshot
from router.provider.evidence import EvidenceKind

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.contract import ProbeLevel, ProbeResult
    from router.events import Event, Observer
    from router.provider.account import Spending

__all__ = [
    "SCHEMA",
    "ChainHealth",
    "EvidenceKind",
    "HealthReport",
    "Keeper",
    "LastError",
    "LimitUse",
    "ProbeAllowance",
    "ProviderHealth",
    "RetryAllowance",
    "State",
]

SCHEMA: Final = "chat-router/health/1"
"""The name of the form of `HealthReport.as_dict()`; a change that could break a reader changes it."""

ChainHealth: TypeAlias = Literal["healthy", "degraded", "unhealthy"]
"""Of a chain: all providers are healthy; not all are, but it can answer; it cannot answer."""


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest failure of a request.

    Attributes:
        error: The class.
        text: What that means; it may be published.
        age: Seconds since then.
        detail: The words of the adapter and the service: cut, escaped, masked, and still not for everybody.
    """

    error: str
    text: str
    age: float
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"error": self.error, "text": self.text, "age": rounded(self.age)}


@dataclass(frozen=True, slots=True)
class ProbeAllowance:
    """How many probes of level `answer` may still be spent on a provider.

    Attributes:
        left: Now.
        per_hour: Of an hour.
    """

    left: int = 0
    per_hour: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"left": self.left, "per_hour": self.per_hour}


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How full a limit is that this side keeps.

    Attributes:
        name: requests_per_minute, tokens_per_minute or daily_requests.
        used: Of it now.
        limit: The most.
    """

    name: str
    used: float
    limit: float

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"name": self.name, "used": round(self.used), "limit": self.limit}


@dataclass(frozen=True, slots=True)
class RetryAllowance:
    """What the retry budget of the router still pays for.

    Attributes:
        left: Tokens.
        capacity: The most there can be.
    """

    left: float = 0.0
    capacity: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; None stands for what has no limit."""
        numbers = {"left": self.left, "capacity": self.capacity}
        return {name: rounded(n) if math.isfinite(n) else None for name, n in numbers.items()}


_CLOSED: Final = BreakerSnapshot("closed", 0, 0, 0, 0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """What is known about one provider at one moment. Ages and durations are in seconds.

    Attributes:
        provider: Its name.
        adapter: The class of its adapter.
        state: healthy, degraded, unhealthy or unknown; see `router.health.state`.
        reason: Why.
        detail: The same in the words of the adapter, where it has some; not in `as_dict()`.
        evidence: What that rests on: `traffic`, a probe's level, or none.
        evidence_age: How old that is.
        can_answer: Whether a request would ask it now.
        back_in: When it may be asked again, where time alone brings it back.
        generation: Of the service's software, as the newest probe told.
        models: That it says it has, as the newest probe told.
        breaker: What its circuit breaker knows.
        traffic: What requests showed in the last hour.
        last_error: The newest failure of a request.
        last_success_age: When content last came.
        probe: The probe of this report, where there was one, without the words of the service.
        probe_budget: Probes of level `answer` that may still be spent.
        limits: How full the limits are that this side keeps.
        spending: What was spent on it today, where prices are known.
        tenants_held_back: Accounts that requests brought along and that may not ask now. They say nothing
            about the provider, and are told without their names.
    """

    provider: str
    adapter: str = "Adapter"
    state: State = "unknown"
    reason: str = "not known yet"
    detail: str = ""
    evidence: EvidenceKind = "none"
    evidence_age: float | None = None
    can_answer: bool = True
    back_in: float | None = None
    generation: str | None = None
    models: tuple[str, ...] = ()
    breaker: BreakerSnapshot = _CLOSED
    traffic: Traffic = field(default_factory=Traffic)
    last_error: LastError | None = None
    last_success_age: float | None = None
    probe: ProbeResult | None = None
    probe_budget: ProbeAllowance = field(default_factory=ProbeAllowance)
    limits: tuple[LimitUse, ...] = ()
    spending: Spending | None = None
    tenants_held_back: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; it holds no URL, prompt, reply, error body or secret."""
        return {
            "provider": self.provider,
            "adapter": self.adapter,
            "state": self.state,
            "reason": self.reason,
            "evidence": self.evidence,
            "evidence_age": rounded(self.evidence_age),
            "can_answer": self.can_answer,
            "back_in": rounded(self.back_in),
            "generation": self.generation,
            "models": list(self.models),
            "breaker": {
                "state": self.breaker.state,
                "permit_in": rounded(self.breaker.permit_in),
                "failures_in_a_row": self.breaker.failures_in_a_row,
                "calls": self.breaker.calls,
                "failures": self.breaker.failures,
                "slow": self.breaker.slow,
                "repetitions": self.breaker.repetitions,
                "window": self.breaker.window,
            },
            "traffic": self.traffic.as_dict(),
            "last_error": None if self.last_error is None else self.last_error.as_dict(),
            "last_success_age": rounded(self.last_success_age),
            "probe": None if self.probe is None else _probe_as_dict(self.probe),
            "probe_budget": self.probe_budget.as_dict(),
            "limits": [each.as_dict() for each in self.limits],
            "spending": None if self.spending is None else self.spending.as_dict(),
            "tenants_held_back": self.tenants_held_back,
        }


def _probe_as_dict(probe: ProbeResult) -> dict[str, Any]:
    return {
        "level": probe.level,
        "working": probe.working,
        "reason": probe.reason,
        "seconds": rounded(probe.seconds),
    }


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What is known about all providers of a router at one moment.

    Attributes:
        providers: One entry each, in the order of the router's list.
        level: Of the probes that were made for it; None where none were.
        retry_budget: What may still be asked again.
        order: In which the strategy would ask them now, where that is not the order of the list.
    """

    providers: tuple[ProviderHealth, ...]
    level: ProbeLevel | None = None
    retry_budget: RetryAllowance = field(default_factory=RetryAllowance)
    order: tuple[str, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether every provider is known to work."""
        return all(entry.state == "healthy" for entry in self.providers)

    @property
    def can_answer(self) -> bool:
        """Whether the chain can answer: at least one provider would be asked."""
        return any(entry.can_answer for entry in self.providers)

    @property
    def verdict(self) -> ChainHealth:
        """How the chain is."""
        if self.ok:
            return "healthy"
        return "degraded" if self.can_answer else "unhealthy"

    @property
    def through(self) -> tuple[str, ...]:
        """The names of those that a request would ask now, in order."""
        able = {entry.provider: None for entry in self.providers if entry.can_answer}
        return tuple(able if self.order is None else [name for name in self.order if name in able])

    def as_dict(self, at: datetime | None = None) -> dict[str, Any]:
        """Return a JSON-able form that may be published; see `SCHEMA`.

        Args:
            at: The time of day to write into it, with a time zone; the report itself knows only ages.

        Raises:
            ValueError: `at` has no time zone.
        """
        if at is not None and at.tzinfo is None:
            raise ValueError(f"as_dict(at={at!r}): it needs a time zone, for example datetime.now(UTC)")
        return {
            "schema": SCHEMA,
            "at": None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "level": self.level,
            "verdict": self.verdict,
            "can_answer": self.can_answer,
            "through": list(self.through),
            "retry_budget": self.retry_budget.as_dict(),
            "providers": [entry.as_dict() for entry in self.providers],
        }


class Keeper(Protocol):
    """An observer that is handed each health report, too; `router.history.History` is one."""

    def __call__(self, event: Event) -> None:
        """Take note of `event`, as every observer."""
        ...

    async def keep(self, report: HealthReport, tell: Observer | None = None) -> None:
        """Keep `report`; raises nothing but cancellation, and tells `tell` what went wrong."""
        ...
