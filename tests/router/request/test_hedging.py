"""Asking a second provider beside a slow first one: when, and whom."""

from __future__ import annotations

import itertools

import anyio
import pytest

from adapters import (
    AuthenticationFailed,
    BadReply,
    Capabilities,
    ConnectFailed,
    RateLimited,
    ServiceFailed,
)
from adapters.scripted import Forever, Script, ScriptedAdapter
from router import (
    AllProvidersFailed,
    AttemptEnded,
    AttemptStarted,
    BreakerPolicy,
    HedgePolicy,
    RetryBudget,
    RetryPolicy,
    Router,
    Timeouts,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import clean, consistent
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
AFTER_ONE = HedgePolicy(delay=1)


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


def starts(seen: Recorder) -> list[tuple[str, int]]:
    return [(started.provider, started.number) for started in seen.of(AttemptStarted)]


def told(seen: Recorder) -> list[tuple[str, int, str]]:
    return [(attempt.provider, attempt.number, attempt.outcome) for attempt in seen.ledger]


# --- when


async def test_off_by_default_a_slow_first_one_is_waited_for(seen):
    first, second = ScriptedAdapter("first", [20, "slow"]), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        assert (await router.complete(HELLO)).text == "slow"

    assert second.opened == 0


async def test_after_the_delay_the_next_one_is_asked_too_and_the_first_content_wins(seen):
    first = ScriptedAdapter("first", [Forever], cleanup_seconds=0.25)
    second, third = ScriptedAdapter("second", [0.5, "quick"]), ScriptedAdapter("third")
    async with router_of(first, second, third, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        reply = await router.stream(HELLO)
        assert anyio.current_time() == pytest.approx(1.75)
        clean([first])  # before the stream is returned
        assert await reply.read_text() == "quick"

    assert starts(seen) == [("first", 1), ("second", 2)]
    assert told(seen) == [("second", 2, "committed"), ("first", 1, "cancelled")]
    assert seen.ledger[1].reason == "another provider was quicker"
    assert (seen.ledger[1].error, third.opened) == (None, 0)
    assert reply.provider == "second"
    assert list(reply.attempts) == seen.ledger
    consistent(seen)
    clean([first, second])


async def test_the_first_one_may_still_win(seen):
    first = ScriptedAdapter("first", [1.5, "slow"])
    second = ScriptedAdapter("second", [Forever], cleanup_seconds=0.25)
    async with router_of(first, second, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        assert (await router.complete(HELLO)).text == "slow"

    assert told(seen) == [("first", 1, "committed"), ("second", 2, "cancelled")]
    consistent(seen)
    clean([first, second])


@pytest.mark.parametrize("policy", [HedgePolicy(), HedgePolicy(fallback=3), HedgePolicy(fallback=0.25)])
async def test_as_long_as_little_is_measured_it_is_the_fallback(seen, policy):
    first, second = ScriptedAdapter("first", [Forever]), ScriptedAdapter("second", "quick")
    async with router_of(first, second, retry=RetryPolicy(hedge=policy)) as router:
        await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(max(1.0, policy.fallback))


async def test_then_it_is_the_percentile_of_the_first_ones_own_times():
    scripts: list[Script] = [[float(n), "measured"] for n in range(1, 21)]
    scripts.append([Forever])
    first, second = ScriptedAdapter.each("first", scripts), ScriptedAdapter("second", "quick")
    hedge = HedgePolicy(fallback=25)
    async with router_of(first, second, retry=RetryPolicy(hedge=hedge)) as router:
        for _ in range(20):
            await router.complete(HELLO)
        before = anyio.current_time()
        assert (await router.complete(HELLO)).provider == "second"
        assert anyio.current_time() - before == pytest.approx(19.0)


async def test_without_a_delay_both_are_asked_at_once():
    first, second = ScriptedAdapter("first", [2, "slow"]), ScriptedAdapter("second", [1, "quick"])
    async with router_of(first, second, retry=RetryPolicy(hedge=HedgePolicy(delay=0))) as router:
        assert (await router.complete(HELLO)).text == "quick"
        assert anyio.current_time() == pytest.approx(1.0)


async def test_one_on_trial_after_a_break_is_hedged_sooner(seen):
    first = ScriptedAdapter.each("first", [[ServiceFailed], [Forever]])
    second = ScriptedAdapter("second", "quick")
    breaker, policy = BreakerPolicy(consecutive=1, jitter=0), RetryPolicy(hedge=HedgePolicy(fallback=9))
    async with router_of(first, second, seen=seen, breaker=breaker, retry=policy) as router:
        await router.complete(HELLO)
        await anyio.sleep(15)
        await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(16)
        snapshot = router.health().providers[0].breaker
    assert snapshot is not None
    # A trial that its back-up outran was slow: else a slow provider would stay half-open for good.
    assert (snapshot.state, snapshot.permit_in) == ("open", 30)


async def test_who_fails_before_the_delay_is_moved_on_from_at_once_and_for_nothing():
    budget = RetryBudget(0, 0, 1)
    first, second = ScriptedAdapter("first", [0.5, ServiceFailed]), ScriptedAdapter("second", "quick")
    policy = RetryPolicy(hedge=AFTER_ONE, budget=budget)
    async with router_of(first, second, retry=policy) as router:
        await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(0.5)
    assert budget.left(0.5) == 1


# --- whom


@pytest.mark.parametrize("place", range(3))
async def test_at_most_one_extra_is_asked_at_a_time(seen, place):
    """The second is silent, too: nobody else is asked until one of the two is gone."""
    scripts: list[Script] = [[Forever]] * 5
    scripts[place + 2] = "late"
    adapters = [ScriptedAdapter(name, script) for name, script in zip("abcde", scripts, strict=True)]
    clocks, policy = Timeouts(first_content=3, total=60), RetryPolicy(hedge=AFTER_ONE)
    async with router_of(*adapters, seen=seen, timeouts=clocks, retry=policy) as router:
        assert (await router.complete(HELLO)).text == "late"

    steps = [isinstance(e, AttemptStarted) - isinstance(e, AttemptEnded) for e in seen.events]
    assert max(itertools.accumulate(steps)) == 2
    consistent(seen)
    clean(adapters)


async def make_held(router: Router, adapter: ScriptedAdapter) -> None:
    adapter._scripts = ((RateLimited(retry_after=500),),)
    with pytest.raises(AllProvidersFailed):
        await router.complete(HELLO, providers=[adapter.name])


async def make_broken(router: Router, adapter: ScriptedAdapter) -> None:
    adapter._scripts = ((ConnectFailed(),),)
    for _ in range(5):
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO, providers=[adapter.name])


async def make_isolated(router: Router, adapter: ScriptedAdapter) -> None:
    router.isolate(adapter.name)


async def make_not_working(router: Router, adapter: ScriptedAdapter) -> None:
    adapter._scripts = ((AuthenticationFailed(),),)
    with pytest.raises(AllProvidersFailed):
        await router.complete(HELLO, providers=[adapter.name])


async def make_incapable(router: Router, adapter: ScriptedAdapter) -> None:
    adapter.capabilities = Capabilities(context_size=1)


@pytest.mark.parametrize("make", [make_held, make_broken, make_isolated, make_not_working, make_incapable])
@pytest.mark.parametrize("others", [[], ["third"]])
async def test_nobody_is_hedged_with_who_would_not_be_asked(seen, make, others):
    first, second = ScriptedAdapter("first", [4, "slow"]), ScriptedAdapter("second", "never")
    third = [ScriptedAdapter(name, "quick") for name in others]
    budget = RetryBudget(0, 0, 1)
    policy = RetryPolicy(attempts=1, hedge=AFTER_ONE, budget=budget)
    async with router_of(first, second, *third, retry=policy) as router:
        await make(router, second)
        asked = second.opened
        reply = await router.complete(HELLO)

    assert reply.text == ("quick" if others else "slow")
    assert second.opened == asked
    assert budget.left(99) == (0 if others else 1)


async def test_whoever_lost_is_not_asked_again_in_the_round(seen):
    """The hedge failed, and the first one too: the round goes on behind both."""
    first, second = ScriptedAdapter("first", [2, BadReply]), ScriptedAdapter("second", [0.5, BadReply])
    third = ScriptedAdapter("third", "at last")
    async with router_of(first, second, third, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        assert (await router.complete(HELLO)).text == "at last"

    assert told(seen) == [("second", 2, "failed"), ("first", 1, "failed"), ("third", 3, "committed")]
    assert seen.ledger[2].started == pytest.approx(2.0)
