"""Which providers a request may ask, in which order, and why not the others. Pure."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.contract.message import nearest

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from adapters.contract import ChatRequest
    from router.policy.strategy import Strategy
    from router.provider.provider import Provider


def ordered(providers: Mapping[str, Provider], wanted: Sequence[str] | None) -> list[Provider]:
    """Return the candidates of a request: all in priority order, or those asked for, in the order given.

    Raises:
        TypeError: `wanted` is one text instead of a list of names.
        ValueError: A name is unknown or there is none; the message says which there are.
    """
    if wanted is None:
        return list(providers.values())
    if isinstance(wanted, str):
        raise TypeError(f"providers is text; pass a list of names, for example [{wanted!r}]")
    names = list(dict.fromkeys(wanted))
    if not names:
        raise ValueError(f"providers is empty; leave it out, or name some of {', '.join(providers)}")
    return [named(providers, name) for name in names]


def named(providers: Mapping[str, Provider], name: str) -> Provider:
    """Return the provider of this name.

    Raises:
        ValueError: There is none; the message says which there are.
    """
    if name not in providers:
        hint = nearest(name, providers) or "."
        raise ValueError(f"no provider is called {name!r}{hint} There are: {', '.join(providers)}")
    return providers[name]


def arranged(
    candidates: Sequence[Provider], strategy: Strategy, now: float, random_source: random.Random
) -> list[Provider]:
    """Return the candidates in the order of the strategy."""
    by_name = {provider.name: provider for provider in candidates}
    order = strategy.order([p.candidate(now) for p in candidates], now, random_source)
    return [by_name[candidate.name] for candidate in order]


def foreseen(
    candidates: Sequence[Provider], strategy: Strategy, now: float, random_source: random.Random
) -> tuple[str, ...]:
    """Return the order that the next request would get, as names, without drawing from `random_source`."""
    with suppress(NotImplementedError):  # the operating system's has no state, and misses nothing
        random_source = copy.copy(random_source)
    return tuple(provider.name for provider in arranged(candidates, strategy, now, random_source))


def reason_to_skip(provider: Provider, request: ChatRequest, now: float) -> str | None:
    """Return why `provider` is not asked now, or None where it is."""
    adapter = provider.adapter
    if adapter.working_at(now) is False:
        return f"not working: {adapter.working_reason}"
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
        return f"said lately that it does not have the model {model!r}"
    return adapter.capabilities.refuses(request, model)


def lacking_demands(provider: Provider, request: ChatRequest) -> tuple[str, ...]:
    """Return the demands of `request` that `provider` cannot meet, whatever else is known of it."""
    with suppress(Exception):  # a bug in an adapter is told where the reason is looked for
        return provider.adapter.capabilities.lacks(request)
    return ()


def dropped_options(provider: Provider, request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the options that `provider` does not take, sorted."""
    return tuple(sorted(set(request.options) - provider.adapter.capabilities.options))
