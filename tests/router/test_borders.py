"""The borders of a router: processes, threads, event loops, and its closing."""

import asyncio  # noqa: TID251 - its own cancellation is what is tested
import gc
import multiprocessing
import os
import threading
import warnings
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest
from anyio.from_thread import start_blocking_portal

from adapters import AuthenticationFailed, Limits, ModelNotFound, OpenAICompatible, ScriptedAdapter
from adapters.contract import Capabilities, Outcome
from adapters.scripted import Forever
from adapters.simulators.openai import OpenAISimulator
from router import AllProvidersFailed, RetryBudget, Router
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, run_virtual

pytestmark = pytest.mark.anyio


# --- a fork


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_processes_forked_from_one_router_share_no_ids_and_no_jitter():
    router = Router([ScriptedAdapter("first")], observers=[])

    def one(pipe) -> None:
        pipe.send((router._random.getrandbits(64), os.getpid()))

    said = []
    forking = multiprocessing.get_context("fork")
    for _ in range(2):
        mine, theirs = forking.Pipe(duplex=False)
        process = forking.Process(target=one, args=(theirs,))
        process.start()
        said.append(mine.recv())
        process.join(10)
        mine.close()
        theirs.close()
    own = (router._random.getrandbits(64), os.getpid())
    assert len({number for number, _ in [*said, own]}) == 3


# --- another event loop


@pytest.mark.parametrize("second", BACKENDS)
@pytest.mark.parametrize("first", BACKENDS)
@pytest.mark.parametrize("closed", [True, False])
def test_an_adapter_is_used_again_by_another_router_in_another_loop(first, second, closed):
    adapter = ScriptedAdapter("first", "Hello")
    routers = []

    async def use():
        router = Router([adapter], observers=[])
        routers.append(router)
        text = (await router.complete(HELLO)).text
        if closed:
            await router.aclose()
        return text

    assert run_virtual(use, first) == run_virtual(use, second) == "Hello"


def _answers_in_three_loops(url: str) -> Iterator[str]:
    adapter = OpenAICompatible(f"{url}/v1", model="m")

    async def use() -> str:
        return (await Router([adapter], observers=[]).complete(HELLO)).text

    for backend in ("asyncio", "trio", "asyncio"):
        yield anyio.run(use, backend=backend)
        gc.collect()


def test_an_http_adapter_whose_loop_is_gone_gets_a_new_client():
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(OpenAISimulator()) as simulator,
        warnings.catch_warnings(),
    ):
        # The client of a loop was never closed, and says so where it is let go of; the last one at the end.
        warnings.simplefilter("ignore", ResourceWarning)
        texts = list(_answers_in_three_loops(simulator.url))
        gc.collect()
    assert texts[0]
    assert len(set(texts)) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_router_in_a_second_loop_says_what_to_do(backend):
    router = router_of(ScriptedAdapter("first", "Hello"))
    run_virtual(router.complete, backend, HELLO)

    async def health():
        return router.health()

    for use in (health, lambda: router.complete(HELLO), router.check):
        with pytest.raises(RuntimeError, match="is gone; make a new router here"):
            run_virtual(use, backend)
    run_virtual(router.aclose, backend)  # nothing of the old loop is waited for
    assert router._in_flight.closed


async def test_a_router_of_a_loop_that_still_runs_is_to_be_closed_there():
    router = router_of(ScriptedAdapter("first", "Hello"))
    await router.complete(HELLO)

    def elsewhere():
        for use in (router.complete, lambda _: router.aclose()):
            with pytest.raises(RuntimeError, match="which still runs"):
                anyio.run(use, HELLO)

    await anyio.to_thread.run_sync(elsewhere)
    await router.aclose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_times_of_another_loop_are_not_compared(backend):
    adapter = ScriptedAdapter("first", "Hello")
    adapter.in_loop("a loop whose clock is far ahead")
    adapter.mark(Outcome(1e9, AuthenticationFailed("no key")))
    assert adapter.working_at(1e9) is False

    async def ask():
        async with Router([adapter], observers=[]) as router:
            return router.health().providers[0].state, (await router.complete(HELLO)).text

    assert run_virtual(ask, backend) == ("unknown", "Hello")
    assert adapter.working is True


def test_what_needs_no_clock_is_known_in_every_loop():
    adapter = ScriptedAdapter("first", "Hello")
    adapter.in_loop(1)
    adapter.mark(Outcome(1e9))
    adapter.in_loop(2)
    assert (adapter.working, adapter.working_since) == (True, None)


def test_a_budget_goes_on_with_the_clock_of_another_loop():
    budget = RetryBudget(share=0, per_second=1, capacity=1)
    assert budget.take(1e9)
    budget.on_clock(5.0)
    assert not budget.take(5.5)
    assert budget.take(6.5)


# --- a reply dropped in another thread


async def test_a_reply_dropped_in_another_thread_is_closed_in_its_loop():
    closed_in = []

    class Sees(ScriptedAdapter):
        async def stream(self, request):
            try:
                async for delta in super().stream(request):
                    yield delta
            finally:
                closed_in.append(threading.get_ident())

    ended_in = []

    def see(event) -> None:
        if type(event).__name__ == "RequestEnded":
            ended_in.append((event.verdict, threading.get_ident()))

    adapter = Sees("first", ["Hel", Forever])
    adapter.concurrency = 1
    async with Router([adapter], observers=[see]) as router:
        held = [await router.stream(HELLO)]

        def drop() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                held.clear()
                gc.collect()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            await anyio.to_thread.run_sync(drop)
            with anyio.fail_after(5):
                while not closed_in:
                    gc.collect()
                    await anyio.sleep(0.01)
        assert ended_in == [("closed", threading.get_ident())]
        assert closed_in == [threading.get_ident()]
        assert "1 of 1 free" in repr(router._slots["first"])


# --- closing


class Slow(ScriptedAdapter):
    begun = 0
    over = 0

    async def aclose(self) -> None:
        self.begun += 1
        await anyio.sleep(0.1)
        self.over += 1


async def test_every_caller_waits_until_the_router_is_closed_once():
    slow = [Slow("first", ["Hel", Forever]), Slow("second")]
    router = router_of(*slow)
    stream = await router.stream(HELLO)
    seen = []

    async def close() -> None:
        await router.aclose()
        seen.append([each.over for each in slow])

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(close)
    await router.aclose()
    assert seen == [[1, 1]] * 3
    assert [each.begun for each in slow] == [1, 1]
    assert stream.verdict == "closed"


async def test_a_cancelled_close_closes_everything():
    slow = Slow("first", ["Hel", Forever])
    router = router_of(slow)
    stream = await router.stream(HELLO)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await router.aclose()
    assert stream.verdict == "closed"
    assert (slow.begun, slow.over) == (1, 1)


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 10])
def test_a_close_that_asyncio_cancels_closes_everything(after):
    slow = Slow("first", ["Hel", Forever])

    async def main() -> object:
        router = router_of(slow)
        stream = await router.stream(HELLO)
        closing = asyncio.ensure_future(router.aclose())
        for _ in range(after):
            await asyncio.sleep(0)
        closing.cancel()
        other = asyncio.ensure_future(router.aclose())
        with pytest.raises(asyncio.CancelledError):
            await closing
        if after:
            assert slow.over == 1
        await other
        return stream.verdict

    assert asyncio.run(main()) == "closed"
    assert (slow.begun, slow.over) == (1, 1)


async def test_an_adapter_that_closes_its_router_does_not_wait_for_itself():
    class Eager(ScriptedAdapter):
        async def aclose(self) -> None:
            await router.aclose()

    router = router_of(Eager("first", "Hello"))
    await router.complete(HELLO)
    with anyio.fail_after(10):
        await router.aclose()


# --- any number of failures


def test_a_thousand_failures_overflow_nothing():
    adapter = ScriptedAdapter("first")
    for number in range(10_000):
        adapter.mark(Outcome(float(number), AuthenticationFailed("no key")))
    assert adapter.recheck_at == 9_999 + adapter.recheck_cap


@pytest.mark.parametrize("lacks", [True, False])
async def test_a_long_name_of_a_caller_is_cut_wherever_it_is_shown(lacks):
    seen = Recorder()
    adapter = ScriptedAdapter("first", [ModelNotFound("no such model")])
    if not lacks:
        adapter.capabilities = Capabilities(models=frozenset({"m"}))
    async with router_of(adapter, seen=seen) as router:
        for _ in range(2):
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(HELLO, model="m" * 1_000_000)
    assert len(str(caught.value)) < 1000
    assert len(repr(seen.events)) < 10_000


# --- a full house


@pytest.mark.parametrize("connections", [50, 1000])
async def test_300_requests_at_once_on_one_provider_all_answer(connections):
    async with OpenAISimulator(text="Hello") as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", model="m", limits=Limits(connections=connections))
        texts = []

        async def one() -> None:
            texts.append((await router.complete(HELLO)).text)

        async with router_of(adapter) as router, anyio.create_task_group() as tasks:
            for _ in range(300):
                tasks.start_soon(one)
        assert texts == ["Hello"] * 300
