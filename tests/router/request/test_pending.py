"""What `stream()` and `complete()` return: a coroutine in every respect, which can be entered besides."""

from __future__ import annotations

import asyncio  # noqa: TID251 - what a user of asyncio does with it
import collections.abc
import gc
import warnings
from typing import Any

import anyio
import pytest
import trio

from adapters import ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter
from router import AllProvidersFailed, ReplyStream, RequestEnded, Router
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


async def test_it_can_be_awaited_entered_and_both():
    async with router_of(ScriptedAdapter("first")) as router:
        awaited = await router.stream(HELLO)
        async with awaited:
            assert (await awaited.collect()).text == "Hello"
        async with router.stream(HELLO) as entered:
            assert isinstance(entered, ReplyStream)
            assert "".join([str(delta) async for delta in entered]) == "Hello"
        async with await router.stream(HELLO) as both:
            assert (await both.collect()).text == "Hello"
        assert (await router.complete(HELLO)).text == "Hello"


async def test_leaving_the_block_early_closes_the_reply():
    seen, first = Recorder(), ScriptedAdapter("first", ["Hel", Forever])
    async with router_of(first, seen=seen) as router:
        async with router.stream(HELLO) as reply:
            assert str(await reply.receive()) == "Hel"

        assert (reply.verdict, first.closed) == ("closed", 1)
        with pytest.raises(ZeroDivisionError):
            async with router.stream(HELLO) as second:
                raise ZeroDivisionError
        assert (second.verdict, first.closed) == ("closed", 2)


async def test_a_request_that_fails_raises_where_it_is_entered():
    async with router_of(ScriptedAdapter("first", [ServiceFailed("down")])) as router:
        with pytest.raises(AllProvidersFailed, match="down"):
            async with router.stream(HELLO):
                pytest.fail("the block must not run")


async def test_nothing_is_sent_and_no_argument_is_looked_at_before_the_await():
    seen, first = Recorder(), ScriptedAdapter("first")
    async with router_of(first, seen=seen) as router:
        misspelt: Any = {"temprature": 1}
        pending: list[Any] = [router.stream(HELLO), router.complete([], "big", **misspelt)]
        await anyio.sleep(1)
        assert (first.opened, seen.events) == (0, [])
        for each in pending:
            each.close()


async def test_it_runs_once():
    async with router_of(ScriptedAdapter("first")) as router:
        pending = router.complete(HELLO)
        await pending
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await pending


@pytest.mark.parametrize("method", ["stream", "complete"])
async def test_never_awaited_it_warns_as_a_coroutine_does(method):
    router = router_of(ScriptedAdapter("first"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(router, method)(HELLO)
        gc.collect()

    assert [(RuntimeWarning, f"coroutine 'Router.{method}' was never awaited")] == [
        (warning.category, str(warning.message)) for warning in caught
    ]


async def test_a_task_group_takes_it():
    seen = Recorder()
    async with router_of(ScriptedAdapter("first"), seen=seen) as router, anyio.create_task_group() as tasks:
        tasks.start_soon(router.complete, HELLO)

    assert ["complete"] == [end.verdict for end in seen.of(RequestEnded)]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_event_loop_runs_it(backend):
    assert anyio.run(Router([ScriptedAdapter("first")]).complete, HELLO, backend=backend).text == "Hello"


def test_asyncio_makes_tasks_of_it():
    async def main() -> None:
        async with Router([ScriptedAdapter("first")]) as router:
            pending = router.stream(HELLO)
            assert asyncio.iscoroutine(pending)
            assert isinstance(pending, collections.abc.Coroutine)
            task = asyncio.create_task(pending)
            assert "Router.stream" in repr(task)
            stream = await task
            async with stream:
                assert (await stream.collect()).text == "Hello"
            replies = await asyncio.gather(router.complete(HELLO), router.complete(HELLO))
            assert ["Hello", "Hello"] == [reply.text for reply in replies]
            wrong = asyncio.create_task(router.complete("Hello"))  # type: ignore[arg-type] # on purpose
            with pytest.raises(TypeError, match="messages is str"):
                await wrong
            async with asyncio.TaskGroup() as group:
                made = group.create_task(router.complete(HELLO))
            assert made.result().text == "Hello"
            assert (await asyncio.wait_for(router.complete(HELLO), 5)).text == "Hello"

    asyncio.run(main())


def test_a_cancelled_task_of_asyncio_ends_the_request_as_cancelled():
    seen = Recorder()

    async def main() -> None:
        async with Router([ScriptedAdapter("first", [Forever])], observers=[seen]) as router:
            task = asyncio.create_task(router.complete(HELLO))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    assert seen.end.verdict == "cancelled"


def test_a_nursery_of_trio_takes_it():
    seen = Recorder()

    async def main() -> None:
        router = Router([ScriptedAdapter("first")], observers=[seen])
        async with router, trio.open_nursery() as nursery:
            nursery.start_soon(router.complete, HELLO)

    trio.run(main)

    assert seen.end.verdict == "complete"


@pytest.mark.parametrize("made", ["stream", "complete"])
async def test_its_repr_says_what_it_is(made):
    pending = getattr(router_of(ScriptedAdapter("first")), made)(HELLO)

    assert f"<Router.{made}(…), to be awaited>" == repr(pending)
    assert (made, f"Router.{made}") == (pending.__name__, pending.__qualname__)
    pending.close()
