"""The order in which a router asks: by strategy, or as a request names it; the sick last, never left out."""

from __future__ import annotations

import anyio
import pytest

from adapters import RateLimited, ServiceFailed
from adapters.scripted import Script, ScriptedAdapter, Step
from router import (
    AllProvidersFailed,
    BreakerPolicy,
    Fastest,
    HedgePolicy,
    Interruption,
    Priority,
    RequestStarted,
    RetryPolicy,
    Strategy,
    Weighted,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import clean, consistent
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
STRATEGIES: list[Strategy] = [Priority(), Weighted({"a": 1, "b": 2, "c": 0}), Fastest()]


def three(**scripts: list[Step]) -> list[ScriptedAdapter]:
    return [ScriptedAdapter(name, scripts.get(name, "Hello")) for name in "abc"]


async def test_by_default_the_order_is_the_priority():
    a, b, c = three()
    async with router_of(a, b, c) as router:
        for _ in range(20):
            await router.complete(HELLO)
    assert (a.opened, b.opened, c.opened) == (20, 0, 0)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
async def test_a_request_that_names_providers_keeps_its_order(strategy):
    seen = Recorder()
    async with router_of(*three(a=[ServiceFailed]), seen=seen, strategy=strategy) as router:
        for wanted in (["c"], ["a", "c"], ["b", "a"]):
            await router.complete(HELLO, providers=wanted)
    assert [started.providers for started in seen.of(RequestStarted)] == [("c",), ("a", "c"), ("b", "a")]


async def test_weighted_shares_the_requests_by_weight():
    adapters = three()
    async with router_of(*adapters, strategy=Weighted({"a": 3, "b": 1, "c": 0})) as router:
        for _ in range(1000):
            await router.complete(HELLO)
    a, b, c = (adapter.opened for adapter in adapters)
    assert (a + b, c) == (1000, 0)
    assert 700 <= a <= 800


async def test_the_same_seed_asks_in_the_same_order_and_another_one_in_another():
    async def orders(seed: int) -> list[tuple[str, ...]]:
        seen = Recorder()
        strategy = Weighted({"a": 1, "b": 1, "c": 1})
        async with router_of(*three(), seen=seen, seed=seed, strategy=strategy) as router:
            for _ in range(20):
                await router.complete(HELLO)
        return [started.providers for started in seen.of(RequestStarted)]

    assert await orders(1) == await orders(1) != await orders(2)


async def test_fastest_measures_each_once_and_then_asks_the_fastest():
    adapters = three(a=[3, "a"], b=[1, "b"], c=[2, "c"])
    async with router_of(*adapters, strategy=Fastest(explore=0)) as router:
        providers = [(await router.complete(HELLO)).provider for _ in range(10)]
    assert providers == ["a", "b", "c", *["b"] * 7]


async def test_fastest_explores_a_share_and_notices_who_has_become_fast():
    scripts: list[Script] = [[3, "a"], [0.1, "a"]]
    adapters = [ScriptedAdapter.each("a", scripts), ScriptedAdapter("b", [1, "b"])]
    async with router_of(*adapters, strategy=Fastest(explore=0.1)) as router:
        providers = [(await router.complete(HELLO)).provider for _ in range(300)]
    assert providers[-100:].count("a") > 80


@pytest.mark.parametrize("strategy", STRATEGIES[1:], ids=repr)
async def test_the_sick_come_last_and_are_skipped_there_and_everybody_is_in_the_ledger(strategy):
    a, b, c = adapters = three()
    b._scripts = ((RateLimited(retry_after=50),),)
    async with router_of(*adapters, strategy=strategy, retry=RetryPolicy(attempts=1)) as router:
        await router.complete(HELLO, providers=["b", "a"])
        router.isolate("c")
        for _ in range(10):
            assert (await router.complete(HELLO)).provider == "a"
        assert (b.opened, c.opened) == (1, 0)
        a._scripts = ((ServiceFailed,),)
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(HELLO)
        assert [attempt.outcome for attempt in caught.value.attempts] == ["failed", "skipped", "skipped"]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
@pytest.mark.parametrize("action", ["restart", "continue"])
async def test_with_hedges_breakers_and_take_overs_besides_the_laws_hold(strategy, action):
    """Each request ends well, by whomever, in an order that nobody foresees."""
    adapters = three(a=[2, "Hel", 1, ServiceFailed], b=[0.5, ServiceFailed], c=[0.5, "Hello"])
    policy, seen = RetryPolicy(hedge=HedgePolicy(delay=1)), Recorder()
    breaking = BreakerPolicy(consecutive=3, open_for=5)
    settings = {"breaker": breaking, "strategy": strategy, "on_interruption": Interruption(action, 2)}
    async with router_of(*adapters, seen=seen, retry=policy, **settings) as router:
        for _ in range(30):
            seen.events.clear()
            assert (await router.complete(HELLO)).text == "Hello"
            consistent(seen)
            await anyio.sleep(1)
    clean(adapters)


async def test_a_strategy_that_does_not_fit_is_refused_at_the_door():
    for weights in ({"a": 1}, {"a": 1, "b": 1, "c": 1, "d": 1}):
        with pytest.raises(ValueError, match="Weighted"):
            router_of(*three(), strategy=Weighted(weights))
