"""Places at a provider: no more replies at the same time than its adapter allows."""

from contextlib import suppress

import anyio
import pytest

from adapters import BadReply, ConnectionLost, RateLimited, ScriptedAdapter
from router import AllProvidersFailed, BreakerPolicy, Router, StreamInterrupted, Timeouts
from tests.router.recording import HELLO
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio


def narrow(name: str, script, places: int = 1) -> ScriptedAdapter:
    adapter = ScriptedAdapter(name, script)
    adapter.concurrency = places
    return adapter


async def test_a_full_provider_is_skipped_and_not_blamed():
    first, second = narrow("first", ["Hel", 5.0, "lo"]), ScriptedAdapter("second", "other")
    async with Router([first, second], observers=[]) as router, await router.stream(HELLO) as held:
        reply = await router.complete(HELLO)

        assert ("second", ["skipped", "committed"]) == (reply.provider, [a.outcome for a in reply.attempts])
        assert reply.attempts[0].reason.startswith("all its 1 slots are taken (Adapter.concurrency; ")
        assert "Limits.connections" in reply.attempts[0].reason
        assert router.health().providers[0].last_error is None
        assert await held.read_text() == "Hello"
        assert (await router.complete(HELLO)).provider == "first"


async def test_the_last_provider_left_is_waited_for_within_a_bound():
    only = narrow("only", ["Hel", 0.5, "lo"])
    async with Router([only], observers=[]) as router:
        held = await router.stream(HELLO)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(held.read_text)
            assert (await router.complete(HELLO)).text == "Hello"
        assert anyio.current_time() == pytest.approx(1.0)


async def test_a_wait_for_a_place_ends_at_its_bound():
    only = narrow("only", ["Hel", 50.0, "lo"])
    async with (
        Router([only], observers=[], timeouts=Timeouts(slot=0.75)) as router,
        await router.stream(HELLO),
    ):
        with pytest.raises(AllProvidersFailed, match=r"within 0\.75 s \(Timeouts\.slot\)") as caught:
            await router.stream(HELLO)
        assert caught.value.retryable
        assert anyio.current_time() == pytest.approx(0.75)


@pytest.mark.parametrize(("requests", "places", "seconds"), [(300, 3, 200), (1000, 10, 200), (1000, 1000, 2)])
async def test_a_full_house_is_a_queue_within_the_deadline(requests, places, seconds):
    only = narrow("only", ["Hel", 2.0, "lo"], places)
    async with Router([only], observers=[]) as router:
        async with anyio.create_task_group() as tasks:
            for _ in range(requests):
                tasks.start_soon(router.complete, HELLO)
        assert anyio.current_time() == pytest.approx(seconds)
    assert only.opened == requests


async def test_who_finds_no_slot_before_the_deadline_is_told_which_setting_it_was():
    only = narrow("only", ["Hel", 50.0, "lo"])
    async with Router([only], observers=[]) as router, await router.stream(HELLO):
        with pytest.raises(AllProvidersFailed, match=r"slots are taken \(.*\(Timeouts\.total\)") as caught:
            await router.stream(HELLO, timeouts=Timeouts(total=5))
        assert caught.value.retryable
        assert anyio.current_time() == pytest.approx(4.5)  # the last time at which an attempt may start


async def test_a_full_provider_is_waited_for_once_nobody_else_is_left():
    first = narrow("first", ["Hel", 2.0, "lo"])
    second = ScriptedAdapter("second", [BadReply("broken")])
    async with Router([first, second], observers=[]) as router:
        held = await router.stream(HELLO)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(held.collect)
            reply = await router.complete(HELLO)
        assert [(a.provider, a.outcome) for a in reply.attempts] == [
            ("first", "skipped"),
            ("second", "failed"),
            ("first", "committed"),
        ]
        assert anyio.current_time() == pytest.approx(4.0)


@pytest.mark.parametrize("script", [[RateLimited("no")], ["Hel", ConnectionLost("cut")], ["Hello"], [60.0]])
async def test_every_ending_gives_the_place_back(script):
    only = narrow("only", script)
    async with Router([only], observers=[], breaker=BreakerPolicy.off()) as router:
        for seconds in (20, 20, 0.1):
            with anyio.move_on_after(seconds), suppress(AllProvidersFailed, StreamInterrupted):
                await router.complete(HELLO)
        places = router._slots["only"]

        assert places._semaphore is not None
        assert places._semaphore.value == 1
