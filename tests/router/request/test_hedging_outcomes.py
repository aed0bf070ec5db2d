"""What hedging costs, and what comes of it: failures, later rounds, the same instant, what is learned."""

from __future__ import annotations

import random

import anyio
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ConnectionLost,
    Delta,
    InvalidRequest,
    RateLimited,
    ServiceFailed,
)
from adapters.scripted import Forever, Pause, Script, ScriptedAdapter, Step, Unfinished
from router import (
    AllProvidersFailed,
    HedgePolicy,
    RequestEnded,
    RetryBudget,
    RetryPolicy,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import Kept, clean, consistent
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
AFTER_ONE = HedgePolicy(delay=1)


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


def told(seen: Recorder) -> list[tuple[str, int, str]]:
    return [(attempt.provider, attempt.number, attempt.outcome) for attempt in seen.ledger]


# --- at what price


@pytest.mark.parametrize("tokens", [0, 1, 3])
async def test_a_hedge_is_paid_for_and_without_a_token_there_is_none(tokens):
    first, second = ScriptedAdapter("first", [2, "slow"]), ScriptedAdapter("second", "quick")
    policy = RetryPolicy(hedge=AFTER_ONE, budget=RetryBudget(0, 0, tokens))
    async with router_of(first, second, retry=policy) as router:
        providers = [(await router.complete(HELLO)).provider for _ in range(5)]

    assert providers == ["second"] * tokens + ["first"] * (5 - tokens)


FAILURES: list[Script] = [
    [0.25, ServiceFailed],
    [0.25, InvalidRequest],
    [0.25, AuthenticationFailed],
    [0.25, RateLimited(retry_after=0.1)],
    [0.25, ConnectionLost("lost", reused=True)],
    [0.25, TypeError("a bug")],
    [0.25, Unfinished],
    [0.25, Delta(finish_reason="stop")],
    [Delta()] * 70,
]


@pytest.mark.parametrize("script", FAILURES, ids=str)
@pytest.mark.parametrize("stay", [1, 2])
async def test_a_hedge_that_fails_never_hurts_the_winner(seen, script, stay):
    first, second = ScriptedAdapter("first", [2.5, "sl", 0.5, "ow"]), ScriptedAdapter("second", script)
    policy = RetryPolicy(hedge=AFTER_ONE, attempts=2, stay=stay)
    async with router_of(first, second, seen=seen, retry=policy) as router:
        reply = await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(3.0)

    assert (reply.text, reply.provider) == ("slow", "first")
    consistent(seen)
    clean([first, second])


async def test_a_hedge_goes_on_where_the_first_one_fails_meanwhile(seen):
    first, second = ScriptedAdapter("first", [1.5, ServiceFailed]), ScriptedAdapter("second", [3, "late"])
    async with router_of(first, second, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        assert (await router.complete(HELLO)).text == "late"
        assert anyio.current_time() == pytest.approx(4.0)
    assert told(seen) == [("first", 1, "failed"), ("second", 2, "committed")]


async def test_later_rounds_are_hedged_too(seen):
    first = ScriptedAdapter.each("first", [[RateLimited(retry_after=2)], [Forever]])
    second = ScriptedAdapter.each("second", [[RateLimited(retry_after=2)], "quick"])
    async with router_of(first, second, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        assert (await router.complete(HELLO)).text == "quick"
        assert anyio.current_time() == pytest.approx(3.0)
    assert [a.round for a in seen.ledger] == [1, 1, 2, 2]
    consistent(seen)


async def test_a_usual_delay_costs_about_a_twentieth_more_and_cuts_the_slowest():
    """1000 requests, 3 % of them slow at first: those are hedged, and a twentieth of the others."""
    draw = random.Random(5)
    times = [draw.uniform(1.0, 2.0) if draw.random() > 0.03 else 20.0 for _ in range(1000)]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    extra = 0
    for hedged in seconds:
        first = ScriptedAdapter.each("first", [[each, "slow"] for each in times])
        second = ScriptedAdapter("second", [1.0, "quick"])
        policy = RetryPolicy(hedge=HedgePolicy() if hedged else None)
        async with router_of(first, second, retry=policy) as router:
            for _ in times:
                before = anyio.current_time()
                await router.complete(HELLO)
                seconds[hedged].append(anyio.current_time() - before)
        extra += second.opened

    assert 0.06 * 1000 <= extra <= 0.1 * 1000
    assert sorted(seconds[False])[990] == pytest.approx(20)
    assert sorted(seconds[True])[990] < 6.1


# --- the same instant, and what is learned


class AtOnce(Kept):
    """Delivers its first content in the very step in which its time has come."""

    async def _play(self, step: Step) -> Delta | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return Delta(self.name)
        return await super()._play(step)


@pytest.mark.parametrize("turn", range(6))  # trio draws who goes first
async def test_of_two_that_commit_in_the_same_instant_one_wins_and_the_other_is_closed(seen, turn):
    first, second = AtOnce("first", [2]), AtOnce("second", [1])
    async with router_of(first, second, seen=seen, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        stream = await router.stream(HELLO)
        assert (first.closed, second.closed) == ((0, 1) if stream.provider == "first" else (1, 0))
        reply = await stream.collect()
        report = {entry.provider: entry for entry in router.health().providers}

    assert reply.text == reply.provider
    assert sorted(attempt.outcome for attempt in seen.ledger) == ["cancelled", "committed"]
    assert seen.ledger[0].provider == reply.provider
    clean([first, second])
    loser = "first" if reply.provider == "second" else "second"
    assert (report[loser].state, report[loser].last_success_age) == ("unknown", None)
    assert (report[reply.provider].state == "healthy", len(seen.of(RequestEnded))) == (True, 1)
    consistent(seen)


async def test_a_loser_shows_nothing_about_itself():
    first, second = ScriptedAdapter("first", [Forever]), ScriptedAdapter("second", [0.5, "quick"])
    async with router_of(first, second, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        for _ in range(12):
            await router.complete(HELLO)
        lost, won = router.health().providers
        assert router._providers["first"].pace.first_content is None
        assert router._providers["second"].pace.first_content == pytest.approx(0.5)

    assert lost.breaker is not None
    assert won.breaker is not None
    assert (lost.state, lost.last_error, lost.breaker.calls, lost.breaker.failures) == (
        "unknown",
        None,
        0,
        0,
    )
    assert (won.state, won.breaker.calls) == ("healthy", 12)


async def test_a_hedge_that_was_told_to_stay_away_is_left_alone_by_other_requests(seen):
    first = ScriptedAdapter("first", [2, "slow"])
    second = ScriptedAdapter("second", [RateLimited(retry_after=100)])
    async with router_of(first, second, retry=RetryPolicy(hedge=AFTER_ONE)) as router:
        for _ in range(3):
            await router.complete(HELLO)

    assert (first.opened, second.opened) == (3, 1)


async def test_when_both_fail_the_error_names_both(seen):
    errors: list[type[AdapterError]] = [BadReply, ServiceFailed]
    first, second = (ScriptedAdapter(name, [2, error]) for name, error in zip("ab", errors, strict=True))
    policy = RetryPolicy(attempts=1, hedge=AFTER_ONE)
    async with router_of(first, second, seen=seen, retry=policy) as router:
        with pytest.raises(AllProvidersFailed) as caught:
            await router.stream(HELLO)

    assert [type(cause) for cause in caught.value.causes] == errors
    consistent(seen)
