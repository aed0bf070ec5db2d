"""The report of the providers' health: consistent, JSON-able, and fit to be published."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta, timezone

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ConnectFailed, ProbeResult, RateLimited, ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import HealthReport, ProviderHealth, RetryBudget, RetryPolicy, Weighted
from router.health.report import SCHEMA, LastError, RetryAllowance
from router.policy.strategy import Fastest
from tests.router.recording import HELLO, router_of
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

states = st.sampled_from(["healthy", "degraded", "unhealthy", "unknown"])
ages = st.none() | st.floats(0, 1e9)
entries = st.builds(
    ProviderHealth,
    provider=st.text(),
    state=states,
    reason=st.text(),
    can_answer=st.booleans(),
    evidence_age=ages,
    back_in=ages,
    last_success_age=ages,
    last_error=st.none() | st.builds(LastError, error=st.text(), text=st.text(), age=st.floats(0, 1e9)),
    probe=st.none()
    | st.builds(
        ProbeResult,
        working=st.sampled_from([True, False, None]),
        reason=st.text(),
        models=st.tuples(st.text()),
        seconds=st.floats(0, 9),
    ),
)


@given(st.lists(entries, max_size=5, unique_by=lambda entry: entry.provider).map(tuple))
def test_a_report_is_consistent_and_json(providers):
    report = HealthReport(providers)
    told = report.as_dict()

    assert all(entry.state == "healthy" for entry in providers) is report.ok
    assert any(entry.can_answer for entry in providers) is report.can_answer
    verdict = "healthy" if report.ok else "degraded" if report.can_answer else "unhealthy"
    assert verdict == report.verdict
    assert (SCHEMA, report.verdict, report.can_answer) == (
        told["schema"],
        told["verdict"],
        told["can_answer"],
    )
    assert [entry.provider for entry in providers] == [entry["provider"] for entry in told["providers"]]
    assert [entry.provider for entry in providers if entry.can_answer] == told["through"]
    assert told == json.loads(json.dumps(told, allow_nan=False))


def test_the_time_of_day_is_told_in_utc():
    at = datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))

    assert HealthReport(()).as_dict(at)["at"] == "2026-07-01T10:30:00.000+00:00"
    assert HealthReport(()).as_dict()["at"] is None
    assert at == datetime.fromisoformat(HealthReport(()).as_dict(at)["at"])
    assert HealthReport(()).as_dict(at.astimezone(UTC)) == HealthReport(()).as_dict(at)


def test_a_time_of_day_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="it needs a time zone"):
        HealthReport(()).as_dict(datetime(2026, 7, 1))  # noqa: DTZ001 - that is the mistake


def test_a_budget_without_an_end_is_json_too():
    assert {"left": None, "capacity": None} == RetryAllowance(math.inf, math.inf).as_dict()


# --- of a router


@pytest.mark.anyio
async def test_a_request_shows_in_the_traffic_of_everybody_it_asked():
    failing = ScriptedAdapter("failing", [1.0, ConnectFailed("refused")])
    good = ScriptedAdapter("good", [0.5, "Hel", 2.0, "lo"])
    async with router_of(failing, good, ScriptedAdapter("idle")) as router:
        await router.complete(HELLO)
        report = router.health()
    first, second, idle = report.providers

    assert (1, 1, 0.0) == (
        first.traffic.attempts.failed,
        first.traffic.judged,
        first.traffic.success_ratio,
    )
    assert first.last_error is not None
    assert ("ConnectFailed", "no connection could be made", "refused") == (
        first.last_error.error,
        first.last_error.text,
        first.last_error.detail,
    )
    assert pytest.approx(2.5) == first.last_error.age
    assert (1, 1) == (second.traffic.attempts.committed, second.traffic.replies.complete)
    assert second.traffic.first_content.p50 == pytest.approx(0.5)
    assert second.traffic.total.p50 == pytest.approx(2.5)
    assert ("degraded", "healthy", "unknown") == tuple(entry.state for entry in report.providers)
    assert ("degraded", ("failing", "good", "idle")) == (report.verdict, report.through)
    assert idle.traffic.attempts.committed == 0


@pytest.mark.anyio
async def test_skips_cancellations_and_verdicts_are_counted():
    held = ScriptedAdapter("held", [RateLimited(retry_after=500)])
    each = ScriptedAdapter.each("each", [["Hel", ConnectFailed("cut")], ["Hel", 60.0], [60.0]])
    async with router_of(held, each) as router:
        with pytest.raises(Exception, match="broke off after 3 characters"):
            await router.complete(HELLO)
        async with await router.stream(HELLO) as stream:
            await stream.receive()
        with anyio.move_on_after(1):
            await router.complete(HELLO)
        first, second = router.health().providers

    assert (1, 2) == (first.traffic.attempts.failed, first.traffic.attempts.skipped)
    assert (2, 1) == (second.traffic.attempts.committed, second.traffic.attempts.cancelled)
    assert (1, 1) == (second.traffic.replies.failed, second.traffic.replies.closed)
    assert not first.can_answer
    assert first.back_in == pytest.approx(499)


@pytest.mark.anyio
async def test_a_reply_that_was_taken_over_is_counted_where_it_broke_off():
    half = ScriptedAdapter("half", ["Hel", ServiceFailed("cut")])
    whole = ScriptedAdapter("whole", ["Hello"])
    async with router_of(half, whole, on_interruption="restart") as router:
        await router.complete(HELLO)
        first, second = router.health().providers

    assert (1, 0) == (first.traffic.replies.failed, first.traffic.replies.complete)
    assert (0, 1) == (second.traffic.replies.failed, second.traffic.replies.complete)
    assert ("degraded", "healthy") == (first.state, second.state)


@pytest.mark.anyio
@pytest.mark.parametrize("strategy", [Weighted({"a": 1, "b": 1, "c": 1, "d": 0}), Fastest(explore=0.5)])
async def test_the_order_told_is_the_one_in_which_the_next_request_asks(strategy):
    names = "abcd"
    for seed in range(20):
        adapters = [ScriptedAdapter(name, [ConnectFailed("no")]) for name in names[:3]]
        async with router_of(*adapters, ScriptedAdapter("d"), seed=seed, strategy=strategy) as router:
            foreseen = router.health().through
            assert foreseen == router.health().through
            reply = await router.complete(HELLO)

        asked = tuple(attempt.provider for attempt in reply.attempts)
        assert foreseen[: len(asked)] == asked


@pytest.mark.anyio
async def test_an_order_that_nobody_can_foresee_is_drawn():
    adapters = [ScriptedAdapter(name) for name in "ab"]
    async with router_of(*adapters, strategy=Weighted({"a": 1, "b": 1})) as router:
        object.__setattr__(router._check_up, "random_source", random.SystemRandom())

        assert {"a", "b"} == set(router.health().through)


@pytest.mark.anyio
async def test_the_report_shows_what_the_budget_still_pays_for():
    budget = RetryBudget(share=0, per_second=0, capacity=3)
    only = ScriptedAdapter.each("only", [[ConnectFailed("no")], ["Hello"]])
    async with router_of(only, retry=RetryPolicy(budget=budget)) as router:
        await router.complete(HELLO)

        assert RetryAllowance(2, 3) == router.health().retry_budget


@pytest.mark.anyio
async def test_one_that_is_isolated_is_degraded_and_does_not_come_back_by_itself():
    async with router_of(ScriptedAdapter("a"), ScriptedAdapter("b")) as router:
        router.isolate("a")
        first, _ = router.health().providers

        assert ("degraded", False, None) == (first.state, first.can_answer, first.back_in)
        assert router.health().through == ("b",)
        router.reset("a")
        assert router.health().through == ("a", "b")
