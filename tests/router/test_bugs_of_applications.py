"""Bugs in code of the application end no request, no check and no monitor: told once, then gone on."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from adapters import ScriptedAdapter
from router import AdapterBroke, ObserverFailed, Router
from tests.router.recording import HELLO, Recorder
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio


class Strange:
    """A strategy whose `order` does as it is told."""

    def __init__(self, order: Callable[[Any], Any]) -> None:
        self._does = order

    def check(self, names: object) -> None:
        """Accept any providers."""

    def order(self, candidates: object, now: float, random_source: object) -> Any:
        return self._does(candidates)


def raises(candidates):
    raise KeyError("a bug")


ORDERS = {
    "raises": (raises, ["first", "second"]),
    "none": (lambda candidates: None, ["first", "second"]),
    "twice": (lambda candidates: [candidates[0], candidates[0]], ["first", "second"]),
    "texts": (lambda candidates: ["second"], ["first", "second"]),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_bug_in_a_strategy_ends_nothing(name):
    order, expected = ORDERS[name]
    seen = Recorder()
    providers = [ScriptedAdapter("first", "Hello"), ScriptedAdapter("second", "Hello")]
    async with Router(providers, strategy=Strange(order), observers=[seen]) as router:
        for _ in range(3):
            assert (await router.complete(HELLO)).provider == expected[0]
        router.health()
        await router.check()
    assert [failed.observer for failed in seen.of(ObserverFailed)] == ["Strange.order"]


async def test_whom_a_strategy_leaves_out_comes_last():
    providers = [ScriptedAdapter("first", "Hello"), ScriptedAdapter("second", "Hello")]
    strategy = Strange(lambda candidates: candidates[1:])
    async with Router(providers, strategy=strategy, observers=[]) as router:
        assert (await router.complete(HELLO)).provider == "second"
        providers[1].capabilities = type(providers[1].capabilities)(history=False)
        reply = await router.complete([*HELLO, {"role": "assistant", "content": "Hi"}, *HELLO])
        assert reply.provider == "first"


class BadKeeper:
    def __call__(self, event):
        raise ValueError("a bug in an observer")

    async def keep(self, report, tell=None):
        raise KeyError("a bug in a keeper")


async def test_a_bug_in_a_keeper_ends_no_check_and_no_monitor():
    seen = Recorder()
    router = Router([ScriptedAdapter("first", "Hello")], observers=[seen], history=BadKeeper())
    async with router:
        assert len((await router.check()).providers) == 1
        async with router.monitor(interval=1) as monitor:
            await anyio.sleep(10)
        assert monitor.rounds >= 8
    assert sorted(failed.observer for failed in seen.of(ObserverFailed)) == ["BadKeeper", "BadKeeper.keep"]


class BadLook(ScriptedAdapter):
    def working_at(self, now):
        raise KeyError("a bug")


@pytest.mark.parametrize("strategy", [None, Strange(lambda candidates: candidates[::-1])])
async def test_a_bug_in_working_at_ends_no_request_and_no_monitor(strategy):
    seen = Recorder()
    providers = [BadLook("first", "Hello"), ScriptedAdapter("second", "Hello")]
    async with Router(providers, strategy=strategy, observers=[seen]) as router:
        async with router.monitor(interval=1) as monitor:
            for _ in range(3):
                assert (await router.complete(HELLO)).provider == "second"
            await anyio.sleep(10)
        assert monitor.rounds >= 8
        assert not monitor.report.providers[0].can_answer
    if strategy is None:  # else who works comes first, and it is not looked at
        assert len(seen.of(AdapterBroke)) == 1


async def test_a_bug_in_everything_that_a_monitor_calls_does_not_end_it():
    seen = Recorder()

    def on_report(report):
        raise RuntimeError("a bug")

    async with Router([ScriptedAdapter("first", "Hello")], observers=[seen]) as router:
        async with router.monitor(interval=1, on_report=on_report) as monitor:
            await anyio.sleep(3)
        assert monitor.rounds >= 2
    assert len(seen.of(ObserverFailed)) == 1


def test_an_asynchronous_observer_is_refused_where_it_is_given():
    async def observe(event):
        """Would never run."""

    class Observes:
        async def __call__(self, event):
            """Would never run either."""

    wrong: list[Any] = [observe, Observes()]
    for each in wrong:
        with pytest.raises(TypeError, match="pass plain functions"):
            Router([ScriptedAdapter("first")], observers=[each])
