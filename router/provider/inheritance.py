"""What providers of a new router keep of those of the one before, such as after a file was read anew. Pure.

what                                                 is kept
isolated by hand                                     by the provider's name, whatever else changed
held back, breakers, missing models, `working`,      where the adapter is certainly of the same account:
evidence, pace, sizes, accounts of requests          a reload in an outage must not ask everybody anew
what was used of limits and budgets                  the same; not where a history or a store knows it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import Adapter
    from router.provider.provider import Provider
    from router.provider.record import Record
    from router.provider.standing import Standing


def inherit(
    heirs: Mapping[str, Provider], former: Mapping[str, Provider], now: float, counts: bool
) -> tuple[str, ...]:
    """Tell providers what those of a former router were told and learned.

    Args:
        heirs: By name; they were asked nothing yet.
        former: By name.
        now: On the event loop's clock.
        counts: Whether to keep what was used, since no history tells it.

    Returns:
        The names of those that were isolated and have no heir.
    """
    lost: list[str] = []
    for name, before in former.items():
        heir = heirs.get(name)
        if before.sharing is not None:
            before.sharing.apply(now)
        if heir is not None and _is_same_account(heir.adapter, before.adapter):
            _learn(heir, before)
            if counts and heir.sharing is None:
                _count(heir, before)
        if before.standing.whole.breaker.state(now) == "isolated":
            if heir is None:
                lost.append(name)
            else:
                _isolate(heir, before, now)
    return tuple(lost)


def _is_same_account(adapter: Adapter, before: Adapter) -> bool:
    identity = adapter.identity()
    return type(adapter) is type(before) and identity is not None and identity == before.identity()


def _isolate(heir: Provider, before: Provider, now: float) -> None:
    was = heir.standing.whole.breaker.state(now) == "isolated"  # a store may have told it already
    heir.standing.isolate(elsewhere=before.standing.whole.breaker.elsewhere)
    if heir.sharing is not None and not was:
        heir.sharing.isolated(None if before.sharing is None else before.sharing.isolated_since)


def _learn(heir: Provider, before: Provider) -> None:
    heir.adapter.resume(before.adapter)
    heir.generation, heir.models = before.generation, before.models
    heir.pace, heir.sizes, heir.rate_sizes = before.pace, before.sizes, before.rate_sizes
    if heir.breaker.policy == before.breaker.policy:
        heir.tenants = before.tenants
    _stand(heir.standing, before.standing)


def _stand(heir: Standing, before: Standing) -> None:
    _keep(heir.whole, before.whole)
    for model, record in before.records().items():
        own = heir.record_of(model)
        if own is not None:
            _keep(own, record)
    for found in before.findings():
        heir.told(found)
    heir.against = before.against
    heir.last_error, heir.last_error_at = before.last_error, before.last_error_at
    heir.last_success_at = before.last_success_at


def _keep(heir: Record, before: Record) -> None:
    if before.held_until > heir.held_until:
        heir.held_until, heir.held_reason = before.held_until, before.held_reason
    if before.common_until > heir.common_until:
        heir.common_until, heir.common_reason = before.common_until, before.common_reason
    if before.missing_until > heir.missing_until:
        heir.missing_until, heir.missing_reason = before.missing_until, before.missing_reason
    if (pause := before.breaker.pause()) is not None:
        heir.breaker.follow(pause)
    if before.common is not None:
        heir.begin_common().follow(before.common.pause())


def _count(heir: Provider, before: Provider) -> None:
    if heir.limits is not None and before.limits is not None:
        heir.limits.take_over(before.limits)
    if heir.account is not None and before.account is not None:
        heir.account.restore(before.account.today())
    if heir.probe_budget.per_hour == before.probe_budget.per_hour and before.sharing is None:
        heir.probe_budget = before.probe_budget
