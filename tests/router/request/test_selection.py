"""Whom a request may ask, in which order, and why not the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import Capabilities, ChatRequest, ModelNotFound, NotWorking, RateLimited
from adapters.contract import Outcome
from adapters.scripted import ScriptedAdapter
from router import RetryPolicy
from router.provider.chain import ordered
from router.provider.provider import Provider
from router.request.selection import dropped_options, refusal_of
from tests.router.recording import HELLO, unbroken

NAMES = ["alpha", "beta", "gamma"]
POLICY = RetryPolicy()


def provider_of(name="alpha", **settings) -> Provider:
    return Provider(ScriptedAdapter(name, "Hello", **settings), unbroken())


def reason_to_skip(provider: Provider, request: ChatRequest, now: float) -> str | None:
    refusal = refusal_of(provider, request, now)
    return None if refusal is None else refusal.reason


PROVIDERS = {name: provider_of(name) for name in NAMES}


def names(providers) -> list[str]:
    return [provider.name for provider in providers]


def test_without_a_wish_all_are_asked_in_priority_order():
    assert names(ordered(PROVIDERS, None)) == NAMES


@given(st.lists(st.sampled_from(NAMES), min_size=1))
def test_those_asked_for_come_in_the_order_given_each_once(wanted):
    assert list(dict.fromkeys(wanted)) == names(ordered(PROVIDERS, wanted))


def test_an_unknown_name_is_refused_with_the_nearest_and_all_that_there_are():
    with pytest.raises(ValueError) as raised:
        ordered(PROVIDERS, ["alpha", "betta"])

    text = "no provider is called 'betta'; did you mean 'beta'? There are: alpha, beta, gamma"
    assert text == str(raised.value)


def test_an_unknown_name_that_is_near_to_none_is_still_a_sentence():
    with pytest.raises(ValueError) as raised:
        ordered(PROVIDERS, ["zzz"])

    assert str(raised.value) == "no provider is called 'zzz'. There are: alpha, beta, gamma"


def test_a_text_instead_of_a_list_is_refused():
    with pytest.raises(TypeError, match=r"\['beta'\]"):
        ordered(PROVIDERS, "beta")


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="providers is empty"):
        ordered(PROVIDERS, [])


def test_a_provider_that_nothing_speaks_against_is_asked():
    assert reason_to_skip(provider_of(), ChatRequest.build(HELLO), 0) is None


def test_one_that_is_not_working_is_skipped_until_its_recheck():
    provider = provider_of()
    provider.adapter.mark(Outcome(10, NotWorking("gone")))
    request = ChatRequest.build(HELLO)

    assert reason_to_skip(provider, request, 69.9) == (
        "not working: gone; asked again in 0 s, or after a successful probe (Router.check)"
    )
    assert reason_to_skip(provider, request, 70) is None


def test_one_that_asked_to_stay_away_is_skipped_until_then():
    provider = provider_of()
    request = ChatRequest.build(HELLO)
    provider.failed(RateLimited(retry_after=7), provider.turn(request, 100), 100, POLICY)

    assert reason_to_skip(provider, request, 102.5) == "held back for 4.5 s more (RateLimited)"
    assert reason_to_skip(provider, request, 107) is None


def test_one_without_the_model_is_skipped_for_that_model_until_its_pause_is_over():
    provider = provider_of(models={"fast": "theirs"})
    fast, other = ChatRequest.build(HELLO, "fast"), ChatRequest.build(HELLO, "other")
    provider.failed(ModelNotFound(), provider.turn(fast, 0), 0, POLICY)

    assert reason_to_skip(provider, fast, 299) == "said lately that it does not have the model 'theirs'"
    assert reason_to_skip(provider, other, 299) is None
    assert reason_to_skip(provider, fast, 300) is None


@pytest.mark.parametrize(
    ("capabilities", "request_", "reason"),
    [
        (
            Capabilities(models=frozenset({"small"})),
            ChatRequest.build(HELLO, "big"),
            "does not serve the model 'big'",
        ),
        (
            Capabilities(system_messages=False),
            ChatRequest.build([{"role": "system", "content": "Be brief"}, *HELLO]),
            "takes no system messages",
        ),
        (Capabilities(history=False), ChatRequest.build([*HELLO, *HELLO]), "takes no earlier turns"),
        (Capabilities(), ChatRequest.build(HELLO, tools=[{"type": "x"}]), "takes no tools"),
        (
            Capabilities(),
            ChatRequest.build(
                [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]
            ),
            "takes text only",
        ),
        (
            Capabilities(context_size=4),
            ChatRequest.build(HELLO),
            "takes at most 4 characters; the messages have 5",
        ),
    ],
)
def test_one_that_cannot_take_the_request_is_skipped_with_the_reason(capabilities, request_, reason):
    assert reason == reason_to_skip(provider_of(capabilities=capabilities), request_, 0)


def test_the_options_that_it_does_not_take_are_named_in_order():
    provider = provider_of(capabilities=Capabilities(options=frozenset({"seed"})))
    request = ChatRequest.build(HELLO, top_p=0.5, seed=1, max_tokens=7, stop=None)

    assert dropped_options(provider, request) == ("max_tokens", "top_p")
