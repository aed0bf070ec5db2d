"""The blocking router: the same replies and errors, from any thread, in the context of the caller."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the caller's loop, as in a notebook
import contextvars
import gc
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest
import trio

from adapters import OpenAICompatible, ScriptedAdapter, ServiceFailed
from adapters.scripted import Forever, Unfinished
from adapters.simulators.openai import OpenAISimulator
from router import (
    AllProvidersFailed,
    RequestStarted,
    RetryPolicy,
    Router,
    StreamInterrupted,
    SyncReplyStream,
    SyncRouter,
)
from tests.router.sync.programs import ASK, BACKENDS, served, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router import Event
    from router.sync.loop_thread import Backend


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    return found


@pytest.fixture
def echo() -> ScriptedAdapter:
    return ScriptedAdapter("echo", ["Hel", "lo"])


@pytest.fixture
def router(echo: ScriptedAdapter, backend: Backend) -> Iterator[SyncRouter]:
    with SyncRouter([echo], backend=backend, observers=[]) as made:
        yield made


def test_a_reply_is_whole_or_comes_delta_by_delta(router: SyncRouter, echo: ScriptedAdapter) -> None:
    assert router.complete(ASK, "m", temperature=0.5).text == "Hello"
    with router.stream(ASK) as reply:
        assert repr(reply).startswith("<SyncReplyStream")
        assert [delta.text for delta in reply if delta.text] == ["Hel", "lo"]
    assert (reply.provider, reply.verdict, reply.finish_reason, len(reply.attempts)) == (
        "echo", "complete", "stop", 1,
    )  # fmt: skip
    assert list(reply) == []
    assert router.stream(ASK).read_text() == "Hello"
    assert router.stream(ASK).collect().text == "Hello"
    assert router.providers == ("echo",)
    assert echo.requests[0].options["temperature"] == 0.5


@pytest.mark.anyio
async def test_async_with_says_what_to_write(router: SyncRouter) -> None:
    with pytest.raises(TypeError, match=r"write `with SyncRouter\(…\) as router:`"):
        async with router:  # type: ignore[attr-defined] # which is what is tried
            pass


def test_what_was_read_before_is_in_the_whole_reply(router: SyncRouter) -> None:
    reply = router.stream(ASK)
    assert next(reply).text == "Hel"
    assert reply.read_text() == "Hello" == reply.text_so_far
    assert list(reply) == []


def test_a_break_closes_the_reply_in_the_background(backend: Backend) -> None:
    endless = ScriptedAdapter("endless", ["a", Forever])
    with SyncRouter([endless], backend=backend, observers=[]) as router:
        for _ in router.stream(ASK):
            break
        gc.collect()
        until(lambda: endless.closed == 1)
        assert endless.created == endless.deleted
        with router.stream(ASK) as reply:
            next(reply)
        assert (endless.closed, reply.verdict) == (2, "closed")
        kept = router.stream(ASK)
    assert (endless.closed, kept.verdict) == (3, "closed")
    with pytest.raises(anyio.ClosedResourceError):
        list(kept)


def test_a_thread_that_reads_learns_of_a_close_by_another(backend: Backend) -> None:
    endless = ScriptedAdapter("endless", ["a", Forever])
    with SyncRouter([endless], backend=backend, observers=[]) as router, ThreadPoolExecutor() as pool:
        reply = router.stream(ASK)
        next(reply)
        reading = pool.submit(next, reply)
        until(lambda: "READING" in str(reply._reply._state))
        reply.close()
        with pytest.raises(anyio.ClosedResourceError, match="its reader closed it"):
            reading.result(5)
        opening = pool.submit(router.complete, ASK)
        until(lambda: endless.opened == 2)
        router.close()
        with pytest.raises(anyio.ClosedResourceError, match="router was closed"):
            opening.result(5)
        with pytest.raises(anyio.ClosedResourceError, match="make a new one"):
            router.complete(ASK)
        router.close()


def test_errors_come_bare_and_with_the_line_of_the_caller(backend: Backend) -> None:
    failing = ScriptedAdapter("failing", [ServiceFailed])
    breaking = ScriptedAdapter("breaking", ["Hel", Unfinished])
    with SyncRouter([failing, breaking], backend=backend, observers=[], retry=RetryPolicy(1)) as router:
        with pytest.raises(StreamInterrupted) as broke_off:
            router.complete(ASK)
        assert broke_off.value.partial == "Hel"
        with pytest.raises(AllProvidersFailed) as nobody:
            router.complete(ASK, providers=["failing"])
        frames = traceback.extract_tb(nobody.value.__traceback__)
        assert frames[0].filename == __file__
        assert not [each for each in frames if "anyio" in each.filename or "run" == each.name]
        for wrong in ({"temprature": 1}, {"timeouts": 5}):
            with pytest.raises(TypeError):
                router.complete(ASK, **wrong)  # type: ignore[arg-type] # the wrong ones
        with pytest.raises(ValueError, match="messages is empty"):
            router.stream([])


def test_what_has_come_is_handed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of 5000 deltas costs some dozens of calls into the event loop, not thousands."""
    from router.sync import loop_thread

    calls: list[object] = []
    plain = loop_thread.LoopThread.call

    def counted(self: object, *args: object, **kwargs: object) -> object:
        calls.append(args)
        return plain(self, *args, **kwargs)  # type: ignore[arg-type] # as they came

    with (
        served(OpenAISimulator, deltas=["abcd "] * 5000) as service,
        SyncRouter([OpenAICompatible(f"{service.url}/v1", model="m")], observers=[]) as router,
    ):
        monkeypatch.setattr(loop_thread.LoopThread, "call", counted)
        assert sum(len(delta.text) for delta in router.stream(ASK)) == 25000
        burst = len(calls)
    assert burst < 1000


def test_many_threads_use_one_router(backend: Backend) -> None:
    adapter = ScriptedAdapter("many", ["Hel", 0.001, "lo"])
    with SyncRouter([adapter], backend=backend, observers=[]) as router, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: "".join(map(str, router.stream(ASK))), range(40)))
    assert replies == ["Hello"] * 40
    assert adapter.opened == adapter.closed == 40


def test_two_threads_cannot_read_one_reply(backend: Backend) -> None:
    endless = ScriptedAdapter("endless", ["a", Forever])
    with SyncRouter([endless], backend=backend, observers=[]) as router, ThreadPoolExecutor() as pool:
        reply = router.stream(ASK)
        next(reply)
        reading = pool.submit(next, reply)
        until(lambda: "READING" in str(reply._reply._state))
        with pytest.raises(anyio.BusyResourceError):
            next(reply)
        reply.close()
        assert isinstance(reading.exception(5), anyio.ClosedResourceError)


def test_in_an_event_loop_of_others_it_works_and_warns_once(router: SyncRouter, backend: Backend) -> None:
    async def asking() -> list[str]:
        await anyio.lowlevel.checkpoint()
        return [router.complete(ASK).text, await anyio.to_thread.run_sync(lambda: router.complete(ASK).text)]

    with pytest.warns(RuntimeWarning, match="blocks this thread, and with it the event loop") as told:
        assert anyio.run(asking, backend=backend) == ["Hello", "Hello"]
    assert [Path(each.filename).name for each in told] == [Path(__file__).name]
    assert anyio.run(asking, backend=backend) == ["Hello", "Hello"]


def test_in_a_worker_thread_of_an_event_loop_it_does_not_warn(router: SyncRouter) -> None:
    async def asking() -> str:
        return (await asyncio.to_thread(router.complete, ASK)).text

    assert anyio.run(asking) == "Hello"


def test_it_works_where_an_event_loop_runs_as_in_a_notebook(
    router: SyncRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cell() -> str:
        with router.stream(ASK) as reply:
            return reply.read_text()

    async def breathing() -> str:
        await anyio.lowlevel.checkpoint()
        return await cell()

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    assert asyncio.run(cell()) == "Hello"
    assert trio.run(breathing) == "Hello"
    for name in BACKENDS:
        assert anyio.run(breathing, backend=name) == "Hello"


def test_observers_see_the_context_of_the_caller(echo: ScriptedAdapter, backend: Backend) -> None:
    user = contextvars.ContextVar("user", default="nobody")
    seen: list[tuple[str, str]] = []

    def observe(event: Event) -> None:
        seen.append((type(event).__name__, user.get()))

    def ask(asked: SyncRouter, name: str) -> None:
        user.set(name)
        list(asked.stream(ASK))

    with SyncRouter([echo], backend=backend, observers=[observe]) as router:
        for name in ("Ann", "Bob"):
            contextvars.copy_context().run(ask, router, name)
            assert {who for _, who in seen} == {name}
            assert "RequestEnded" in {kind for kind, _ in seen}
            seen.clear()


def test_a_blocking_call_inside_its_own_loop_is_refused(backend: Backend) -> None:
    found: list[Exception] = []

    def observe(event: Event) -> None:
        if isinstance(event, RequestStarted):
            try:
                inside.complete(ASK)
            except RuntimeError as error:
                found.append(error)

    with SyncRouter([ScriptedAdapter()], backend=backend, observers=[observe]) as inside:
        inside.complete(ASK)
    assert "would wait for itself" in str(found[0])


def test_health_probes_and_breakers_are_those_of_the_router(router: SyncRouter) -> None:
    assert router.health().providers[0].provider == "echo"
    assert router.check().ok
    router.isolate("echo")
    assert "isolated" in repr(router.health())
    with pytest.raises(AllProvidersFailed):
        router.complete(ASK)
    router.reset("echo")
    assert router.complete(ASK).text == "Hello"
    with pytest.raises(ValueError, match="no provider"):
        router.isolate("ecko")
    reports: list[object] = []
    with router.monitor(interval=0.01, on_report=reports.append) as monitor:
        until(lambda: monitor.rounds >= 2)
    assert len(reports) >= 2
    assert monitor.report.ok
    assert repr(monitor).startswith("<SyncMonitor")


def test_a_file_gives_the_same_router(tmp_path: Path, backend: Backend) -> None:
    file = tmp_path / "chain.toml"
    file.write_text('[[provider]]\nadapter = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n')
    with SyncRouter.from_config(file, backend=backend, observers=[]) as router:
        assert router.providers == Router.from_config(file, observers=[]).providers


def test_wrong_providers_and_backends_are_refused_at_once() -> None:
    for wrong in ("openai", ScriptedAdapter(), [ScriptedAdapter]):
        with pytest.raises(TypeError):
            SyncRouter(wrong)  # type: ignore[arg-type] # the wrong ones
    with pytest.raises(ValueError, match="asyncio, trio"):
        SyncRouter([ScriptedAdapter()], backend="curio")  # type: ignore[arg-type] # the wrong one


def test_no_thread_runs_before_the_first_use_or_after_the_end(echo: ScriptedAdapter) -> None:
    before = threading.active_count()
    router = SyncRouter([echo], observers=[])
    assert threading.active_count() == before
    router.complete(ASK)
    assert threading.active_count() > before
    router.close()
    assert threading.active_count() == before
    assert echo.acloses == 1
    SyncRouter([echo], observers=[]).close()  # it belongs to nobody now; never used, this one ends as well


def test_a_dropped_router_warns_and_ends_its_thread(echo: ScriptedAdapter, backend: Backend) -> None:
    router = SyncRouter([echo], backend=backend, observers=[])
    reply: SyncReplyStream = router.stream(ASK)
    thread = router._loop._thread
    del router
    assert reply.read_text() == "Hello"  # a reply keeps its router
    with pytest.warns(ResourceWarning, match="SyncRouter.*dropped without being closed"):
        del reply
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()
    assert echo.acloses == 1
