"""What is known of one provider at one moment, put together for the report. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.health.report import LastError, LimitUse, ProbeAllowance, ProviderHealth
from router.health.state import Facts, judged
from router.provider.evidence import Evidence, told, told_by
from router.provider.standing import REACHABLE

if TYPE_CHECKING:
    from adapters.contract import ProbeResult
    from router.health.traffic import TrafficObserver
    from router.health.traffic_summary import Traffic
    from router.provider.provider import Provider


def entry_of(
    provider: Provider, traffic: TrafficObserver, now: float, probe: ProbeResult | None
) -> ProviderHealth:
    """Return what a report says of `provider`, even where looking at its adapter raises.

    Args:
        provider: To look at, after what other processes told of it.
        traffic: What requests showed of the providers.
        now: On the event loop's clock.
        probe: That was made for this report, where there was one.
    """
    try:
        if provider.sharing is not None:
            provider.sharing.apply(now)
        return health_of(provider, traffic.of(provider.name, now), now, probe)
    except Exception as bug:  # noqa: BLE001 - one adapter must not hide the others
        reason = f"the adapter has a bug: it raised {type(bug).__name__} when it was looked at"
        adapter = type(provider.adapter).__name__
        return ProviderHealth(provider.name, adapter, reason=reason, can_answer=False)


def health_of(
    provider: Provider, traffic: Traffic, now: float, probe: ProbeResult | None = None
) -> ProviderHealth:
    """Return what is known of `provider` now.

    Args:
        provider: To look at.
        traffic: What its requests showed.
        now: On the event loop's clock.
        probe: That was made for this report, where there was one.
    """
    adapter, standing = provider.adapter, provider.standing
    working = adapter.working_at(now)
    evidence = _evidence(provider, working)
    breaker = standing.breaker_for(adapter.model, now)
    refusal = provider.refusal(adapter.model, now)
    obstacles = standing.refusals(adapter.model, now)
    age = None if evidence is None else max(0.0, now - evidence.at)
    why, detail = _why(provider, working, evidence, probe)
    held = next((each.held for each in obstacles if each.held is not None), None)
    missing = next((each.reason for each in obstacles if each.missing), None)
    found = judged(Facts(working, why, detail, held, missing, breaker, evidence, age, traffic))
    last_success = standing.last_success_at
    return ProviderHealth(
        provider=provider.name,
        adapter=type(adapter).__name__,
        state=found.state,
        reason="; ".join((found.reason, *adapter.cautions)),
        detail=found.detail,
        evidence="none" if evidence is None else evidence.kind,
        evidence_age=age,
        can_answer=refusal is None,
        back_in=None if refusal is None else refusal.back_in,
        generation=provider.generation,
        models=provider.models,
        breaker=breaker,
        traffic=traffic,
        last_error=_last_error(provider, now),
        last_success_age=None if last_success is None else max(0.0, now - last_success),
        probe=None if probe is None else replace(probe, reason=told_by(probe), error=None),
        probe_budget=ProbeAllowance(provider.probe_budget.left(now), provider.probe_budget.per_hour),
        limits=_limits(provider, now),
        spending=None if provider.account is None else provider.account.told(),
        tenants_held_back=provider.tenants.held_back(adapter.model, now),
    )


def _limits(provider: Provider, now: float) -> tuple[LimitUse, ...]:
    if provider.limits is None:
        return ()
    return tuple(LimitUse(name, *figures) for name, figures in provider.limits.figures(now).items())


def _evidence(provider: Provider, working: bool | None) -> Evidence | None:
    """Return the evidence that decides; where the router has none, what somebody else's probe found."""
    known, since = provider.standing.evidence(working), provider.adapter.working_since
    if known is None and working and since is not None:
        return Evidence("reach", since, True, REACHABLE)
    return known


def _why(
    provider: Provider, working: bool | None, evidence: Evidence | None, probe: ProbeResult | None
) -> tuple[str, str]:
    """Return the reason of `working`, in words that may be published, and in those of the adapter."""
    if working is False:
        words = provider.adapter.working_reason
        if evidence is not None:
            return evidence.reason, words
        # From the start it is in the adapter's own words; later somebody else has probed it.
        return words if provider.adapter.working_since is None else "a probe found it so", words
    return ("not known yet", "") if probe is None else (told_by(probe), probe.reason)


def _last_error(provider: Provider, now: float) -> LastError | None:
    error, at = provider.standing.last_error, provider.standing.last_error_at
    if error is None or at is None:
        return None
    return LastError(type(error).__name__, told(error), max(0.0, now - at), str(error))
