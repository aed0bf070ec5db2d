"""What a router is made of, checked at its door."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, get_args

from adapters.contract import Adapter, ProbeLevel
from router.policy.breaker import CircuitBreaker
from router.provider.provider import Provider

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from router.events import Observer
    from router.health.report import Keeper
    from router.policy.breaker import BreakerPolicy

T = TypeVar("T")


def observers_of(named: Sequence[Observer] | None, keeper: Keeper | None) -> tuple[Observer, ...]:
    """Return who is told what happens: those named, by default the log, and the keeper where there is one."""
    told = _default_observers() if named is None else tuple(named)
    return told if keeper is None else (*told, keeper)


def _default_observers() -> tuple[Observer, ...]:
    # Imported here: structlog loads a terminal's colours and more, half of what `import router` would take.
    from router.observers.structlog import log_event

    return (log_event,)


def checked(value: T | None, kind: type[T]) -> T | None:
    """Return `value`, or raise a TypeError where it is neither None nor of this kind."""
    if value is None or isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} is no {kind.__name__}; pass {kind.__name__}(…)")


def checked_level(level: ProbeLevel) -> ProbeLevel:
    """Return `level`.

    Raises:
        ValueError: There is no such rung of the probe ladder.
    """
    if level in get_args(ProbeLevel):
        return level
    raise ValueError(f"there is no probe level {level!r}; there are: {', '.join(get_args(ProbeLevel))}")


def providers_of(
    adapters: Iterable[Adapter], policy: BreakerPolicy, random_source: random.Random
) -> dict[str, Provider]:
    """Return the providers by name, in order, each with a breaker of its own.

    Raises:
        TypeError: One is no adapter.
        ValueError: There is none, one has no name or that of another, or is in another router.
    """
    found: dict[str, Provider] = {}
    for adapter in adapters:
        if not isinstance(adapter, Adapter):
            hint = "; make an object of it first" if isinstance(adapter, type) else ""
            raise TypeError(f"{adapter!r} is not an adapter{hint}")
        if not isinstance(adapter.name, str) or not adapter.name:
            raise ValueError(f"{type(adapter).__name__} has no name; give it one")
        if adapter.name in found:
            raise ValueError(f"two providers are called {adapter.name!r}; give one another name (name=…)")
        owner = adapter.owner() if adapter.owner is not None else None
        if owner is not None:
            raise ValueError(f"{adapter.name!r} is in another router; an adapter belongs to one")
        found[adapter.name] = Provider(adapter, CircuitBreaker(policy, random_source))
    if not found:
        raise ValueError("a router needs at least one provider")
    return found
