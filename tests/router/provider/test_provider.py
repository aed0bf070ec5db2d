"""What a provider learns from requests and probes: a model of some dozen lines must agree with it."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters import (
    AuthenticationFailed,
    ConnectFailed,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    ProbeResult,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
    Truncated,
)
from adapters.probing import finding
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, ProviderHealth, RetryPolicy
from router.health.snapshot import health_of
from router.health.traffic import Traffic
from router.policy.breaker import CircuitBreaker
from router.provider.provider import Provider
from tests.router.recording import unbroken

POLICY = RetryPolicy(remember=100)
CANARY = "hunter2-canary"
ERRORS = [
    AuthenticationFailed,
    ConnectFailed,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
]
SILENT = (InvalidRequest, ModelNotFound)  # they say nothing about the provider
OF_THE_WAY = (AuthenticationFailed, ConnectFailed, NotWorking, QuotaExhausted)


def seen(provider: Provider, now: float, probe: ProbeResult | None = None) -> ProviderHealth:
    return health_of(provider, Traffic(), now, probe)


def provider_of(name: str = "first") -> Provider:
    return Provider(ScriptedAdapter(name), unbroken())


class ProviderAgainstAModel(RuleBasedStateMachine):
    """A provider's standing against what the laws say of `working`, of holding back and of evidence."""

    def __init__(self) -> None:
        super().__init__()
        self.provider = provider_of()
        self.now = 0.0
        self.held_until = 0.0
        self.working: bool | None = None
        self.recheck_at = math.inf
        self.failures = 0
        self.missing: dict[str | None, float] = {}
        self.last_error: str | None = None
        self.against: tuple[str, float, bool] | None = None
        self.asked: tuple[float, bool, bool] | None = (
            None  # when, whether good, whether reaching it refutes it
        )
        self.found: tuple[float, bool, str] | None = None  # when, whether good, at which level
        self.broke = False

    @rule(seconds=st.floats(0, 2000))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def it_answers(self):
        self.provider.succeeded(self.now, 0.1)
        self.working, self.recheck_at, self.failures = True, math.inf, 0
        if not self.broke:
            self.asked = (self.now, True, False)

    @rule(verdict=st.sampled_from(["complete", "closed", "cancelled", "truncated"]))
    def a_reply_ends(self, verdict):
        self.provider.replied(self.now, verdict)
        if verdict in ("complete", "closed"):
            self.broke, self.asked = False, (self.now, True, False)

    @rule(
        kind=st.sampled_from(ERRORS),
        retry_after=st.none() | st.floats(0, 1000),
        model=st.sampled_from([None, "big"]),
    )
    def it_fails(self, kind, retry_after, model):
        self.provider.failed(kind(CANARY, retry_after=retry_after), model, self.now, POLICY)
        if kind is ModelNotFound:
            self.missing[model] = self.now + 300
        self._remember(kind, retry_after)

    @rule(kind=st.sampled_from(ERRORS), retry_after=st.none() | st.floats(0, 1000))
    def it_breaks_off(self, kind, retry_after):
        self.provider.broke_off(kind(CANARY, retry_after=retry_after), self.now, POLICY)
        self.broke = self.broke or kind not in SILENT
        self._remember(kind, retry_after)

    @rule(
        kind=st.none() | st.sampled_from(ERRORS),
        level=st.sampled_from(["reach", "answer"]),
        retry_after=st.none() | st.floats(0, 1000),
    )
    def it_is_probed(self, kind, level, retry_after):
        result = ProbeResult(True, "it is there", level)
        if kind is not None:
            result = finding(kind(CANARY, retry_after=retry_after), level)
            self._hold(kind, retry_after)
        self.provider.probed(result, self.now, POLICY)
        if kind in (ModelNotFound, QuotaExhausted, RateLimited):
            self.found = (self.now, False, level)
        if result.working is None:
            return
        self.found = (self.now, result.working, level)
        if result.working:
            self.working, self.recheck_at, self.failures = True, math.inf, 0
            self.broke = self.broke and level == "reach"
            return
        self.against = (level, self.now, False)
        if self.working is not False or self.now >= self.recheck_at:
            self._down()

    def _remember(self, kind: type[Exception], retry_after: float | None) -> None:
        self.last_error = kind.__name__
        self._hold(kind, retry_after)
        if kind not in SILENT:
            self.asked = (self.now, False, kind in OF_THE_WAY)
            self.against = ("traffic", self.now, False)
        if kind in (AuthenticationFailed, NotWorking):
            self._down()

    def _hold(self, kind: type[Exception], retry_after: float | None) -> None:
        if retry_after is None and kind is QuotaExhausted:
            retry_after = 60.0
        if retry_after is not None:
            self.held_until = max(self.held_until, self.now + min(retry_after, 100))

    def _down(self) -> None:
        self.working, self.recheck_at = False, self.now + min(60 * 2**self.failures, 900)
        self.failures += 1

    def _evidence(self) -> tuple[str, float, bool] | None:
        if self.working is False:
            return self.against
        told = [] if self.asked is None else [("traffic", self.asked[0], self.asked[1])]
        if self.found is not None:
            at, good, level = self.found
            if self.asked is None or (
                at > self.asked[0] and (not good or level == "answer" or self.asked[1] or self.asked[2])
            ):
                told = [(level, at, good)]
        return told[0] if told else None

    @invariant()
    def the_report_tells_what_the_model_knows(self):
        if self.working is False and self.now >= self.recheck_at:
            self.working, self.recheck_at = None, math.inf
        held = self.held_until - self.now if self.now < self.held_until else None
        evidence = self._evidence()
        entry = seen(self.provider, self.now)

        assert (held is None and self.working is not False) is entry.can_answer
        assert held == self.provider.held(self.now)
        assert self.last_error == (None if entry.last_error is None else entry.last_error.error)
        for model in (None, "big"):
            assert (self.now < self.missing.get(model, 0)) is self.provider.lacks_model(model, self.now)
        if evidence is None:
            assert (entry.evidence, entry.evidence_age) == ("none", None)
        else:
            assert (entry.evidence, entry.evidence_age) == (evidence[0], self.now - evidence[1])
        if self.working is False:
            expected = "unhealthy"
        elif held is not None:
            expected = "degraded"
        elif evidence is None or self.now - evidence[1] >= 3600:
            expected = "unknown"
        else:
            expected = "healthy" if evidence[2] else "degraded"
        assert expected == entry.state

    @invariant()
    def the_report_may_be_published(self):
        told = seen(self.provider, self.now).as_dict()

        assert told == json.loads(json.dumps(told, allow_nan=False))
        assert CANARY not in json.dumps(told)

    @invariant()
    def the_report_tells_when_it_comes_back(self):
        waits = [self.held_until - self.now] if self.now < self.held_until else []
        waits += [self.recheck_at - self.now] if self.working is False else []

        assert max(waits, default=None) == seen(self.provider, self.now).back_in


TestProviderAgainstAModel = ProviderAgainstAModel.TestCase


def test_an_answer_does_not_shorten_a_retry_after():
    """An attempt that began before the push-back may succeed after it; the push-back still holds."""
    provider = provider_of()
    provider.failed(RateLimited(retry_after=30), None, 0, POLICY)
    provider.succeeded(1, 0.1)

    assert provider.held(1) == 29


def test_a_shorter_retry_after_does_not_replace_a_longer_one_nor_its_reason():
    provider = provider_of()
    provider.failed(RateLimited(retry_after=30), None, 0, POLICY)
    provider.failed(ServiceFailed(retry_after=1), None, 0, POLICY)

    assert (provider.held(0), provider.held_reason) == (30, "RateLimited")


@pytest.mark.parametrize("nonsense", [math.nan, -5.0, -math.inf])
def test_a_retry_after_that_makes_no_sense_holds_nobody_back(nonsense):
    provider = provider_of()
    provider.failed(RateLimited(retry_after=nonsense), None, 10, POLICY)

    assert provider.held(10) is None


def test_an_endless_retry_after_is_remembered_for_as_long_as_the_policy_says():
    provider = provider_of()
    provider.failed(RateLimited(retry_after=math.inf), None, 10, POLICY)

    assert provider.held(10) == 100


def test_a_push_back_that_a_probe_met_holds_for_requests_too():
    provider = provider_of()
    provider.probed(finding(RateLimited("no", retry_after=30), "answer"), 10, POLICY)

    assert (provider.held(10), provider.held_reason) == (30, "RateLimited")
    assert provider.adapter.working is None


def test_reaching_a_service_does_not_excuse_a_failed_generation_but_an_answer_does():
    provider = provider_of()
    provider.failed(ServiceFailed("broken", status=500), None, 0, POLICY)
    provider.probed(ProbeResult(True, "it lists its models"), 1, POLICY)
    entry = seen(provider, 2)

    assert ("degraded", "traffic", 2) == (entry.state, entry.evidence, entry.evidence_age)
    assert entry.reason == "the last attempt failed (the service says that it failed, HTTP status 500)"
    assert entry.detail == "broken"
    provider.probed(ProbeResult(True, "it answered", "answer"), 3, POLICY)
    assert ("healthy", "answer") == (
        seen(provider, 4).state,
        seen(provider, 4).evidence,
    )


def test_reaching_a_service_refutes_that_it_could_not_be_reached():
    provider = provider_of()
    provider.failed(ConnectFailed("refused"), None, 0, POLICY)
    provider.probed(ProbeResult(True, "it lists its models"), 1, POLICY)

    assert ("healthy", "reach") == (
        seen(provider, 2).state,
        seen(provider, 2).evidence,
    )


def test_the_first_content_of_a_reply_does_not_excuse_one_that_broke_off():
    provider = provider_of()
    provider.broke_off(Truncated("no proof"), 0, POLICY)
    provider.succeeded(1, 0.1)
    broken = seen(provider, 1)
    provider.replied(2, "complete")

    assert ("degraded", 1) == (broken.state, broken.evidence_age)
    assert broken.reason == "the last reply broke off (the reply ended without the proof of its end)"
    assert seen(provider, 2).state == "healthy"


def test_evidence_of_long_ago_is_no_evidence():
    provider = provider_of()
    provider.succeeded(0, 0.1)

    assert "healthy" == seen(provider, 3599).state
    late = seen(provider, 3600)
    assert ("unknown", True) == (late.state, late.can_answer)
    assert late.reason == "nothing is known of the last hour; before that: it answered"


def test_an_answer_is_the_trial_that_a_half_open_breaker_waits_for():
    breaker = CircuitBreaker(BreakerPolicy(consecutive=1, open_for=10, jitter=0), random.Random(0))
    provider = Provider(ScriptedAdapter("first"), breaker)
    permit = breaker.permit(0)
    assert permit is not None
    permit.failed(0, None)
    found = ProbeResult(True, "it answered", "answer")

    provider.probed(found, 5, POLICY)
    assert "open" == breaker.state(5)
    provider.probed(ProbeResult(True, "it is there"), 11, POLICY)
    assert "half-open" == breaker.state(11)
    provider.probed(found, 11, POLICY)
    assert "closed" == breaker.state(11)


def test_what_a_probe_told_of_the_service_is_remembered():
    provider = provider_of()
    provider.probed(ProbeResult(True, "yes", generation="G3", models=("big",)), 0, POLICY)
    provider.probed(ProbeResult(None, "who knows"), 1, POLICY)

    assert ("G3", ("big",)) == (
        seen(provider, 1).generation,
        seen(provider, 1).models,
    )


def test_a_finding_of_somebody_else_is_evidence_of_having_reached_it():
    """An adapter may be probed by hand, before or beside its router."""
    provider = provider_of()
    provider.adapter._found(True, "yes", 5.0)

    entry = seen(provider, 7)
    assert ("healthy", "reach", 2.0) == (entry.state, entry.evidence, entry.evidence_age)
    provider.adapter._found(False, CANARY, 8.0)
    entry = seen(provider, 8)
    assert ("unhealthy", "a probe found it so", 60.0) == (entry.state, entry.reason, entry.back_in)


def test_the_report_of_a_provider_has_the_probe_without_the_words_of_the_service():
    provider = provider_of()
    found = finding(ServiceFailed(f"first: GET /x answered 500: {CANARY}", status=500), "reach")
    provider.probed(found, 0, POLICY)
    entry = seen(provider, 0, found)

    assert entry.probe is not None
    assert entry.probe.reason == "the service says that it failed, HTTP status 500"
    assert CANARY in entry.detail
    assert CANARY not in json.dumps(entry.as_dict())
