"""A storm: ten thousand requests against a sick provider with a healthy one beside it, in virtual time.

The sick one answers 503 to everything, until it recovers. What must not happen is that the requests make it
worse: the extra load stays within the budget in every stretch of time, and everybody gets an answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from adapters import Adapter, Delta, ServiceFailed
from router import BreakerPolicy, RetryBudget, RetryPolicy, Router
from tests.depth import QUICK, sampled
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters import ChatRequest

REQUESTS: Final = 3_000 if QUICK else 10_000
SECONDS: Final = 150.0
FEWER: Final = 1_500 if QUICK else 3_000
RECOVERED_AT: Final = 80.0


class Service(Adapter):
    """Says 503 until it recovers, and keeps who asked it when."""

    def __init__(self, name: str, recovers_at: float) -> None:
        self.name = name
        self.asked: list[tuple[float, str]] = []
        self._recovers_at = recovers_at

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.asked.append((anyio.current_time(), request.messages[0].text))
        await anyio.sleep(0.02)
        if anyio.current_time() < self._recovers_at:
            raise ServiceFailed("overloaded", status=503)
        yield Delta("Hello")
        yield Delta(finish_reason="stop")


@dataclass
class Storm:
    """What it came to."""

    sick: Service = field(default_factory=lambda: Service("sick", RECOVERED_AT))
    healthy: Service = field(default_factory=lambda: Service("healthy", 0.0))
    began: list[float] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)


async def storm(policy: RetryPolicy, breaker: BreakerPolicy, requests: int = REQUESTS) -> Storm:
    seen = Storm()

    async def ask(router: Router, number: int) -> None:
        seen.began.append(anyio.current_time())
        message = {"role": "user", "content": f"request {number}"}
        seen.answered.append((await router.complete([message])).provider)

    router = Router(
        [seen.sick, seen.healthy],
        retry=policy,
        breaker=breaker,
        observers=[],
        random_source=random.Random(1),
    )
    async with router, anyio.create_task_group() as tasks:
        for number in range(requests):
            tasks.start_soon(ask, router, number)
            await anyio.sleep(SECONDS / requests)
    return seen


def fullest(seen: Storm, budget: RetryBudget) -> float:
    """Return how full a bucket gets that extra attempts fill, and requests and time empty.

    It stays within the capacity if and only if every stretch of time stays within the formula.
    """
    first: set[str] = set()
    flow = [(at, -budget.share) for at in seen.began]
    for at, who in seen.sick.asked:
        flow.append((at, float(who in first)))
        first.add(who)
    level = most = last = 0.0
    for at, tokens in sorted(flow):
        level = max(0.0, level - (at - last) * budget.per_second)
        level, last = max(0.0, level + tokens), at
        most = max(most, level)
    return most


@pytest.mark.no_cover  # a thousand requests go the ways that other tests go
@pytest.mark.parametrize("backend", sampled(BACKENDS, 0.5, "storm"))
def test_a_storm_of_requests_stays_within_the_budget(backend, record_property):
    """Without a breaker, and told to stay with its first choice: only the budget holds the load down."""
    budget = RetryBudget()
    share, per_second, capacity = budget.share, budget.per_second, budget.capacity
    policy = RetryPolicy(attempts=5, stay=5, backoff=0.05, budget=budget)
    seen = run_virtual(storm, backend, policy, BreakerPolicy.off())
    sick = [at for at, _ in seen.sick.asked if at < RECOVERED_AT]
    began = sum(at < RECOVERED_AT for at in seen.began)
    factor, allowed = len(sick) / began, 1 + share + (capacity + per_second * RECOVERED_AT) / began
    record_property(
        "summary",
        f"storm: sick provider asked {factor:.2f} times per request, budget allows {allowed:.2f} ({backend})",
    )

    assert 1.15 < factor <= allowed
    assert fullest(seen, budget) <= capacity + 1e-6
    assert len(seen.answered) == REQUESTS
    assert {"sick"} == set(seen.answered[-1000:])
    assert len(seen.healthy.asked) <= REQUESTS


@pytest.mark.no_cover  # a thousand requests go the ways that other tests go
@pytest.mark.parametrize("backend", sampled(BACKENDS, 0.5, "storm"))
def test_a_breaker_spares_the_sick_provider_and_lets_it_come_back(backend, record_property):
    seen = run_virtual(storm, backend, RetryPolicy(), BreakerPolicy(), FEWER)
    sick = sum(at < RECOVERED_AT for at, _ in seen.sick.asked)
    record_property(
        "summary",
        f"storm: behind a breaker the sick provider is asked {sick} times by {FEWER} requests ({backend})",
    )

    assert sick < 40
    assert len(seen.answered) == FEWER
    assert {"sick"} == set(seen.answered[-100:])
