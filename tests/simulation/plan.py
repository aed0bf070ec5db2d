"""A world, drawn from its seed: the providers, what they do when, the requests, and the router's settings.

All times are drawn from a continuum, so that no two things happen at the same instant by accident: what runs
first at one instant is the event loop's choice, and differs between the backends.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from adapters import ContentRefused, InvalidRequest, ServiceFailed
from adapters.contract.errors import Disposition
from router import (
    BreakerPolicy,
    Fastest,
    HedgePolicy,
    Interruption,
    Priority,
    RetryBudget,
    RetryPolicy,
    Strategy,
    Timeouts,
    Weighted,
)

Kind: TypeAlias = Literal["chat", "wire"]
MOODS: Final = (
    *("good", "flaky", "slow", "dead", "sick", "limited", "barred", "picky", "silent", "cut", "drip"),
    *("empty", "hostile", "refusing", "buggy", "lost", "cut", "good"),
)
"""What a provider may be like for a while; `flaky` is another one at each call."""
NEVER: Final = 1e9


@dataclass(frozen=True)
class Phase:
    """A provider is in this mood until that time."""

    until: float
    mood: str


@dataclass(frozen=True)
class ProviderPlan:
    """One provider: how it is spoken to, its moods, how long its clean-up takes, its places.

    One that is not tidy trusts that its clean-up is shielded and bounded by others.
    """

    name: str
    kind: Kind
    phases: tuple[Phase, ...]
    cleanup: float
    places: int | None
    tidy: bool

    def mood(self, now: float) -> str:
        return next(phase.mood for phase in self.phases if now < phase.until)

    @property
    def always_good(self) -> bool:
        return all(phase.mood == "good" for phase in self.phases)


@dataclass(frozen=True)
class RequestPlan:
    """One request: when it comes, what it asks, and what its reader does to it."""

    number: int
    at: float
    providers: tuple[str, ...] | None
    timeouts: Timeouts
    words: str
    pauses: tuple[float, ...]
    cancel_after: float | None = None
    leave_after: int | None = None
    close_after: float | None = None

    @property
    def prompt(self) -> str:
        return f"{PROMPT}-{self.number}- {self.words}"


PROMPT: Final = "canary-prompt"
KEY: Final = "sk-canary-0123456789"


@dataclass(frozen=True)
class Budget:
    """The numbers of a retry budget, to be judged by."""

    share: float
    per_second: float
    capacity: float

    def allows(self, requests: int, seconds: float) -> float:
        return self.capacity + self.share * requests + self.per_second * seconds


@dataclass(frozen=True)
class Plan:
    """A world."""

    seed: int
    providers: tuple[ProviderPlan, ...]
    requests: tuple[RequestPlan, ...]
    policy: RetryPolicy
    budget: Budget
    breaker: BreakerPolicy
    strategy: Strategy
    interruption: Interruption
    close: float
    close_at: float | None


def drawn(seed: int) -> Plan:
    """Return the world of a seed."""
    source = random.Random(f"world {seed}")
    names = "abcde"[: source.randint(1, 5)]
    providers = tuple(_provider(source, name) for name in names)
    close = source.choice((0.4, 1.0))
    requests = tuple(_request(source, number, names, close) for number in range(source.randint(1, 6)))
    numbers = Budget(source.choice((0, 0.2, 1)), source.choice((0, 0.3, 1)), source.choice((0, 1, 3, 10)))
    return Plan(
        seed=seed,
        providers=providers,
        requests=requests,
        policy=_policy(source, numbers),
        budget=numbers,
        breaker=_breaker(source),
        strategy=_strategy(source, names),
        interruption=_interruption(source),
        close=close,
        close_at=source.uniform(1, 40) if source.random() < 0.15 else None,
    )


def _provider(source: random.Random, name: str) -> ProviderPlan:
    if source.random() < 0.25:
        phases = [Phase(NEVER, "good")]
    else:
        ends = sorted(source.uniform(0, 60) for _ in range(source.randint(0, 3)))
        phases = [Phase(until, source.choice(MOODS)) for until in (*ends, NEVER)]
    kind: Kind = source.choice(("chat", "wire"))
    cleanup = source.choice((0.0, 0.0, source.uniform(0.01, 0.3), 100.0))
    places = source.choice((None, None, 1, 2)) if kind == "chat" else None
    return ProviderPlan(name, kind, tuple(phases), cleanup, places, source.random() < 0.8)


def _request(source: random.Random, number: int, names: str, close: float) -> RequestPlan:
    wanted = None
    if source.random() < 0.2:
        wanted = tuple(source.sample(names, source.randint(1, len(names))))
    total = source.choice((source.uniform(0.5, 4), source.uniform(4, 30), 300.0))
    timeouts = Timeouts(
        first_content=source.choice((1.0, 5.0, 20.0)) + source.random() / 100,
        stall=source.choice((1.5, 10.0)) + source.random() / 100,
        total=total,
        reserve=source.choice((0.1, 1.0, 5.0)),
        close=close,
        drip_rate=source.choice((None, None, None, 3.0)),
        drip_window=4.0,
    )
    pauses = [source.choice((0.0, 0.0, source.uniform(0, 3))) for _ in range(source.randint(1, 4))]
    fate = source.random()
    return RequestPlan(
        number=number,
        at=source.uniform(0, source.choice((0.5, 20, 60))),
        providers=wanted,
        timeouts=timeouts,
        words=source.choice(("Hello", "Ζεύς 😀", "line\nline")),
        pauses=tuple(pauses) if source.random() < 0.3 else (0.0,),
        cancel_after=source.uniform(0, 12) if fate < 0.15 else None,
        leave_after=source.randint(0, 4) if 0.15 < fate < 0.25 else None,
        close_after=source.uniform(0, 4) if 0.25 < fate < 0.33 else None,
    )


def _policy(source: random.Random, budget: Budget) -> RetryPolicy:
    attempts = source.randint(1, 5)
    hedge = None
    if source.random() < 0.3:
        hedge = HedgePolicy(delay=source.choice((None, source.uniform(0, 3))), fallback=source.uniform(1, 3))
    dispositions = {}
    if source.random() < 0.2:
        dispositions = {
            ContentRefused: Disposition.FAILOVER,
            ServiceFailed: source.choice(list(Disposition)),
            InvalidRequest: Disposition.RETRY,
        }
    return RetryPolicy(
        attempts=attempts,
        stay=source.randint(1, attempts) if source.random() < 0.3 else 1,
        backoff=source.choice((0.0, 0.25, 1.0)),
        backoff_cap=5.0,
        patience=source.choice((0.0, 3.0, 10.0)),
        remember=source.choice((5.0, 3600.0)),
        quota_pause=source.uniform(1, 20),
        missing_model_pause=source.uniform(1, 20),
        dispositions=dispositions,
        wait_for_held=source.random() < 0.2,
        budget=RetryBudget(budget.share, budget.per_second, budget.capacity),
        hedge=hedge,
    )


def _breaker(source: random.Random) -> BreakerPolicy:
    if source.random() < 0.2:
        return BreakerPolicy.off()
    return BreakerPolicy(
        consecutive=source.choice((1, 2, 5)),
        ratio=source.choice((0.5, None)),
        minimum=source.choice((2, 10)),
        open_for=source.uniform(0.5, 15),
        slow_call=source.choice((None, None, 1.0)),
        trial_limit=source.uniform(25, 60),
    )


def _strategy(source: random.Random, names: str) -> Strategy:
    draw = source.random()
    if draw < 0.6:
        return Priority()
    if draw < 0.8:
        return Fastest(explore=source.choice((0.0, 0.05, 0.5)))
    return Weighted({name: source.choice((1, 2, 5)) for name in names})


def _interruption(source: random.Random) -> Interruption:
    action = source.choice(("raise", "raise", "restart", "continue"))
    return Interruption(action, source.randint(1, 3))  # type: ignore[arg-type]  # one of the actions, drawn as text
