"""Why a request may not ask a provider, and which of its options a provider does not take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.contract.message import cut_name

if TYPE_CHECKING:
    from adapters.contract import Adapter, ChatRequest
    from router.provider.provider import Provider


def reason_to_skip(provider: Provider, request: ChatRequest, now: float) -> str | None:
    """Return why `provider` is not asked now, or None where it is."""
    adapter = provider.adapter
    if adapter.working_at(now) is False:
        return f"not working: {adapter.working_reason}; {_comes_back(adapter, now)}"
    held = provider.held(now)
    if held is not None:
        return f"held back for {held:.1f} s more ({provider.held_reason})"
    wait = provider.breaker.permit_in(now)
    if wait is None:
        return "isolated by hand; Router.reset() brings it back"
    if wait > 0:
        return f"circuit breaker {provider.breaker.state(now)}: not asked for {wait:.1f} s more"
    model = adapter.model_for(request)
    if provider.lacks_model(model, now):
        return f"said lately that it does not have the model {model and cut_name(model)!r}"
    return adapter.capabilities.refuses(request, model)


def _comes_back(adapter: Adapter, now: float) -> str:
    """Return when a provider that does not work is asked again, and what brings it back before that."""
    if adapter.recheck_at is None:
        return "a successful probe (Router.check) brings it back"
    wait = max(0.0, adapter.recheck_at - now)
    return f"asked again in {wait:.0f} s, or after a successful probe (Router.check)"


def dropped_options(provider: Provider, request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the options that `provider` does not take, sorted."""
    return tuple(sorted(set(request.options) - provider.adapter.capabilities.options))
