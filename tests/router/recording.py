"""What the tests of the router share: messages to send, and an observer that keeps what it is told."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, TypeVar

from router import Attempt, AttemptEnded, BreakerPolicy, RequestEnded, Router
from router.policy.breaker import CircuitBreaker

if TYPE_CHECKING:
    from adapters import Adapter
    from router import Event

T = TypeVar("T")
HELLO: Final = [{"role": "user", "content": "Hello"}]


class Recorder:
    """An observer that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def end(self) -> RequestEnded:
        """The end of the only request; that it is one is a law."""
        (end,) = self.of(RequestEnded)
        return end

    @property
    def ledger(self) -> list[Attempt]:
        return [event.attempt for event in self.of(AttemptEnded)]

    @property
    def tried(self) -> list[str]:
        return [attempt.provider for attempt in self.ledger if attempt.outcome != "skipped"]


def router_of(*adapters: Adapter, seen: Recorder | None = None, seed: int = 1, **settings: Any) -> Router:
    observers = [] if seen is None else [seen]
    return Router(adapters, observers=observers, random_source=random.Random(seed), **settings)


def unbroken() -> CircuitBreaker:
    """A breaker that never opens by itself."""
    return CircuitBreaker(BreakerPolicy.off(), random.Random(0))
