"""Whose account failed: what is said of one account changes nothing for those who use another one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters import ScriptedAdapter
from adapters.contract import ChatRequest
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ConnectFailed,
    ContextTooLong,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    Scope,
    ServiceFailed,
    of_own_account,
    speaks_of_account,
)
from router import BreakerPolicy, RetryPolicy
from router.policy.breaker import CircuitBreaker
from router.provider.provider import Provider
from router.provider.tenants import MOST_ACCOUNTS
from tests.depth import how_many

POLICY: Final = RetryPolicy()
ACCOUNTS: Final = (None, "sk-of-one", "sk-of-two")
MODELS: Final = ("a", "b")
OF_ACCOUNTS: Final = (RateLimited, QuotaExhausted, AuthenticationFailed, ModelNotFound)
OF_ALL: Final = (ServiceFailed, ConnectFailed)


@dataclass(frozen=True)
class Step:
    """What one request meets.

    Attributes:
        account: Whose key it brings; None for the configured one.
        model: It asks for.
        text: It says.
        error: The class of its failure; None for content.
        retry_after: Of the failure.
        ambiguous: Whether the failure is.
        wait: Seconds before it.
    """

    account: str | None
    model: str
    text: str
    error: type[AdapterError] | None
    retry_after: float | None
    ambiguous: bool
    wait: float


STEPS: Final = st.lists(
    st.builds(
        Step,
        st.sampled_from(ACCOUNTS),
        st.sampled_from(MODELS),
        st.sampled_from("xyz"),
        st.sampled_from((None, *OF_ACCOUNTS, *OF_ALL)),
        st.none() | st.sampled_from((0.0, 5.0, 200.0)),
        st.booleans(),
        st.sampled_from((0.0, 1.0, 40.0)),
    ),
    max_size=30,
)


def provider_of() -> Provider:
    policy = BreakerPolicy(consecutive=3, jitter=0.0)
    return Provider(ScriptedAdapter("it"), CircuitBreaker(policy, random.Random(1)))


def request_of(account: str | None, model: str, text: str = "x") -> ChatRequest:
    keys = None if account is None else {"it": account}
    return ChatRequest.build([{"role": "user", "content": text}], model, api_key=keys)


def seen_by_others(
    steps: list[Step], whose: str | None, *, deaf: bool
) -> list[tuple[str, float | None] | None]:
    """Return what stops the accounts other than `whose` after each step.

    Args:
        steps: What happens.
        whose: An account.
        deaf: Whether what is said of that account is not learned, as though nobody had said it.
    """
    provider, now, seen = provider_of(), 0.0, []
    for step in steps:
        now += step.wait
        turn = provider.turn(request_of(step.account, step.model, step.text), now)
        if step.error is None:
            provider.succeeded(turn, now, 0.1)
        else:
            error = step.error(retry_after=step.retry_after, ambiguous=step.ambiguous)
            unheard = deaf and step.account == whose and speaks_of_account(error)
            if step.account is not None:
                of_own_account(error)
            if not unheard:
                provider.failed(error, turn, now, POLICY)
        turn.released()
        for account in (each for each in ACCOUNTS if each != whose):
            for model in MODELS:
                found = provider.refusal(model, now, request_of(account, model))
                seen.append(None if found is None else (found.reason, found.back_in))
    return seen


HOUSE_LIMITED: Final = Step(None, "a", "x", RateLimited, None, ambiguous=False, wait=0.0)
HOUSE_SICK: Final = Step(None, "b", "y", ServiceFailed, None, ambiguous=False, wait=0.0)
ONE_SERVED: Final = Step("sk-of-one", "a", "x", None, None, ambiguous=False, wait=0.0)
ONE_LIMITED: Final = Step("sk-of-one", "a", "x", RateLimited, 200.0, ambiguous=False, wait=0.0)


@settings(max_examples=how_many(150), deadline=None)
@given(steps=STEPS, whose=st.sampled_from(ACCOUNTS))
@example(steps=[ONE_SERVED, *[HOUSE_LIMITED] * 5], whose=None)
@example(steps=[ONE_LIMITED] * 5, whose="sk-of-one")
@example(steps=[ONE_SERVED, HOUSE_LIMITED, *[HOUSE_SICK] * 3], whose=None)
def test_what_is_said_of_one_account_stops_nobody_else(steps: list[Step], whose: str | None) -> None:
    """A world in which nothing was ever said of one account looks the same to all the others."""
    assert seen_by_others(steps, whose, deaf=False) == seen_by_others(steps, whose, deaf=True)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_concerns_every_account_stops_every_account(account: str | None) -> None:
    provider = provider_of()
    for text in "xyz":
        turn = provider.turn(request_of(account, "a", text), 0.0)
        provider.failed(ConnectFailed(), turn, 0.0, POLICY)

    refusals = [provider.refusal("b", 1.0, request_of(each, "b")) for each in ACCOUNTS[1:]]
    if account is None:  # the breaker of the others begins when the first of them comes
        assert provider.refusal("b", 1.0, request_of(None, "b")) is not None
    else:
        assert all(each is not None and "circuit breaker" in each.reason for each in refusals)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RateLimited(retry_after=30.0, scope=Scope.ACCOUNT), "held back for 30.0 s more (RateLimited)"),
        (RateLimited(retry_after=30.0), "held back for the model 'a' for 30.0 s more (RateLimited)"),
        (QuotaExhausted(), "held back for 60.0 s more (QuotaExhausted)"),
        (ModelNotFound(), "it does not have the model 'a'"),
    ],
)
def test_what_is_said_of_an_account_stops_its_own_next_request(error: AdapterError, said: str) -> None:
    provider, request = provider_of(), request_of("sk-of-one", "a")
    turn = provider.turn(request, 0.0)
    of_own_account(error)
    provider.failed(error, turn, 0.0, POLICY)

    refusal = provider.refusal("a", 0.0, request)
    assert refusal is not None
    assert said in refusal.reason
    assert "sk-of" not in refusal.reason
    assert provider.refusal("a", 1000.0, request) is None


def test_an_account_that_is_limited_without_a_time_rests_by_a_breaker_of_its_own() -> None:
    provider, request = provider_of(), request_of("sk-of-one", "a")
    for _ in range(3):
        error = RateLimited()
        of_own_account(error)
        provider.failed(error, provider.turn(request, 0.0), 0.0, POLICY)

    refusal = provider.refusal("a", 1.0, request)
    assert refusal is not None
    assert "circuit breaker open" in refusal.reason
    assert provider.breaker.state(1.0) == "closed"
    provider.reset()
    assert provider.refusal("a", 1.0, request) is None


def test_the_trial_of_an_account_brings_it_back() -> None:
    provider, request, now = provider_of(), request_of("sk-of-one", "a"), 0.0
    for _ in range(3):
        error = RateLimited()
        of_own_account(error)
        provider.failed(error, provider.turn(request, now), now, POLICY)
    now = 500.0
    turn = provider.turn(request, now)
    assert provider.refusal("a", now, request) is not None, "another one waits for the trial"
    provider.succeeded(turn, now, 0.1)

    assert provider.refusal("a", now, request) is None


def too_much(limit: int, tokens: int) -> ContextTooLong:
    error = ContextTooLong()
    error.limit, error.tokens, error.per_minute = limit, tokens, True
    return error


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_an_account_may_send_in_a_minute_bounds_its_requests_alone(account: str | None) -> None:
    provider, text = provider_of(), "word " * 20_000
    turn = provider.turn(request_of(account, "a", text), 0.0)
    provider.failed(too_much(10_000, 25_000), turn, 0.0, POLICY)

    for each in ACCOUNTS:
        large = provider.too_large(request_of(each, "a", text), "a", 3599.0)
        assert (large is not None) is (each == account)
        assert provider.too_large(request_of(each, "a", "Hello"), "a", 1.0) is None
        assert provider.too_large(request_of(each, "a", text), "a", 3601.0) is None
        if large is not None:
            assert "takes at most 10000 tokens a minute of this account" in large.reason


def test_the_tokens_of_the_reply_count_where_a_minute_is_the_limit() -> None:
    provider = provider_of()
    asked = ChatRequest.build([{"role": "user", "content": "x"}], "a", max_tokens=45_000)
    provider.failed(too_much(30_000, 45_000), provider.turn(asked, 0.0), 0.0, POLICY)

    other = ChatRequest.build([{"role": "user", "content": "x"}], "a", max_tokens=44_000)
    small = ChatRequest.build([{"role": "user", "content": "x"}], "a", max_tokens=20_000)
    refused = provider.too_large(other, "a", 1.0)
    assert refused is not None
    assert (None, 44_000) == (refused.limit, refused.estimate), "it is no size of the model's context"
    assert "at most 30000 tokens a minute" in refused.reason
    assert provider.too_large(small, "a", 1.0) is None


def test_so_many_accounts_are_remembered_and_no_more() -> None:
    provider = provider_of()
    for number in range(MOST_ACCOUNTS + 5):
        error = RateLimited(retry_after=60.0)
        of_own_account(error)
        provider.failed(error, provider.turn(request_of(f"sk-{number}", "a"), 0.0), 0.0, POLICY)

    assert len(provider.tenants) == MOST_ACCOUNTS
    assert provider.tenants.held_back("a", 1.0) == MOST_ACCOUNTS
    assert provider.refusal("a", 1.0, request_of("sk-0", "a")) is None


def test_an_account_is_its_key_and_its_headers_of_credentials() -> None:
    def account(key: str | None = None, **headers: str) -> bytes | None:
        keys = None if key is None else {"it": key}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = ChatRequest.build([{"role": "user", "content": "x"}], headers={"it": named}, api_key=keys)
        return asked.account_at("it")

    assert account() is None
    assert account(x_tenant="7") is None
    assert account("k", x_tenant="7") == account("k", x_tenant="8") != account("l", x_tenant="7")
    assert account(authorization="k") != account(cookie="k")
    assert account("k") != account(authorization="k")
