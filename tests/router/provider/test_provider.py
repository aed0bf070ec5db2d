"""What a provider learns from requests and probes: a model of some dozen lines must agree with it."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING

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
from adapters.answer_probe import finding
from adapters.contract import ChatRequest
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, ProviderHealth, RetryPolicy
from router.health.snapshot import health_of
from router.health.traffic_summary import Traffic
from router.policy.breaker import CircuitBreaker
from router.provider.provider import Provider
from tests.router.recording import unbroken

if TYPE_CHECKING:
    from router.provider.turn import Turn

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
SILENT = (InvalidRequest, ModelNotFound)  # they say nothing about the provider's health
OF_A_MODEL = (ModelNotFound, RateLimited, ServiceFailed)
OF_THE_WAY = (AuthenticationFailed, ConnectFailed, NotWorking, QuotaExhausted)
MODELS = (None, "big")


def seen(provider: Provider, now: float, probe: ProbeResult | None = None) -> ProviderHealth:
    return health_of(provider, Traffic(), now, probe)


def provider_of(name: str = "first") -> Provider:
    return Provider(ScriptedAdapter(name), unbroken())


def request_for(model: str | None = None, text: str = "Hello") -> ChatRequest:
    return ChatRequest.build([{"role": "user", "content": text}], model)


def ask(provider: Provider, now: float, model: str | None = None, text: str = "Hello") -> Turn:
    return provider.turn(request_for(model, text), now)


def held(provider: Provider, now: float, model: str | None = None) -> tuple[float, str] | None:
    """Return for how long a request for `model` is held back, and why."""
    found = [each for each in provider.standing.refusals(model, now) if each.held is not None]
    return max(((each.back_in or 0.0, each.held or "") for each in found), default=None)


class ProviderAgainstAModel(RuleBasedStateMachine):
    """A provider's standing against what the laws say of `working`, of holding back and of evidence.

    Every request has the same content, so no failure of a model spreads to the provider.
    """

    def __init__(self) -> None:
        super().__init__()
        self.provider = provider_of()
        self.now = 0.0
        self.held_until: dict[str, float] = {}  # "all", or a model
        self.working: bool | None = None
        self.recheck_at = math.inf
        self.failures = 0
        self.missing: dict[str, float] = {}
        self.last_error: str | None = None
        self.against: tuple[str, float, bool] | None = None
        # When, whether good, whether reaching it refutes it:
        self.asked: tuple[float, bool, bool] | None = None
        self.answered: tuple[float, bool, bool] | None = None  # by a probe
        self.reached: tuple[float, bool, bool] | None = None
        self.broke = False
        self.content_at = -math.inf

    @rule(seconds=st.floats(0, 2000))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(model=st.sampled_from(MODELS))
    def it_answers(self, model):
        self.provider.succeeded(ask(self.provider, self.now, model), self.now, 0.1)
        self.working, self.recheck_at, self.failures = True, math.inf, 0
        self.missing.pop(str(model), None)
        self.content_at = self.now
        if not self.broke:
            self.asked = (self.now, True, False)

    @rule(verdict=st.sampled_from(["complete", "closed", "cancelled", "truncated"]))
    def a_reply_ends(self, verdict):
        self.provider.replied(self.now, verdict)
        if verdict in ("complete", "closed"):
            self.broke, self.asked, self.content_at = False, (self.now, True, False), self.now

    @rule(
        kind=st.sampled_from(ERRORS),
        retry_after=st.none() | st.floats(0, 1000),
        model=st.sampled_from(MODELS),
    )
    def it_fails(self, kind, retry_after, model):
        turn = ask(self.provider, self.now, model)
        self.provider.failed(kind(CANARY, retry_after=retry_after), turn, self.now, POLICY)
        self._remember(kind, retry_after, model)

    @rule(
        kind=st.sampled_from(ERRORS),
        retry_after=st.none() | st.floats(0, 1000),
        model=st.sampled_from(MODELS),
    )
    def it_breaks_off(self, kind, retry_after, model):
        error = kind(CANARY, retry_after=retry_after)
        self.provider.broke_off(error, request_for(model), self.now, POLICY)
        self.broke = self.broke or kind not in SILENT
        self._remember(kind, retry_after, model)

    @rule(
        kind=st.none() | st.sampled_from(ERRORS),
        level=st.sampled_from(["reach", "answer"]),
        retry_after=st.none() | st.floats(0, 1000),
    )
    def it_is_probed(self, kind, level, retry_after):
        result = ProbeResult(True, "it is there", level)
        if kind is not None:
            result = finding(kind(CANARY, retry_after=retry_after), level)
            if level == "answer":
                self._hold(kind, retry_after, None)
        outweighed = (
            level == "reach"
            and result.working is False
            and kind is not ConnectFailed
            and (self.asked is None or self.asked[1])
            and self.content_at > self.now - 3600
        )
        self.provider.probed(result, self.now, POLICY)
        working = None if outweighed else result.working
        if outweighed:
            self.working, self.recheck_at, self.failures = True, math.inf, 0
        if working is not None or kind in (ModelNotFound, QuotaExhausted, RateLimited) or outweighed:
            found = (self.now, working is True, kind is ConnectFailed)
            if level == "answer":
                self.answered = found
            else:
                self.reached = found
        if working:
            self.working, self.recheck_at, self.failures = True, math.inf, 0
            if level == "answer":
                self.broke = False
                self.missing.clear()
        elif working is False:
            self.against = (level, self.now, False)
            if self.working is not False or self.now >= self.recheck_at:
                self._down()

    def _remember(self, kind: type[Exception], retry_after: float | None, model: str | None) -> None:
        self._hold(kind, retry_after, model)
        if kind is InvalidRequest:
            return
        self.last_error = kind.__name__
        if kind not in SILENT:
            self.asked = (self.now, False, kind in OF_THE_WAY)
            self.against = ("traffic", self.now, False)
        if kind in (AuthenticationFailed, NotWorking):
            self._down()

    def _hold(self, kind: type[Exception], retry_after: float | None, model: str | None) -> None:
        if kind is InvalidRequest:
            return
        if kind is ModelNotFound:
            self.missing[str(model)] = self.now + 300
        if retry_after is None and kind is QuotaExhausted:
            retry_after = 60.0
        if retry_after is not None:
            whom = str(model) if kind in OF_A_MODEL else "all"
            until = self.now + min(retry_after, 100)
            self.held_until[whom] = max(self.held_until.get(whom, 0.0), until)

    def _down(self) -> None:
        self.working, self.recheck_at = False, self.now + min(60 * 2**self.failures, 900)
        self.failures += 1

    def _evidence(self) -> tuple[str, float, bool] | None:
        if self.working is False:
            return self.against
        told = [("traffic", *self.asked)] if self.asked is not None else []
        told += [("answer", *self.answered)] if self.answered is not None else []
        strong = max(told, key=lambda each: each[1], default=None)
        if strong is not None and len(told) == 2 and told[0][1] == told[1][1]:
            strong = told[0]
        if self.reached is None or (strong is not None and self.reached[0] <= strong[1]):
            return None if strong is None else strong[:3]
        at, good, away = self.reached
        if strong is None:
            return "reach", at, good
        recent = at - strong[1] < 3600
        stays = recent and not (good or away) if strong[2] else not strong[3]
        return strong[:3] if stays else ("reach", at, good)

    def _waits(self, model: str | None) -> list[float]:
        """Return how long each thing stops a request for a model."""
        until = [self.held_until.get(whom, 0.0) for whom in ("all", str(model))]
        until += [self.missing.get(str(model), 0.0)]
        until += [self.recheck_at] if self.working is False else []
        return [each - self.now for each in until if each > self.now]

    @invariant()
    def one_answer_says_whether_it_would_be_asked_and_until_when_not(self):
        if self.working is False and self.now >= self.recheck_at:
            self.working, self.recheck_at = None, math.inf
        for model in MODELS:
            refusal = self.provider.refusal(model, self.now)
            wait = None if refusal is None else refusal.back_in
            assert max(self._waits(model), default=None) == wait
            assert (refusal is None) is (not self._waits(model))
            assert (refusal is None) is self.provider.candidate(request_for(model), self.now).healthy
        entry = seen(self.provider, self.now)
        assert (not self._waits(None), max(self._waits(None), default=None)) == (
            entry.can_answer,
            entry.back_in,
        )

    @invariant()
    def the_report_tells_what_the_model_knows(self):
        evidence, entry = self._evidence(), seen(self.provider, self.now)

        assert self.last_error == (None if entry.last_error is None else entry.last_error.error)
        if evidence is None:
            assert (entry.evidence, entry.evidence_age) == ("none", None)
        else:
            assert (entry.evidence, entry.evidence_age) == (evidence[0], self.now - evidence[1])
        if self.working is False:
            expected = "unhealthy"
        elif self._waits(None):
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


TestProviderAgainstAModel = ProviderAgainstAModel.TestCase


def test_an_answer_does_not_shorten_a_retry_after():
    """An attempt that began before the push-back may succeed after it; the push-back still holds."""
    provider = provider_of()
    provider.failed(RateLimited(retry_after=30), ask(provider, 0), 0, POLICY)
    provider.succeeded(ask(provider, 1), 1, 0.1)

    assert held(provider, 1) == (29, "RateLimited")


def test_a_shorter_retry_after_does_not_replace_a_longer_one_nor_its_reason():
    provider = provider_of()
    provider.failed(RateLimited(retry_after=30), ask(provider, 0), 0, POLICY)
    provider.failed(ServiceFailed(retry_after=1), ask(provider, 0), 0, POLICY)

    assert held(provider, 0) == (30, "RateLimited")


@pytest.mark.parametrize("nonsense", [math.nan, -5.0, -math.inf])
def test_a_retry_after_that_makes_no_sense_holds_nobody_back(nonsense):
    provider = provider_of()
    provider.failed(RateLimited(retry_after=nonsense), ask(provider, 10), 10, POLICY)

    assert held(provider, 10) is None


def test_an_endless_retry_after_is_remembered_for_as_long_as_the_policy_says():
    provider = provider_of()
    provider.failed(RateLimited(retry_after=math.inf), ask(provider, 10), 10, POLICY)

    assert held(provider, 10) == (100, "RateLimited")


def test_a_push_back_that_a_probe_met_holds_for_requests_too():
    provider = provider_of()
    provider.probed(finding(RateLimited("no", retry_after=30), "answer"), 10, POLICY)

    assert held(provider, 10) == (30, "RateLimited")
    assert provider.adapter.working is None


def test_reaching_a_service_does_not_excuse_a_failed_generation_but_an_answer_does():
    provider = provider_of()
    provider.failed(ServiceFailed("broken", status=500), ask(provider, 0), 0, POLICY)
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
    provider.failed(ConnectFailed("refused"), ask(provider, 0), 0, POLICY)
    provider.probed(ProbeResult(True, "it lists its models"), 1, POLICY)

    assert ("healthy", "reach") == (
        seen(provider, 2).state,
        seen(provider, 2).evidence,
    )


def test_the_first_content_of_a_reply_does_not_excuse_one_that_broke_off():
    provider = provider_of()
    provider.broke_off(Truncated("no proof"), request_for(), 0, POLICY)
    provider.succeeded(ask(provider, 1), 1, 0.1)
    broken = seen(provider, 1)
    provider.replied(2, "complete")

    assert ("degraded", 1) == (broken.state, broken.evidence_age)
    assert broken.reason == "the last reply broke off (the reply ended before it was complete)"
    assert seen(provider, 2).state == "healthy"


def test_evidence_of_long_ago_is_no_evidence():
    provider = provider_of()
    provider.succeeded(ask(provider, 0), 0, 0.1)

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

    provider.probed(ProbeResult(True, "it is there"), 11, POLICY)
    assert "half-open" == breaker.state(11)
    provider.probed(found, 11, POLICY)
    assert "closed" == breaker.state(11)


def test_an_answer_ends_a_break_and_the_next_request_is_the_trial():
    breaker = CircuitBreaker(BreakerPolicy(consecutive=1, open_for=10, jitter=0), random.Random(0))
    provider = Provider(ScriptedAdapter("first"), breaker)
    provider.failed(ServiceFailed("no"), ask(provider, 0), 0, POLICY)
    refused = provider.refusal(None, 5)
    assert refused is not None
    assert "circuit breaker open" in refused.reason

    provider.probed(ProbeResult(True, "it is there"), 5, POLICY)
    assert provider.refusal(None, 5) is not None
    provider.probed(ProbeResult(True, "it answered", "answer"), 6, POLICY)
    assert provider.refusal(None, 6) is None
    turn = ask(provider, 7)
    assert provider.refusal(None, 7) is not None, "there is one trial, and no more"
    provider.succeeded(turn, 8, 1)
    assert "closed" == provider.standing.breaker_for(None, 8).state


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
