"""What is known of the sizes that models take, and what a request is refused for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import Capabilities, ChatRequest, ContextTooLong, ProbeResult
from adapters.scripted import ScriptedAdapter
from router import RetryPolicy
from router.provider.provider import Provider
from router.provider.sizes import MOST_MODELS, REMEMBERED, Size, Sizes
from router.provider.turn import Turn
from tests.router.recording import unbroken


def request(length: int, **options) -> ChatRequest:
    return ChatRequest.build([{"role": "user", "content": "x" * length}], **options)


def too_long(limit: int | None = None, tokens: int | None = None) -> ContextTooLong:
    error = ContextTooLong("too long")
    error.limit, error.tokens = limit, tokens
    return error


def refuses(sizes: Sizes, asked: ChatRequest, said: int | None = None, now: float = 1.0) -> bool:
    return sizes.refuses("m", asked, said, now) is not None


def test_nothing_is_too_large_where_nothing_is_known():
    assert not refuses(Sizes(), request(10_000_000))


def test_what_is_clearly_over_a_limit_is_too_large_and_the_reason_has_the_numbers():
    found = Sizes().refuses("m", request(6000), 1000, 0.0)

    assert found is not None
    assert (1000, 1500) == (found.limit, found.estimate)
    assert "takes at most 1000 tokens; the request has about 1500 (6000 bytes of text, 4.0 a token)" == (
        found.reason
    )


def test_an_estimate_that_may_be_wrong_by_a_quarter_refuses_nobody():
    assert not refuses(Sizes(), request(5000), 1000)
    assert refuses(Sizes(), request(5004), 1000)


def test_tokens_that_the_service_counted_correct_the_estimate():
    sizes = Sizes()

    sizes.counted("m", request(8000), 1000)  # eight bytes a token

    assert not refuses(sizes, request(8000), 1000)
    assert refuses(sizes, request(9000), 1000)


def test_a_few_tokens_show_no_rate():
    sizes = Sizes()

    sizes.counted("m", request(5), 20)

    assert not refuses(sizes, request(5000), 1000)


def test_the_list_of_models_counts_where_the_settings_say_nothing():
    sizes = Sizes()
    sizes.listed = {"m": 1000}

    assert refuses(sizes, request(8000))
    assert not refuses(sizes, request(8000), said=4000)
    assert sizes.refuses(None, request(8000), None, 0.0) is None


def test_a_refusal_stops_what_is_as_large_and_nothing_smaller():
    sizes = Sizes()

    sizes.refused("m", request(1900), too_long(), 0.0)

    assert refuses(sizes, request(1900))
    assert refuses(sizes, request(5000))
    assert not refuses(sizes, request(1899))
    assert sizes.refuses("other", request(5000), None, 1.0) is None


def test_a_refusal_of_one_who_wanted_a_long_reply_stops_nobody_who_wants_less():
    sizes = Sizes()

    sizes.refused("m", request(1900, max_tokens=5000), too_long(), 0.0)

    assert not refuses(sizes, request(1900))
    assert refuses(sizes, request(1900, max_tokens=5000))


def test_a_refusal_is_forgotten_after_an_hour():
    sizes = Sizes()

    sizes.refused("m", request(1900), too_long(limit=100), 0.0)

    assert refuses(sizes, request(1900), now=REMEMBERED - 1)
    assert not refuses(sizes, request(1900), now=REMEMBERED)


def test_a_success_that_is_as_large_lifts_a_refusal():
    sizes = Sizes()
    sizes.refused("m", request(1900), too_long(), 0.0)

    sizes.fitted("m", request(1899))
    assert refuses(sizes, request(1900))
    sizes.fitted("m", request(1900))

    assert not refuses(sizes, request(10_000))


def test_the_limit_that_a_refusal_states_stops_what_lies_between():
    sizes = Sizes()

    sizes.refused("m", request(40_000), too_long(limit=1000, tokens=10_000), 0.0)

    assert refuses(sizes, request(5000))
    assert not refuses(sizes, request(4000))
    assert 1000 == sizes.limit("m", None, 1.0)
    assert 1000 == sizes.limit("m", 8000, 1.0)


def test_a_stated_limit_that_more_tokens_than_that_refute_is_forgotten():
    sizes = Sizes()
    sizes.refused("m", request(40_000), too_long(limit=1000), 0.0)

    sizes.counted("m", request(4400), 1100)

    assert sizes.limit("m", None, 1.0) is None


def test_a_number_that_is_no_context_is_not_believed():
    sizes = Sizes()

    sizes.refused("m", request(4000), too_long(limit=3, tokens=-1), 0.0)

    assert not refuses(sizes, request(3999))


def test_a_refusal_of_a_few_words_is_held_against_nobody():
    sizes = Sizes()

    sizes.refused("m", request(999), too_long(limit=100), 0.0)

    assert not refuses(sizes, request(10_000))


def test_tools_and_their_calls_count():
    tool = {"type": "function", "function": {"name": "f", "description": "d" * 500, "parameters": {}}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a" * 300}}
    asked = ChatRequest.build(
        [
            {"role": "user", "content": "é"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        tools=[tool],
    )

    assert 802 < Size.of(asked).text < 1100


@given(st.lists(st.text(min_size=1, max_size=8), max_size=200))
def test_however_many_models_are_asked_for_few_are_remembered(models):
    sizes = Sizes()

    for number, model in enumerate(models):
        sizes.refused(model, request(1000 + number), too_long(), float(number))
        sizes.counted(model + "x" * 200, request(3000), 5)

    assert len(sizes) <= MOST_MODELS


@given(
    st.lists(
        st.tuples(st.sampled_from(["refused", "fitted", "counted"]), st.integers(1000, 1500)), max_size=12
    ),
    st.integers(900, 1600),
)
def test_without_a_stated_limit_what_is_smaller_than_every_refused_one_is_asked(steps, length):
    sizes, refused = Sizes(), []

    for now, (kind, size) in enumerate(steps):
        if kind == "refused":
            sizes.refused("m", request(size), too_long(), float(now))
            refused.append(size)
        elif kind == "fitted":
            sizes.fitted("m", request(size))
        else:
            sizes.counted("m", request(size), size)

    if not refused or length < min(refused):
        assert not refuses(sizes, request(length), now=50.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["refused", "fitted", "counted"]),
            st.sampled_from(["a", "b"]),
            st.integers(1000, 1500),
        ),
        max_size=12,
    ),
    st.sampled_from(["a", "b", None]),
)
def test_once_the_newest_refusal_is_forgotten_nothing_is_refused(steps, model):
    sizes = Sizes()

    for now, (kind, asked, size) in enumerate(steps):
        if kind == "refused":
            sizes.refused(asked, request(size), too_long(limit=500), float(now))
        elif kind == "fitted":
            sizes.fitted(asked, request(size))
        else:
            sizes.counted(asked, request(size), size)

    assert sizes.refuses(model, request(10_000_000), None, max(0.0, sizes.until)) is None


@pytest.mark.parametrize("source", ["its capabilities", "its list of models", "a refusal", "the account"])
def test_whatever_tells_that_a_request_is_too_large_the_provider_heeds_it(source):
    said = 1000 if source == "its capabilities" else None
    adapter = ScriptedAdapter("it")
    adapter.capabilities = Capabilities(context_tokens=said)
    provider = Provider(adapter, unbroken())
    assert (provider.too_large(request(8000), "m", 0.0) is not None) is (said is not None)

    if source == "its list of models":
        provider.probed(ProbeResult(True, "it lists them", context_tokens={"m": 1000}), 0.0, RetryPolicy())
    elif said is None:
        error = too_long(limit=1000)
        error.per_minute = source == "the account"
        provider.failed(error, Turn(request(8000), "m"), 0.0, RetryPolicy())

    assert provider.too_large(request(8000), "m", 1.0) is not None
    assert provider.too_large(request(8), "m", 1.0) is None
