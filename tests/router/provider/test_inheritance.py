"""What a router keeps of the one before: an operator's word by name, evidence of the same account alone."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adapters import (
    ChatAnywhere,
    ModelNotFound,
    NotWorking,
    OpenAICompatible,
    ProbeResult,
    RateLimited,
    ServiceFailed,
)
from adapters.contract import ChatRequest
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, RetryPolicy, Router
from router.health.snapshot import health_of
from router.health.traffic_summary import Traffic
from router.policy.breaker import CircuitBreaker
from router.provider.inheritance import inherit
from router.provider.provider import Provider

if TYPE_CHECKING:
    from adapters import Adapter

POLICY = RetryPolicy()
URL = "http://127.0.0.1:9/v1"
ASKED = ChatRequest.build([{"role": "user", "content": "Hi"}])


def adapter(**changed: Any) -> OpenAICompatible:
    settings = {"base_url": URL, "api_key": "k-1", "model": "small", "name": "it", **changed}
    return OpenAICompatible(**{key: value for key, value in settings.items() if value is not None})


def provider_of(made: Adapter) -> Provider:
    policy = BreakerPolicy(consecutive=1, jitter=0)
    return Provider(made, CircuitBreaker(policy, random.Random(0)))


def inherited(before: Provider, made: Adapter, now: float = 5) -> Provider:
    heir = provider_of(made)
    assert inherit({"it": heir}, {"it": before}, now, True) == ()
    return heir


def failing(error: Any) -> Provider:
    before = provider_of(adapter())
    before.failed(error, before.turn(ASKED, 0), 0, POLICY)
    return before


FAILURES = [
    (ServiceFailed("no"), "circuit breaker open for the model 'small'"),
    (RateLimited("no", retry_after=60), "held back"),
    (ModelNotFound("no"), "said lately that it does not have"),
    (NotWorking("no"), "not working"),
]


@pytest.mark.parametrize(("error", "words"), FAILURES, ids=lambda each: type(each).__name__)
def test_what_an_account_met_is_kept_and_what_another_one_met_is_not(error: Any, words: str) -> None:
    before = failing(error)
    kept = inherited(before, adapter()).refusal("small", 5, ASKED)

    assert kept is not None
    assert words in kept.reason
    assert kept == before.refusal("small", 5, ASKED)
    for other in (
        adapter(api_key="k-2"),
        adapter(base_url="http://127.0.0.1:10/v1"),
        adapter(headers={"x-account": "other"}),
        adapter(model="large"),
        adapter(api_key=lambda: "k-1"),
        adapter(proxy="http://127.0.0.1:3128"),
        ChatAnywhere(URL, api_key="k-1", model="small", name="it"),
    ):
        assert inherited(before, other).refusal("small", 5, ASKED) is None, repr(other)


def test_the_evidence_and_its_age_are_kept() -> None:
    before = failing(ServiceFailed("no"))
    before.probed(ProbeResult(True, "there", generation="G3", models=("small",)), 2, POLICY)
    heir = inherited(before, adapter())

    kept, known = (health_of(each, Traffic(), 9, None) for each in (heir, before))
    assert replace(kept, breaker=known.breaker) == known
    assert (kept.breaker.state, kept.breaker.permit_in) == ("open", known.breaker.permit_in)


def test_what_was_used_of_limits_is_kept_under_other_limits_too() -> None:
    limited: dict[str, Any] = {"requests_per_minute": 2, "daily_requests": 3}
    before = provider_of(adapter(**limited))
    assert before.limits is not None
    assert before.limits.admit(ASKED, 0) is not None
    heir = inherited(before, adapter(**{**limited, "requests_per_minute": 5}))

    assert heir.sizes is before.sizes
    assert heir.limits is not None
    assert heir.limits.figures(1) == {"requests_per_minute": (1, 5), "daily_requests": (1, 3)}


def test_isolation_is_kept_by_name_whatever_else_changed() -> None:
    before = provider_of(ScriptedAdapter("it", "text"))
    before.isolate()
    heir = inherited(before, adapter())

    refused = heir.refusal(None, 5)
    assert refused is not None
    assert refused.reason == "isolated by hand; Router.reset() brings it back"
    heir.reset()
    assert heir.refusal(None, 5) is None


@pytest.mark.anyio
async def test_a_router_says_whose_isolation_ends() -> None:
    async with (
        Router([ScriptedAdapter("one", "a"), ScriptedAdapter("gone", "b")]) as former,
        Router([ScriptedAdapter("one", "c"), ScriptedAdapter("two", "d")]) as router,
    ):
        for name in former.providers:
            former.isolate(name)
        assert router.take_over(former) == ("gone",)
        reply = await router.complete([{"role": "user", "content": "Hi"}])

    assert (reply.provider, reply.attempts[0].outcome) == ("two", "skipped")
