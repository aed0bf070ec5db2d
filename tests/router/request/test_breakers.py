"""The breaker in whole requests: who is left alone, for how long, and who is let through."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import (
    AdapterError,
    BadReply,
    Busy,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    ServiceFailed,
)
from adapters.scripted import Forever, Script, ScriptedAdapter, Step, Unfinished
from router import (
    AllProvidersFailed,
    BreakerPolicy,
    RequestAborted,
    RetryPolicy,
    Router,
    StreamInterrupted,
    Timeouts,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from router.policy.breaker_snapshot import BreakerSnapshot

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)
EVEN = BreakerPolicy(jitter=0)


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


async def fail(router: Router, times: int = 1) -> AllProvidersFailed:
    """Make requests that fail; return the last error."""
    for _ in range(times):
        with pytest.raises(AllProvidersFailed) as caught:
            await router.complete(HELLO)
    return caught.value


def breaker(router: Router, place: int = 0) -> BreakerSnapshot:
    snapshot = router.health().providers[place].breaker
    assert snapshot is not None
    return snapshot


# --- opening


async def test_it_opens_after_five_failures_in_a_row_over_several_requests_and_then_nobody_calls():
    first, second = ScriptedAdapter("first", [ServiceFailed]), ScriptedAdapter("second", "Hello")
    async with router_of(first, second, breaker=EVEN) as router:
        for n in range(1, 9):
            reply = await router.complete(HELLO)
            assert first.opened == min(n, 5)
            assert reply.provider == "second"
        assert (breaker(router).state, breaker(router).permit_in) == ("open", 15)
        assert reply.attempts[0].outcome == "skipped"
        assert reply.attempts[0].reason == (
            "circuit breaker open: not asked for 15.0 s more; "
            "to ask it now: Router.reset(), or the gateway's reset"
        )
        entry = router.health().providers[0]
        assert (entry.state, entry.can_answer, entry.back_in) == ("degraded", False, 15)


async def test_content_starts_the_count_anew_also_where_the_reply_breaks_off():
    first = ScriptedAdapter.each(
        "first", [*[[ServiceFailed]] * 4, ["Hel", Unfinished], *[[ServiceFailed]] * 5]
    )
    async with router_of(first, retry=ONCE) as router:
        await fail(router, 4)
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)
        await fail(router, 4)
        assert breaker(router).state == "closed"
        await fail(router)
        assert breaker(router).state == "open"


COUNTED: list[Step] = [
    *(ServiceFailed, ConnectFailed, ConnectionLost, BadReply, Forever, Unfinished),
]  # fmt: skip
NOT_COUNTED: list[type[AdapterError]] = [InvalidRequest, Busy, ModelNotFound, QuotaExhausted, NotWorking]


@pytest.mark.parametrize("step", COUNTED, ids=str)
async def test_what_the_provider_did_counts(step):
    async with router_of(ScriptedAdapter("first", [step]), retry=ONCE) as router:
        await fail(router, 5)
        assert breaker(router).state == "open"


@pytest.mark.parametrize("error", NOT_COUNTED)
async def test_what_is_the_callers_or_known_otherwise_does_not_count(error):
    async with router_of(ScriptedAdapter("first", [error]), retry=ONCE) as router:
        await fail(router, 20)
        assert (breaker(router).state, breaker(router).calls) == ("closed", 0)


async def test_aborts_and_cancellations_do_not_count():
    first = ScriptedAdapter.each("first", [*[[ContentRefused]] * 20, [Forever]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(20):
            with pytest.raises(RequestAborted):
                await router.complete(HELLO)
        for _ in range(20):
            with anyio.move_on_after(1):
                await router.complete(HELLO)
        assert (breaker(router).state, breaker(router).calls) == ("closed", 0)


async def test_a_lost_kept_alive_connection_does_not_count_but_its_repeat_does():
    lost = ConnectionLost("lost", reused=True)
    first = ScriptedAdapter.each("first", [[lost], [ServiceFailed]] * 5)
    async with router_of(first, retry=ONCE) as router:
        await fail(router, 5)
        assert (breaker(router).state, breaker(router).calls) == ("open", 5)


# --- half-open


async def broken(router: Router, first: ScriptedAdapter, script: Script) -> None:
    """Open the breaker, wait until it is half-open, and let the provider play `script` from then on."""
    first._scripts = ((ServiceFailed,),)
    await fail(router, 5)
    assert breaker(router).state == "open"
    await anyio.sleep(15)
    first._scripts = (tuple(ScriptedAdapter("x", script)._scripts[0]),)


async def test_half_open_lets_exactly_one_of_a_hundred_requests_through():
    first, second = ScriptedAdapter("first"), ScriptedAdapter("second", "other")
    async with router_of(first, second, retry=ONCE, breaker=EVEN) as router:
        for _ in range(5):
            first._scripts = ((ServiceFailed,),)
            await router.complete(HELLO)
        await anyio.sleep(15)
        first._scripts = ScriptedAdapter("x", [1, "back"])._scripts
        answers: Counter[str] = Counter()

        async def ask() -> None:
            answers[(await router.complete(HELLO)).provider] += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
        assert answers == {"first": 1, "second": 99}
        assert breaker(router).state == "closed"
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
        assert answers == {"first": 101, "second": 99}


@pytest.mark.parametrize("error", [InvalidRequest, Busy])
async def test_a_trial_that_shows_nothing_gives_its_slot_back(error):
    first = ScriptedAdapter("first")
    async with router_of(first, retry=ONCE, breaker=EVEN) as router:
        await broken(router, first, [Forever])
        with anyio.move_on_after(1):
            await router.complete(HELLO)
        assert (breaker(router).state, breaker(router).permit_in) == ("half-open", 0)
        first._scripts = ((error,),)
        await fail(router)
        assert (breaker(router).state, breaker(router).permit_in) == ("half-open", 0)
        first._scripts = (("Hello",),)
        assert (await router.complete(HELLO)).text == "Hello"
        assert breaker(router).state == "closed"


async def test_breaks_grow_up_to_their_cap_and_a_retry_after_that_is_longer_wins():
    first = ScriptedAdapter("first", [ServiceFailed])
    async with router_of(first, retry=ONCE, breaker=EVEN) as router:
        await fail(router, 5)
        breaks = []
        for _ in range(7):
            breaks.append(breaker(router).permit_in)
            await anyio.sleep(breaks[-1] or 0)
            await fail(router)
        assert breaks == pytest.approx([15, 30, 60, 120, 240, 300, 300])
        await anyio.sleep(300)
        for asked, pause in ((1000, 1000), (10, 300), (99_999, 3600)):  # remembered for an hour at most
            first._scripts = ((ServiceFailed(retry_after=asked),),)
            await fail(router)
            assert breaker(router).permit_in == pytest.approx(pause)
            await anyio.sleep(pause)


async def test_a_request_that_waited_for_a_place_looks_at_the_breaker_again():
    """Open means no call, also for those that were let in before it opened."""
    first = ScriptedAdapter("first", [0.5, ServiceFailed])
    first.concurrency = 1
    async with router_of(first, retry=ONCE, timeouts=Timeouts(slot=60)) as router:
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(fail, router)
        assert (first.opened, breaker(router).state) == (5, "open")


# --- by hand


async def test_isolated_it_is_not_asked_until_it_is_reset():
    first, second = ScriptedAdapter("first"), ScriptedAdapter("second")
    async with router_of(first, second) as router:
        router.isolate("first")
        await anyio.sleep(10_000)
        reply = await router.complete(HELLO)
        assert reply.attempts[0].reason == "isolated by hand; Router.reset() brings it back"
        assert (breaker(router).state, router.health().providers[0].back_in) == ("isolated", None)
        router.reset("first")
        assert (await router.complete(HELLO)).provider == "first"
        for name in ("isolate", "reset"):
            with pytest.raises(ValueError, match="did you mean 'first'"):
                getattr(router, name)("frist")


async def test_a_reset_forgets_an_open_breaker_and_not_a_retry_after():
    first = ScriptedAdapter("first", [ServiceFailed])
    async with router_of(first, retry=ONCE) as router:
        await fail(router, 5)
        router.reset("first")
        first._scripts = ((ServiceFailed(retry_after=50),),)
        await fail(router)
        assert first.opened == 6
        router.reset("first")
        assert (await fail(router)).retry_after == pytest.approx(50)
        assert first.opened == 6


async def test_an_isolated_provider_is_promised_by_nobody():
    first = ScriptedAdapter("first", [ServiceFailed(retry_after=50)])
    async with router_of(first, retry=RetryPolicy(attempts=1, wait_for_held=True)) as router:
        await fail(router)
        router.isolate("first")
        error = await fail(router)
        assert (error.retryable, error.retry_after, anyio.current_time()) == (False, None, 0)


# --- nobody to ask


async def test_when_all_breakers_are_open_it_fails_at_once_with_the_earliest_time():
    adapters = [ScriptedAdapter(name, [ServiceFailed]) for name in "abc"]
    async with router_of(*adapters, retry=ONCE, breaker=EVEN) as router:
        for adapter in adapters:
            for _ in range(5):
                with pytest.raises(AllProvidersFailed):
                    await router.complete(HELLO, providers=[adapter.name])
            await anyio.sleep(2)
        before = anyio.current_time()
        error = await fail(router)
        assert anyio.current_time() == before
        assert error.retryable
        assert error.retry_after == pytest.approx(9)
        assert [a.outcome for a in error.attempts] == ["skipped"] * 3
        assert "try again in 9.0 s" in str(error)
