"""Limits that this side keeps: who is at one is passed over, waited for where it is the last, not blamed."""

import anyio
import pytest

from adapters import ScriptedAdapter
from adapters.contract import Delta, Usage
from adapters.contract.errors import ConnectFailed, ServiceFailed
from router import AllProvidersFailed, HedgePolicy, RetryPolicy, Router, Timeouts
from tests.virtual_time import anyio_backend  # noqa: F401

pytestmark = pytest.mark.anyio
ASK = [{"role": "user", "content": "Hello"}]


def limited(name: str, script: object = "Hello", **limits: int) -> ScriptedAdapter:
    adapter = ScriptedAdapter(name, script)  # type: ignore[arg-type] # a script of the test's own
    for setting, value in limits.items():
        setattr(adapter, setting, value)
    return adapter


async def test_a_provider_at_its_limit_is_passed_over_and_not_blamed() -> None:
    first, second = limited("first", requests_per_minute=2), limited("second")
    async with Router([first, second], observers=[]) as router:
        answered = [(await router.complete(ASK)).provider for _ in range(3)]
        report = router.health().providers[0]
        reply = await router.complete(ASK)
        await anyio.sleep(61)
        later = await router.complete(ASK)

    assert answered == ["first", "first", "second"]
    assert (report.state, report.can_answer) == ("healthy", False)
    assert report.back_in == pytest.approx(60.5, abs=0.5)
    assert "requests_per_minute" in reply.attempts[0].reason
    assert later.provider == "first"


async def test_the_last_one_is_waited_for_in_the_order_of_coming() -> None:
    order: list[int] = []
    async with Router([limited("only", requests_per_minute=2)], observers=[]) as router:

        async def ask(number: int) -> None:
            await router.complete(ASK)
            order.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(ask, number)
                await anyio.sleep(0.1)
        took = anyio.current_time()

    assert order == sorted(order)
    assert 120 < took < 125


async def test_of_several_at_their_limits_the_one_with_room_first_is_waited_for() -> None:
    early, late = limited("late", requests_per_minute=1), limited("early", requests_per_minute=1)
    async with Router([early, late], observers=[]) as router:
        await router.complete(ASK, providers=["early"])
        await anyio.sleep(30)
        await router.complete(ASK, providers=["late"])
        reply = await router.complete(ASK)

    assert reply.provider == "early"


async def test_a_wait_beyond_the_deadline_fails_at_once_and_says_when() -> None:
    clocks = Timeouts(total=10)
    async with Router([limited("only", requests_per_minute=1)], timeouts=clocks, observers=[]) as router:
        await router.complete(ASK)
        began = anyio.current_time()
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(ASK)

    assert anyio.current_time() == began
    assert caught.value.retryable
    assert caught.value.retry_after == pytest.approx(60.5, abs=0.5)


async def test_who_is_cancelled_while_waiting_takes_nothing() -> None:
    async with Router([limited("only", requests_per_minute=1)], observers=[]) as router:
        await router.complete(ASK)
        with anyio.move_on_after(5) as scope:
            await router.complete(ASK)
        await router.complete(ASK)

    assert scope.cancelled_caught
    assert 60 <= anyio.current_time() < 62


async def test_retries_count_and_what_was_not_sent_does_not() -> None:
    adapter = limited("only", requests_per_minute=2)
    adapter._scripts = ((ServiceFailed("sick"),), ("Hello",))
    async with Router([adapter], retry=RetryPolicy(attempts=3), observers=[]) as router:
        await router.complete(ASK)
        assert router.health().providers[0].back_in is not None
    refused = limited("only", requests_per_minute=2)
    refused._scripts = ((ConnectFailed("refused"),), (ConnectFailed("refused"),), ("Hello",))
    async with Router([refused], retry=RetryPolicy(attempts=3), observers=[]) as router:
        await router.complete(ASK)
        assert router.health().providers[0].back_in is None


async def test_hedges_count() -> None:
    slow = limited("slow", [3.0, "Hello"])
    spare = limited("spare", requests_per_minute=1)
    hedge = RetryPolicy(hedge=HedgePolicy(delay=1.0))
    async with Router([slow, spare], retry=hedge, observers=[]) as router:
        first = await router.complete(ASK)
        second = await router.complete(ASK)

    assert (first.provider, second.provider) == ("spare", "slow")


async def test_probes_for_an_answer_count_and_find_nothing_at_the_limit() -> None:
    adapter = limited("only", requests_per_minute=1)
    async with Router([adapter], observers=[]) as router:
        await router.check("answer")
        probe = (await router.check("answer")).providers[0].probe

    assert adapter.opened == 1
    assert probe is not None
    assert probe.working is None
    assert "limit" in probe.reason


async def test_tokens_are_estimated_and_corrected_by_what_the_service_counts() -> None:
    usage = Usage(100, 900, 1000)
    adapter = limited("only", ["Hello", Delta(finish_reason="stop", usage=usage)], tokens_per_minute=1500)
    async with Router([adapter, limited("other")], observers=[]) as router:
        first = await router.complete(ASK)
        fits = await router.complete(ASK, max_tokens=100)
        full = await router.complete(ASK, max_tokens=100)

    assert [reply.provider for reply in (first, fits, full)] == ["only", "only", "other"]
    assert "tokens_per_minute" in full.attempts[0].reason


async def test_a_day_has_its_requests() -> None:
    utc = [86400.0 * 10 - 100]
    adapter = limited("only", daily_requests=1)
    async with Router([adapter, limited("other")], utc=lambda: utc[0], observers=[]) as router:
        first, second = await router.complete(ASK), await router.complete(ASK)
        back_in = router.health().providers[0].back_in
        utc[0] += 101
        third = await router.complete(ASK)

    assert [each.provider for each in (first, second, third)] == ["only", "other", "only"]
    assert back_in == pytest.approx(100)
