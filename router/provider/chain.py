"""The chain: the providers of a router by name, checked when it is made, ordered for each request. Pure."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from adapters.contract import Adapter
from adapters.contract.message import nearest
from router.policy.breaker import CircuitBreaker
from router.policy.strategy import Candidate, Priority
from router.policy.utc import utc_now
from router.provider.provider import Provider

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from adapters.contract import ChatRequest
    from router.policy.breaker import BreakerPolicy
    from router.policy.prices import Prices
    from router.policy.strategy import Strategy

_TAKEN: Final = ("api_key", "headers")
"""What a request brings along that not every adapter can use."""


def chain_of(
    adapters: Iterable[Adapter],
    policy: BreakerPolicy,
    random_source: random.Random,
    prices: Prices | None = None,
    utc: Callable[[], float] = utc_now,
) -> dict[str, Provider]:
    """Return the providers by name, in order, each with a breaker of its own.

    Raises:
        TypeError: The argument is not a list, or one in it is not an adapter.
        ValueError: There is none, one has no name or that of another, or is in another router.
    """
    found: dict[str, Provider] = {}
    for adapter in _listed(adapters):
        _check(adapter)
        if adapter.name in found:
            raise ValueError(f"two providers are called {adapter.name!r}; give one another name (name=…)")
        owner = adapter.owner() if adapter.owner is not None else None
        if owner is not None:
            raise ValueError(f"{adapter.name!r} is in another router; an adapter belongs to one")
        if adapter.budget and prices is None:
            raise ValueError(
                f"{adapter.name!r} has a budget, but the router no prices; pass prices=Prices(…)"
            )
        breaker = CircuitBreaker(policy, random_source)
        found[adapter.name] = Provider(adapter, breaker, utc=utc, prices=prices)
    if not found:
        raise ValueError("a router needs at least one provider; pass for example [OpenAICompatible(…)]")
    return found


def _listed(adapters: object) -> list[Adapter]:
    if isinstance(adapters, Adapter):
        raise TypeError(
            f"providers must be a list of adapters, got one {type(adapters).__name__}; "
            f"write Router([{type(adapters).__name__}(…)])"
        )
    if isinstance(adapters, str | bytes) or not hasattr(adapters, "__iter__"):
        raise TypeError(
            f"providers must be a list of adapters, got {type(adapters).__name__}; "
            "write for example Router([OpenAICompatible(…)])"
        )
    return list(adapters)


def _check(adapter: Adapter) -> None:
    if isinstance(adapter, type):
        raise TypeError(f"{adapter!r} is not an adapter; make an object of it first: {adapter.__name__}(…)")
    if isinstance(adapter, str):
        raise TypeError(
            f"{adapter!r} is not an adapter; write OpenAICompatible(…) or another class of the package "
            "`adapters`"
        )
    if not isinstance(adapter, Adapter):
        raise TypeError(
            f"{adapter!r} is not an adapter; pass objects of the classes in the package `adapters`, "
            "or of a class of your own that extends adapters.Adapter"
        )
    if not isinstance(adapter.name, str) or not adapter.name:
        raise ValueError(f"{type(adapter).__name__} has no name; give it one")


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


def by_name(candidates: Iterable[Provider]) -> dict[str, Provider]:
    """Return candidates by name, in their order."""
    return {provider.name: provider for provider in candidates}


def named(providers: Mapping[str, Provider], name: str) -> Provider:
    """Return the provider of this name.

    Raises:
        TypeError: The name is no text.
        ValueError: There is none; the message says which there are.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"a provider is named by text, got {type(name).__name__}; there are: {', '.join(providers)}"
        )
    if name not in providers:
        hint = nearest(name, providers) or "."
        raise ValueError(f"no provider is called {name!r}{hint} There are: {', '.join(providers)}")
    return providers[name]


def check_brought(providers: Mapping[str, Provider], request: ChatRequest) -> None:
    """Check that what a request brings along for single providers can be used there.

    Raises:
        ValueError: No provider has such a name, or it takes no headers or key of a request.
    """
    for argument, names in request.named_providers().items():
        for provider in ordered(providers, names):
            takes = provider.adapter.per_request
            if argument in _TAKEN and argument not in takes:
                others = f"it takes {', '.join(sorted(takes))}" if takes else "it takes none"
                raise ValueError(
                    f"{argument}={{{provider.name!r}: …}}: {type(provider.adapter).__name__} takes none "
                    f"of a request ({others}); leave it out"
                )


def in_turn(
    providers: Mapping[str, Provider],
    strategy: Strategy,
    now: float,
    random_source: random.Random,
    broke: Callable[[str, Exception], None],
    request: ChatRequest,
) -> Mapping[str, Provider]:
    """Return all providers by name, in the order of the strategy; see `arranged`."""
    if type(strategy) is Priority:
        return providers  # as they are: there may be hundreds
    return by_name(arranged(list(providers.values()), strategy, now, random_source, broke, request))


def arranged(
    candidates: Sequence[Provider],
    strategy: Strategy,
    now: float,
    random_source: random.Random,
    broke: Callable[[str, Exception], None],
    request: ChatRequest | None = None,
) -> list[Provider]:
    """Return the candidates in the order of the strategy, or as given where it has a bug.

    Args:
        candidates: In the order given.
        strategy: Orders them; whom it leaves out comes last.
        now: On the event loop's clock.
        random_source: For the strategy.
        broke: Told of a bug in the strategy.
        request: To order them for; None for one that names no model.
    """
    if type(strategy) is Priority:
        return list(candidates)
    left = {provider.name: provider for provider in candidates}
    try:
        order = strategy.order([_candidate(p, request, now) for p in candidates], now, random_source)
        first = [left.pop(candidate.name) for candidate in order]
    except Exception as bug:  # noqa: BLE001 - it is the application's, and must not end the request
        broke(f"{type(strategy).__qualname__}.order", bug)
        return list(candidates)
    return [*first, *left.values()]


def _candidate(provider: Provider, request: ChatRequest | None, now: float) -> Candidate:
    try:
        return provider.candidate(request, now)
    except Exception:  # noqa: BLE001 - a bug in an adapter is told where it is looked at to be asked
        return Candidate(provider.name, healthy=False)


def foreseen(
    candidates: Sequence[Provider],
    strategy: Strategy,
    now: float,
    random_source: random.Random,
    broke: Callable[[str, Exception], None],
) -> tuple[str, ...]:
    """Return the order that the next request would get, as names, without drawing from `random_source`."""
    with suppress(NotImplementedError):  # the operating system's has no state, and misses nothing
        random_source = copy.copy(random_source)
    return tuple(provider.name for provider in arranged(candidates, strategy, now, random_source, broke))
