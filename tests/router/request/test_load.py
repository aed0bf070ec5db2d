"""How much is asked, whatever fails; and requests that wait for somebody to ask."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import ConnectionLost, RateLimited, ServiceFailed
from adapters.scripted import Forever, Script, ScriptedAdapter, Unfinished
from router import (
    AllProvidersFailed,
    BreakerPolicy,
    HedgePolicy,
    Interruption,
    RetryBudget,
    RetryPolicy,
    RouterError,
    Timeouts,
    WaitStarted,
)
from tests.depth import how_many, sampled
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import clean
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

if TYPE_CHECKING:
    from router import Router

__all__ = ["anyio_backend"]

EVEN = BreakerPolicy(jitter=0)
WAITING = RetryPolicy(attempts=1, wait_for_held=True)


async def fail(router: Router, times: int = 1) -> AllProvidersFailed:
    for _ in range(times):
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(HELLO)
    return caught.value


# --- waiting for somebody to ask


@pytest.mark.anyio
@pytest.mark.parametrize("total", [5, 15.2, 16, 60])
async def test_by_policy_a_request_waits_for_an_open_breaker_within_the_deadline(total):
    first = ScriptedAdapter("first", [ServiceFailed])
    async with router_of(first, retry=WAITING, breaker=EVEN) as router:
        await fail(router, 5)
        first._scripts = (("Hello",),)
        before = anyio.current_time()
        if total > 15.5:
            assert (await router.complete(HELLO, timeouts=Timeouts(total=total))).text == "Hello"
            assert 15 <= anyio.current_time() - before <= 15.25  # those who wait do not all wake at once
        else:
            with pytest.raises(AllProvidersFailed):
                await router.complete(HELLO, timeouts=Timeouts(total=total))
            assert anyio.current_time() == before


@pytest.mark.anyio
async def test_by_policy_it_waits_for_who_asked_to_be_left_alone_too():
    seen = Recorder()
    first = ScriptedAdapter.each("first", [[RateLimited(retry_after=100)], "Hello"])
    async with router_of(first, seen=seen, retry=WAITING) as router:
        await fail(router)
        assert (await router.complete(HELLO)).text == "Hello"
        assert 100 <= anyio.current_time() <= 100.25
    assert [round(wait.seconds) for wait in seen.of(WaitStarted)] == [100]


@pytest.mark.anyio
async def test_a_herd_that_waits_for_a_breaker_lets_one_try_and_follows_it():
    """Nobody of them is turned away for want of budget, nor waits until the trial would count as lost."""
    first = ScriptedAdapter("first", [ServiceFailed])
    budget = RetryBudget(0, 0, 0)
    policy = RetryPolicy(attempts=1, wait_for_held=True, budget=budget)
    async with router_of(first, retry=policy, breaker=EVEN) as router:
        await fail(router, 5)
        first._scripts = ScriptedAdapter("x", [1.5, "back"])._scripts
        times: list[float] = []
        at_once: list[int] = []

        async def ask() -> None:
            await router.complete(HELLO)
            times.append(anyio.current_time())

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
            await anyio.sleep(16)
            at_once.append(first.opened - 5)
    assert at_once == [1]
    times.sort()
    assert 16.5 <= times[0] <= 16.75
    assert times[0] + 1.5 <= times[1]
    assert times[-1] <= times[0] + 1.25 + 1.5  # a look each second and a little, and the reply
    assert len({round(time, 6) for time in times}) > 90  # they woke one by one
    assert first.opened == 105


@pytest.mark.anyio
async def test_a_herd_that_waits_for_one_that_stays_down_fails_and_hardly_calls_it():
    first = ScriptedAdapter("first", [0.5, ServiceFailed])
    policy = RetryPolicy(attempts=1, wait_for_held=True)
    async with router_of(first, retry=policy, breaker=EVEN, timeouts=Timeouts(total=100)) as router:
        await fail(router, 5)
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(fail, router)
        assert anyio.current_time() <= 110
    assert first.opened == 5 + 2  # after 15 s, and after 30 more


# --- how much


SCRIPTS: list[Script] = [
    ["fine"],
    [2, "slow"],
    [ServiceFailed],
    [0.5, ServiceFailed],
    [RateLimited(retry_after=0.5)],
    [Forever],
    ["x", Unfinished],
    ["x", 0.5, ServiceFailed],
    [ConnectionLost("lost", reused=True)],
]
POLICIES: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    attempts=st.integers(1, 5),
    stay=st.just(1),
    wait_for_held=st.booleans(),
    hedge=st.sampled_from([None, HedgePolicy(delay=0), HedgePolicy(delay=1), HedgePolicy()]),
)
BUDGETS = st.tuples(
    st.sampled_from([0.0, 0.2, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0, 3.0, 10.0])
)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=how_many(60), suppress_health_check=[HealthCheck.too_slow])
@given(
    scripts=st.lists(st.lists(st.sampled_from(SCRIPTS), min_size=1, max_size=6), min_size=1, max_size=3),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.1, 1.0, 5.0]), min_size=1, max_size=40),
    settings_of=POLICIES,
    stay=st.integers(1, 5),
    numbers=BUDGETS,
    interruption=st.builds(
        Interruption, st.sampled_from(["raise", "restart", "continue"]), st.integers(1, 5)
    ),
    breaking=st.booleans(),
)
def test_no_provider_is_called_more_than_once_a_request_and_what_the_budget_pays(
    backend, scripts, gaps, settings_of, stay, numbers, interruption, breaking
):
    """R15: calls of a provider <= requests + share * requests + per second * T + capacity."""

    async def storm() -> None:
        adapters = [ScriptedAdapter.each(name, each) for name, each in zip("abc", scripts, strict=False)]
        policy = RetryPolicy(
            **(settings_of | {"stay": min(stay, settings_of["attempts"])}), budget=RetryBudget(*numbers)
        )
        breaker = BreakerPolicy() if breaking else BreakerPolicy.off()
        clocks = Timeouts(first_content=3, stall=3, total=20)
        router = router_of(
            *adapters, retry=policy, breaker=breaker, timeouts=clocks, on_interruption=interruption
        )

        async def ask() -> None:
            try:
                await router.complete(HELLO)
            except RouterError:
                return

        async with router, anyio.create_task_group() as tasks:
            for gap in gaps:
                await anyio.sleep(gap)
                tasks.start_soon(ask)
        share, per_second, capacity = numbers
        seconds = anyio.current_time()
        assert seconds <= sum(gaps) + 20 + 1.25
        extra = capacity + share * len(gaps) + per_second * seconds
        assert all(adapter.opened <= len(gaps) + extra + 1e-6 for adapter in adapters)
        called = sum(adapter.opened for adapter in adapters)
        assert called <= len(gaps) * len(adapters) + extra + 1e-6
        clean(adapters)

    run_virtual(storm, backend)


@pytest.mark.parametrize("backend", sampled(BACKENDS, 0.5, "storms on a dead provider"))
@pytest.mark.parametrize("breaker", [BreakerPolicy(), BreakerPolicy.off()], ids=["breaker", "none"])
def test_a_storm_of_requests_on_a_dead_provider_costs_a_fifth_more_at_most(backend, breaker, record_property):
    """2000 requests in 20 s: without the budget it would be five calls each."""

    async def storm() -> tuple[int, float]:
        dead = ScriptedAdapter("dead", [0.1, ServiceFailed])
        seen: Counter[str] = Counter()
        async with router_of(dead, retry=RetryPolicy(attempts=5), breaker=breaker) as router:

            async def ask() -> None:
                try:
                    await router.complete(HELLO)
                except AllProvidersFailed:
                    seen["failed"] += 1

            draw = random.Random(7)
            async with anyio.create_task_group() as tasks:
                for _ in range(2000):
                    await anyio.sleep(draw.uniform(0, 0.02))
                    tasks.start_soon(ask)
            assert seen["failed"] == 2000
            return dead.opened, anyio.current_time()

    calls, seconds = run_virtual(storm, backend)
    record_property("factor", calls / 2000)
    if breaker.consecutive is None:
        assert 2000 < calls <= 2000 * 1.2 + 10 + seconds
    else:
        assert calls < 60  # those under way when it opened, and a trial now and then
