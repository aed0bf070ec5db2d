"""Probes in the background: who dies is skipped, who comes back is used, and nothing ends it but its end."""

from __future__ import annotations

import itertools
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import H2o, OpenAICompatible, ProbeResult
from adapters.scripted import Forever, ScriptedAdapter
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.openai import OpenAISimulator
from router import ObserverFailed, ProbeEnded, Router, Timeouts
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from router import HealthReport

pytestmark = pytest.mark.anyio


async def test_one_that_dies_is_skipped_and_one_that_comes_back_is_used_again():
    first = ScriptedAdapter("first", "one", probe_results=[True, False, False, True])
    reports: list[HealthReport] = []
    async with (
        router_of(first, ScriptedAdapter("second", "two")) as router,
        router.monitor(interval=30, jitter=0, on_report=reports.append) as monitor,
    ):
        answered = []
        for _ in range(4):
            await anyio.sleep(29)  # before the next round
            answered.append((await router.complete(HELLO, providers=["first", "second"])).provider)
            await anyio.sleep(61)  # so that what it shows is older than the interval
        assert monitor.report is reports[-1]

    assert ["first", "second", "first", "first"] == answered
    assert "reach" == reports[0].level
    assert "unhealthy" in {report.providers[0].state for report in reports}
    assert "healthy" == reports[-1].providers[0].state


async def test_a_real_service_that_goes_away_and_comes_back():
    """Its port refuses connections meanwhile; no generation is spent on finding that out."""
    one = H2oSimulator()
    async with one:
        url = one.url
    async with OpenAISimulator(models=["m"]) as other:
        providers = [H2o(url), OpenAICompatible(f"{other.url}/v1", model="m")]
        async with (
            Router(providers, observers=[], random_source=random.Random(1)) as router,
            router.monitor(interval=10, jitter=0) as monitor,
        ):
            found = []
            for up in (True, False, True):
                async with AsyncExitStack() as stack:
                    if up:
                        await stack.enter_async_context(one)
                    await anyio.sleep(25)
                    before = one.turns, other.turns
                    states = [entry.state for entry in monitor.report.providers]
                    through = monitor.report.through
                    reply = await router.complete(HELLO)
                    turns = one.turns - before[0], other.turns - before[1]
                    found.append((states, through, reply.provider, turns))

    assert [
        (["healthy", "healthy"], ("h2o", "openai"), "h2o", (1, 0)),
        (["unhealthy", "healthy"], ("openai",), "openai", (0, 1)),
        (["healthy", "healthy"], ("h2o", "openai"), "h2o", (1, 0)),
    ] == found


async def test_a_real_service_that_is_there_but_cannot_answer():
    """Reaching it finds nothing wrong; asking it for an answer does, and does again when it is well."""
    async with H2oSimulator() as one, OpenAISimulator() as other:
        first = H2o(one.url)
        first.answer_probes = 1000
        second = OpenAICompatible(f"{other.url}/v1", model="m")
        async with (
            Router([first, second], observers=[], random_source=random.Random(1)) as router,
            router.monitor(interval=10, level="answer", jitter=0) as monitor,
        ):
            found = []
            for fault in (None, "500", "stall", None):
                one.set_fault(fault)
                await anyio.sleep(45)
                states = [entry.state for entry in monitor.report.providers]
                reply = await router.complete(HELLO)
                found.append((states, monitor.report.through, reply.provider))
        assert set() == one.created - one.deleted

    assert [
        (["healthy", "healthy"], ("h2o", "openai"), "h2o"),
        (["unhealthy", "healthy"], ("openai",), "openai"),
        (["unhealthy", "healthy"], ("openai",), "openai"),
        (["healthy", "healthy"], ("h2o", "openai"), "h2o"),
    ] == found


async def test_the_first_round_comes_at_once_and_the_report_is_there_before():
    adapter = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=1)])
    async with router_of(adapter) as router, router.monitor(interval=30) as monitor:
        assert ("unknown", None, 0) == (
            monitor.report.providers[0].state,
            monitor.report.level,
            monitor.rounds,
        )
        await anyio.sleep(1.5)
        assert ("healthy", "reach", 1) == (
            monitor.report.providers[0].state,
            monitor.report.level,
            monitor.rounds,
        )


async def test_one_that_requests_told_about_within_the_interval_is_not_probed():
    busy, idle = ScriptedAdapter("busy"), ScriptedAdapter("idle")
    async with router_of(busy, idle) as router, router.monitor(interval=30, jitter=0) as monitor:
        for _ in range(10):
            await anyio.sleep(29)
            await router.complete(HELLO)
        report = monitor.report

    assert (1, 10) == (busy.probes, idle.probes)
    assert ("traffic", "reach") == tuple(entry.evidence for entry in report.providers)
    assert [None, "as scripted"] == [e.probe and e.probe.reason for e in report.providers]


async def test_the_intervals_are_spread_by_the_router_s_random_source():
    async def times(seed: int) -> list[float]:
        found: list[float] = []
        started = anyio.current_time()
        router = router_of(ScriptedAdapter("a"), seed=seed)
        async with (
            router,
            router.monitor(
                interval=10, jitter=0.2, on_report=lambda _: found.append(anyio.current_time() - started)
            ),
        ):
            await anyio.sleep(1000)
        return found

    one, again, other = await times(1), await times(1), await times(2)
    pauses = [late - early for early, late in itertools.pairwise(one)]

    assert one == pytest.approx(again)
    assert one != other
    assert 8 <= min(pauses) < 8.5
    assert 11.5 < max(pauses) <= 12


async def test_a_round_that_takes_longer_than_the_interval_is_followed_at_once():
    adapter = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=4)])
    async with router_of(adapter) as router, router.monitor(interval=1, jitter=0) as monitor:
        await anyio.sleep(21)

    assert 5 == monitor.rounds


async def test_bugs_of_adapters_observers_and_of_who_gets_the_reports_do_not_end_it():
    seen = Recorder()

    def bad_observer(event):
        raise KeyError("bug")

    def bad_reader(report):
        raise ValueError("bug")

    class Deaf(ScriptedAdapter):
        def mark(self, outcome):
            raise KeyError("bug")

    class Shy(ScriptedAdapter):
        def working_at(self, now):
            raise KeyError("bug")

    adapters = [
        ScriptedAdapter("a", probe_results=[KeyError("bug")]),
        Deaf("b", [Forever], probe_results=[None]),
        ScriptedAdapter("c"),
        Shy("d"),
    ]
    async with (
        Router(adapters, observers=[bad_observer, seen]) as router,
        router.monitor(interval=5, on_report=bad_reader) as monitor,
    ):
        await anyio.sleep(60)

    assert monitor.rounds > 8
    assert ["unknown", "unknown", "healthy", "unknown"] == [e.state for e in monitor.report.providers]
    assert monitor.report.through == ("a", "b", "c")
    assert "it raised KeyError when it was looked at" in monitor.report.providers[3].reason
    failed = [event.observer.rpartition(".")[2] for event in seen.of(ObserverFailed)]
    assert ["bad_observer", "bad_reader"] == sorted(failed)
    assert 3 * monitor.rounds <= len(seen.of(ProbeEnded))


async def test_what_the_block_raises_comes_out_as_it_is():
    async with router_of(ScriptedAdapter("a")) as router:
        with pytest.raises(LookupError, match="mine"):
            async with router.monitor():
                raise LookupError("mine")


@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.0])
async def test_a_deadline_around_it_ends_it_whenever_it_strikes(seconds):
    """Between rounds, and in the middle of a probe; the deadline is its owner's, and nobody else sees it."""
    adapter = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=1)])
    async with router_of(adapter) as router:
        with pytest.raises(TimeoutError), anyio.fail_after(seconds):
            async with router.monitor(interval=10):
                await anyio.sleep_forever()
        assert anyio.current_time() == pytest.approx(seconds)
        await anyio.sleep(100)
        assert adapter.probes <= 1
        assert (await router.complete(HELLO)).text == "Hello"


async def test_leaving_the_block_in_the_middle_of_a_probe_ends_it_at_once():
    adapter = ScriptedAdapter("a", [Forever])
    async with router_of(adapter) as router:
        async with router.monitor(level="answer"):
            await anyio.sleep(1)
        assert anyio.current_time() == pytest.approx(1)

    assert (1, frozenset()) == (adapter.closed, adapter.leftovers)


async def test_closing_the_router_ends_it():
    slow = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=4)])
    router = router_of(slow, timeouts=Timeouts(close=1))
    async with router.monitor(interval=30) as monitor:
        await anyio.sleep(1)
        await router.aclose()
        assert anyio.current_time() == pytest.approx(1)
        rounds = monitor.rounds
        await anyio.sleep(100)

    assert (0, 0, 1) == (rounds, monitor.rounds, slow.probes)


async def test_a_monitor_runs_once_and_of_an_open_router():
    router = router_of(ScriptedAdapter("a"))
    monitor = router.monitor()
    async with monitor:
        with pytest.raises(RuntimeError, match="make a new one"):
            await monitor.__aenter__()
    with pytest.raises(RuntimeError, match="make a new one"):
        await monitor.__aenter__()
    await router.aclose()
    with pytest.raises(anyio.ClosedResourceError):
        async with router.monitor():
            pass


async def test_two_monitors_share_what_they_can():
    slow = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=4)])
    async with (
        router_of(slow) as router,
        router.monitor(30, jitter=0),
        router.monitor(30, jitter=0) as second,
    ):
        await anyio.sleep(100)

    assert (4, 4) == (slow.probes, second.rounds)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interval": 0}, r"monitor\(interval=0\): it must be a number of seconds above 0"),
        ({"interval": float("inf")}, "above 0"),
        ({"jitter": 1}, r"monitor\(jitter=1\): it must be a share from 0 to less than 1"),
        ({"jitter": -0.1}, "from 0 to less than 1"),
        ({"level": "deep"}, "no probe level 'deep'"),
    ],
)
async def test_numbers_that_make_no_sense_are_refused(settings, words):
    async with router_of(ScriptedAdapter("a")) as router:
        with pytest.raises(ValueError, match=words):
            router.monitor(**settings)


async def test_its_repr_says_what_it_does():
    async with router_of(ScriptedAdapter("a")) as router, router.monitor() as monitor:
        assert repr(monitor) == "<Monitor every 30 s at reach: 0 rounds, degraded>"
        await anyio.sleep(1)
        assert repr(monitor) == "<Monitor every 30 s at reach: 1 rounds, healthy>"
