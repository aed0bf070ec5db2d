"""Probes of a router: side by side, bounded, shared, within a budget, and in nobody's way."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import Adapter, Delta, ProbeResult, RateLimited, ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter
from router import CleanUpFailed, ProbeEnded, Timeouts
from router.provider.probe_budget import ProbeBudget
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

anyio_test = pytest.mark.anyio


class Counting(ScriptedAdapter):
    """Counts how many probes of any of its kind are under way at the same time."""

    now = most = 0

    async def probe(self, level="reach"):
        Counting.now += 1
        Counting.most = max(Counting.most, Counting.now)
        try:
            await anyio.sleep(1)
            return await super().probe(level)
        finally:
            Counting.now -= 1


def narrow(name: str, script, **settings) -> ScriptedAdapter:
    """An adapter with one place, as an account that has one conversation at a time."""
    adapter = ScriptedAdapter(name, script, **settings)
    adapter.concurrency = 1
    return adapter


@anyio_test
async def test_sixteen_probes_are_under_way_at_once():
    Counting.now = Counting.most = 0
    async with router_of(*(Counting(f"p{n}") for n in range(40))) as router:
        report = await router.check()

        assert Counting.most == 16
        assert anyio.current_time() == pytest.approx(3)
    assert report.ok
    assert report.level == "reach"


@anyio_test
async def test_two_checks_that_meet_share_their_probes():
    seen = Recorder()
    adapter = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=3)])
    async with router_of(adapter, seen=seen) as router:
        reports = []

        async def check(after: float) -> None:
            await anyio.sleep(after)
            reports.append(await router.check())

        async with anyio.create_task_group() as tasks:
            for after in (0, 1, 2):
                tasks.start_soon(check, after)

    assert (1, 1) == (adapter.probes, len(seen.of(ProbeEnded)))
    assert 3 == len({id(report) for report in reports})
    assert {True} == {report.providers[0].probe.working for report in reports if report.providers[0].probe}


@anyio_test
async def test_who_joined_a_check_that_was_cancelled_probes_himself():
    adapter = ScriptedAdapter("a", probe_results=[ProbeResult(True, "slow", seconds=3)])
    async with router_of(adapter) as router:
        reports = []

        async def leave_early() -> None:
            with anyio.move_on_after(1):
                await router.check()

        async def stay() -> None:
            await anyio.sleep(0.5)
            reports.append(await router.check())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leave_early)
            tasks.start_soon(stay)
            tasks.start_soon(stay)
        assert pytest.approx(4) == anyio.current_time()

    assert (2, 2) == (adapter.probes, len(reports))
    assert all(report.ok for report in reports)


@anyio_test
async def test_the_rungs_do_not_share():
    adapter = ScriptedAdapter("a", [2.0, "ok"], probe_results=[ProbeResult(True, "slow", seconds=3)])
    async with router_of(adapter) as router, anyio.create_task_group() as tasks:
        tasks.start_soon(router.check)
        report = await router.check("answer")
        tasks.cancel_scope.cancel()

    assert ("answer", "answer") == (report.level, report.providers[0].evidence)
    assert (1, 1) == (adapter.probes, adapter.opened)


@anyio_test
async def test_an_answer_in_time_is_a_finding_and_none_is_one_too():
    seen = Recorder()
    good, slow = ScriptedAdapter("good", [19.0, "ok"]), ScriptedAdapter("slow", [Forever])
    async with router_of(good, slow, seen=seen) as router:
        report = await router.check("answer")

        assert pytest.approx(20) == anyio.current_time()
        assert ("healthy", "unhealthy") == tuple(entry.state for entry in report.providers)
        assert report.providers[1].reason == "no answer to the probe within 20 s"
        assert [20.0, 19.0] == [
            event.result.seconds for event in sorted(seen.of(ProbeEnded), key=lambda e: e.provider == "good")
        ]
        assert report.through == ("good",)
    assert frozenset() == slow.leftovers | good.leftovers


@anyio_test
async def test_the_bounds_are_those_of_the_timeouts():
    slow = ScriptedAdapter("slow", [Forever], probe_results=[ProbeResult(True, "late", seconds=60)])
    async with router_of(slow, timeouts=Timeouts(probe=2, probe_answer=3)) as router:
        await router.check("reach")
        assert pytest.approx(2) == anyio.current_time()
        await router.check("answer")
        assert pytest.approx(5) == anyio.current_time()


@anyio_test
async def test_an_unknown_rung_is_refused():
    async with router_of(ScriptedAdapter("a")) as router:
        with pytest.raises(ValueError, match="there is no probe level 'deep'; there are: reach, answer"):
            await router.check("deep")  # type: ignore[arg-type] # the mistake


# --- the budget


@anyio_test
async def test_a_provider_is_asked_for_so_many_answers_in_an_hour():
    adapter = ScriptedAdapter("a", ["ok"])
    async with router_of(adapter) as router:
        for _ in range(4):
            await router.check("answer")
        report = await router.check("answer")
        (entry,) = report.providers

        assert (4, 0, 4) == (adapter.opened, entry.probe_budget.left, entry.probe_budget.per_hour)
        assert entry.probe is not None
        assert entry.probe.working is None
        said = "the probe budget is used up (4 an hour), the next is allowed in 900 s"
        assert (entry.probe.reason, entry.probe.asked) == (f"{said}; the newest evidence stands", False)
        assert ("healthy", "answer") == (entry.state, entry.evidence)
        await anyio.sleep(900)
        await router.check("answer")
        assert 5 == adapter.opened


@anyio_test
async def test_a_provider_may_allow_none():
    adapter = ScriptedAdapter("a", ["ok"])
    adapter.answer_probes = 0
    async with router_of(adapter) as router:
        report = await router.check("answer")

    assert (0, "unknown") == (adapter.opened, report.providers[0].state)
    assert "no probe for an answer is allowed (answer_probes = 0)" in report.providers[0].reason


def test_a_number_of_probes_that_makes_no_sense_is_refused_at_the_door():
    adapter = ScriptedAdapter("a")
    adapter.answer_probes = -1
    with pytest.raises(ValueError, match="answer_probes=-1: it must be a number from 0"):
        router_of(adapter)


@given(st.floats(0, 100), st.lists(st.floats(0, 3600), max_size=50))
def test_over_any_time_there_are_no_more_probes_than_the_budget_says(per_hour, pauses):
    budget, taken, now = ProbeBudget(per_hour), [], 0.0
    for pause in pauses:
        now += pause
        left = budget.left(now)
        if budget.take(now):
            assert left >= 1
            taken.append(now)
        else:
            assert left == 0
    for first, start in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= max(1.0, per_hour) + per_hour * (end - start) / 3600 + 1e-6


# --- in nobody's way


@anyio_test
async def test_a_probe_that_would_have_to_wait_says_so():
    adapter = narrow("a", ["Hel", 5.0, "lo"])
    async with router_of(adapter) as router, await router.stream(HELLO) as held:
        report = await router.check("answer")

        assert 0 == anyio.current_time()
        assert report.providers[0].probe is not None
        assert report.providers[0].probe.reason == ("all its 1 slots are taken; the probe would have to wait")
        assert ("healthy", "traffic", 4) == (
            report.providers[0].state,
            report.providers[0].evidence,
            report.providers[0].probe_budget.left,
        )
        assert "Hello" == await held.read_text()
    assert 1 == adapter.opened


@anyio_test
@pytest.mark.parametrize("alone", [True, False])
async def test_a_request_that_needs_the_place_of_a_probe_gets_it(alone):
    adapter = ScriptedAdapter.each("a", [[Forever], ["Hello"]], cleanup_seconds=0.25)
    adapter.concurrency = 1
    others = [] if alone else [ScriptedAdapter("b")]
    seen = Recorder()
    async with router_of(adapter, *others, seen=seen) as router, anyio.create_task_group() as tasks:
        reports = []

        async def check() -> None:
            reports.append(await router.check("answer"))

        tasks.start_soon(check)
        await anyio.sleep(1)
        reply = await router.complete(HELLO)

        assert reply.provider == "a"
        assert anyio.current_time() == pytest.approx(1.5)  # a second, and two clean-ups
        (entry, *_) = router.health().providers
    (report,) = reports
    assert report.providers[0].probe is not None
    assert (None, "a request needed the slot of the probe") == (
        report.providers[0].probe.working,
        report.providers[0].probe.reason,
    )
    assert ("healthy", "traffic") == (entry.state, entry.evidence)
    assert frozenset() == adapter.leftovers
    assert "a" not in [event.provider for event in seen.of(ProbeEnded)]
    places = router._slots["a"]
    assert places._semaphore is not None
    assert 1 == places._semaphore.value


@anyio_test
async def test_a_check_that_the_router_s_closing_ends_leaves_nothing():
    adapter = ScriptedAdapter("a", [Forever])
    router = router_of(adapter)
    async with anyio.create_task_group() as tasks:

        async def check() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await router.check("answer")

        tasks.start_soon(check)
        await anyio.sleep(1)
        await router.aclose()

    assert (1, frozenset()) == (adapter.closed, adapter.leftovers)
    with pytest.raises(anyio.ClosedResourceError):
        await router.check()


# --- what follows


@anyio_test
async def test_one_that_a_probe_finds_down_is_skipped_until_a_probe_finds_it_up():
    first = ScriptedAdapter("first", "one", probe_results=[False, True])
    async with router_of(first, ScriptedAdapter("second", "two")) as router:
        down = await router.check()
        assert ("second", ("second",)) == ((await router.complete(HELLO)).provider, down.through)
        assert ("unhealthy", "as scripted", 60) == (
            down.providers[0].state,
            down.providers[0].reason,
            down.providers[0].back_in,
        )
        up = await router.check()
        assert ("first", ("first", "second")) == ((await router.complete(HELLO)).provider, up.through)


@anyio_test
async def test_one_that_a_probe_finds_down_is_tried_again_by_itself():
    first = ScriptedAdapter("first", "one", probe_results=[False])
    async with router_of(first, ScriptedAdapter("second", "two")) as router:
        await router.check()
        await anyio.sleep(61)
        entry = router.health().providers[0]

        assert ("degraded", True, None) == (entry.state, entry.can_answer, entry.back_in)
        assert "first" == (await router.complete(HELLO)).provider
        assert "healthy" == router.health().providers[0].state


@anyio_test
async def test_a_push_back_in_answer_to_a_probe_holds_requests_back_too():
    first = ScriptedAdapter.each("first", [[RateLimited("no", retry_after=30)], ["one"]])
    async with router_of(first, ScriptedAdapter("second", "two")) as router:
        report = await router.check("answer")

        assert ("degraded", "held back (RateLimited)", 30) == (
            report.providers[0].state,
            report.providers[0].reason,
            report.providers[0].back_in,
        )
        assert "second" == (await router.complete(HELLO)).provider
        await anyio.sleep(31)
        assert "first" == (await router.complete(HELLO)).provider


@anyio_test
async def test_a_clean_up_that_failed_is_reported():
    seen = Recorder()
    adapter = ScriptedAdapter("a", ["ok"], cleanup_seconds=5)
    async with router_of(adapter, seen=seen) as router:
        await router.check("answer")

    (event,) = seen.of(CleanUpFailed)
    assert (None, "a") == (event.request_id, event.provider)
    assert isinstance(event.error, ServiceFailed)


@anyio_test
async def test_no_bug_of_an_adapter_ends_a_check():
    class Nonsense(ScriptedAdapter):
        async def probe(self, level="reach"):
            return "fine"

    class Deaf(ScriptedAdapter):
        def mark(self, outcome):
            raise KeyError("bug")

    class Plain(Adapter):
        async def stream(self, request):
            yield Delta("ok")

    class Finds(Plain):
        async def probe(self, level="reach"):
            return ProbeResult(True, "it is there")

        def mark(self, outcome):
            raise KeyError("bug")

    broken = ScriptedAdapter("broken", probe_results=[ValueError("as told")])
    async with router_of(Nonsense("nonsense"), Deaf("deaf", ["ok"]), broken, Finds(), Plain()) as router:
        reached, answered = await router.check(), await router.check("answer")

    assert [
        "the probe returned str, no ProbeResult",
        "as scripted",
        "the probe itself failed: ValueError",
        "the adapter has a bug: it raised KeyError when it was told of the probe",
        "this adapter has no probe",
    ] == [entry.probe.reason for entry in reached.providers if entry.probe is not None]
    assert "it answered" == answered.providers[4].reason


@anyio_test
async def test_an_adapter_that_forgets_to_keep_its_finding_is_marked_all_the_same():
    class Forgetful(ScriptedAdapter):
        found = True

        async def probe(self, level="reach"):
            await anyio.lowlevel.checkpoint()
            return ProbeResult(self.found, "because")

    adapter = Forgetful("a")
    async with router_of(adapter) as router:
        await router.check()
        assert (True, "reachable; not asked for an answer") == (adapter.working, adapter.working_reason)
        adapter.found = False
        await router.check()
        assert (False, "because") == (adapter.working, adapter.working_reason)
