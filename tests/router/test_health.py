"""What is known about each provider, and the report of it: a model of a dozen lines must agree with it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters import (
    AuthenticationFailed,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    ProbeResult,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.scripted import ScriptedAdapter
from router import HealthReport, ProviderHealth, RetryPolicy
from router.health import LastError
from router.provider import Provider
from tests.router.recording import unbroken

POLICY = RetryPolicy(remember=100)
ERRORS = [
    AuthenticationFailed,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
]


class HealthAgainstAModel(RuleBasedStateMachine):
    """A provider's standing against what the house plan says of `working` and of holding back."""

    def __init__(self) -> None:
        super().__init__()
        self.provider = Provider(ScriptedAdapter("first"), unbroken())
        self.now = 0.0
        self.held_until = 0.0
        self.working: bool | None = None
        self.recheck_at = math.inf
        self.failures = 0
        self.missing: dict[str | None, float] = {}
        self.last_error: str | None = None

    @rule(seconds=st.floats(0, 200))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def it_answers(self):
        self.provider.succeeded(self.now, 0.1)
        self.working, self.recheck_at, self.failures = True, math.inf, 0

    @rule(
        kind=st.sampled_from(ERRORS),
        retry_after=st.none() | st.floats(0, 1000),
        model=st.sampled_from([None, "big"]),
    )
    def it_fails(self, kind, retry_after, model):
        self.provider.failed(kind("as told", retry_after=retry_after), model, self.now, POLICY)
        if kind is ModelNotFound:
            self.missing[model] = self.now + 300
        self._remember(kind, retry_after)

    @rule(kind=st.sampled_from(ERRORS), retry_after=st.none() | st.floats(0, 1000))
    def it_breaks_off(self, kind, retry_after):
        self.provider.broke_off(kind("as told", retry_after=retry_after), self.now, POLICY)
        self._remember(kind, retry_after)

    def _remember(self, kind: type[Exception], retry_after: float | None) -> None:
        self.last_error = kind.__name__
        if retry_after is None and kind is QuotaExhausted:
            retry_after = 60.0
        if retry_after is not None:
            self.held_until = max(self.held_until, self.now + min(retry_after, 100))
        if kind in (AuthenticationFailed, NotWorking):
            self.working, self.recheck_at = False, self.now + min(60 * 2**self.failures, 900)
            self.failures += 1

    @invariant()
    def the_report_tells_what_the_model_knows(self):
        if self.working is False and self.now >= self.recheck_at:
            self.working, self.recheck_at = None, math.inf
        held = self.held_until - self.now if self.now < self.held_until else None
        entry = self.provider.snapshot(self.now)
        able = held is None and self.working is not False

        assert able is entry.can_answer
        assert (self.working is False) is (entry.state == "unhealthy")
        assert self.last_error == (None if entry.last_error is None else entry.last_error.error)
        assert held == self.provider.held(self.now)
        for model in (None, "big"):
            assert (self.now < self.missing.get(model, 0)) is self.provider.lacks_model(model, self.now)
        assert entry.as_dict() == json.loads(json.dumps(entry.as_dict(), allow_nan=False))


TestHealthAgainstAModel = HealthAgainstAModel.TestCase


def test_an_answer_does_not_shorten_a_retry_after():
    """An attempt that began before the push-back may succeed after it; the push-back still holds."""
    provider = Provider(ScriptedAdapter("first"), unbroken())
    provider.failed(RateLimited(retry_after=30), None, 0, POLICY)
    provider.succeeded(1, 0.1)

    assert provider.held(1) == 29


def test_a_shorter_retry_after_does_not_replace_a_longer_one_nor_its_reason():
    provider = Provider(ScriptedAdapter("first"), unbroken())
    provider.failed(RateLimited(retry_after=30), None, 0, POLICY)
    provider.failed(ServiceFailed(retry_after=1), None, 0, POLICY)

    assert (provider.held(0), provider.held_reason) == (30, "RateLimited")


@pytest.mark.parametrize("nonsense", [math.nan, -5.0, -math.inf])
def test_a_retry_after_that_makes_no_sense_holds_nobody_back(nonsense):
    provider = Provider(ScriptedAdapter("first"), unbroken())
    provider.failed(RateLimited(retry_after=nonsense), None, 10, POLICY)

    assert provider.held(10) is None


def test_an_endless_retry_after_is_remembered_for_as_long_as_the_policy_says():
    provider = Provider(ScriptedAdapter("first"), unbroken())
    provider.failed(RateLimited(retry_after=math.inf), None, 10, POLICY)

    assert provider.held(10) == 100


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


@given(st.lists(entries, max_size=5).map(tuple))
def test_a_report_is_consistent_and_json(providers):
    report = HealthReport(providers)
    told = report.as_dict()

    assert all(entry.state == "healthy" for entry in providers) is report.ok
    assert any(entry.can_answer for entry in providers) is report.can_answer
    assert (report.verdict, report.can_answer) == (told["verdict"], told["can_answer"])
    assert [entry.provider for entry in providers] == [entry["provider"] for entry in told["providers"]]
    assert told == json.loads(json.dumps(told, allow_nan=False))


def test_a_report_tells_the_probe_of_each_provider():
    probe = ProbeResult(True, "it answered", generation="G3", models=("big",), seconds=0.12345)
    told = Provider(ScriptedAdapter("first"), unbroken()).snapshot(0, probe).as_dict()

    assert told["probe"] == {"level": "reach", "working": True, "reason": "it answered", "seconds": 0.123}
