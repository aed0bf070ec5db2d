"""Why a request may not ask a provider, and which of its options a provider does not take. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.contract.rewriting import rewritten
from router.provider.record import Refusal

if TYPE_CHECKING:
    from adapters.contract import ChatRequest
    from router.provider.provider import Provider


def refusal_of(provider: Provider, request: ChatRequest, now: float) -> Refusal | None:
    """Return why `provider` is not asked now, and until when, or None where it is asked."""
    adapter = provider.adapter
    model = adapter.model_for(request)
    refusal = provider.refusal(model, now, request)
    incapable = adapter.capabilities.refuses(request, model)
    if incapable is not None:
        return Refusal(incapable, None) if refusal is None else refusal._replace(back_in=None, limited=False)
    large = provider.too_large(request, model, now)
    if large is None:
        return refusal
    if refusal is not None:
        return refusal._replace(back_in=None, limited=False)
    return Refusal(large.reason, None, context=large.limit or 0, tokens=large.estimate)


def lacking_demands(provider: Provider, request: ChatRequest) -> tuple[str, ...]:
    """Return the demands of `request` that `provider` cannot meet, whatever else is known of it."""
    with suppress(Exception):  # a bug in an adapter is told where the reason is looked for
        return provider.adapter.capabilities.lacks(request, provider.adapter.model_for(request))
    return ()


def dropped_options(provider: Provider, request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the options that `provider` does not take, sorted."""
    if not request.options:
        return ()
    taken = provider.adapter.capabilities.of(provider.adapter.model_for(request)).options
    return tuple(sorted(set(request.options) - taken))


def rewritten_for(
    provider: Provider, request: ChatRequest, model: str | None
) -> tuple[ChatRequest, tuple[str, ...]]:
    """Return `request` with its messages as `provider` takes them for `model`, and what was changed."""
    able = provider.adapter.capabilities.of(model)
    if able.takes_as_given:
        return request, ()
    messages, told = rewritten(request.messages, able, request.traits)
    return (request.with_messages(messages) if told else request), told
