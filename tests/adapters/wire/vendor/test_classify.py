"""The words of vendors: each body has its class and scope, and the user's own words decide nothing."""

from __future__ import annotations

import json
import time
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.wire.vendor.classify import Judgement, classify
from adapters.wire.vendor.words import BLAME, CODES, FORMS, OVERRIDES, PHRASES, SCOPES
from tests.adapters.wire.documents import ANY_TEXT, JSON
from tests.adapters.wire.vendor.vendor_bodies import AMBIGUOUS, BODIES, Case, openai, openrouter
from tests.depth import sampled

if TYPE_CHECKING:
    from collections.abc import Callable


def named(case: Case) -> str:
    return f"{case.vendor}-{case.status}-{case.kind.__name__}"


def meaning(judgement: Judgement) -> tuple[type[AdapterError], str | None]:
    return judgement.kind, AMBIGUOUS if judgement.ambiguous else judgement.scope


@pytest.mark.parametrize("case", BODIES, ids=named)
def test_each_body_has_its_class_its_scope_and_its_wait(case: Case) -> None:
    actual = classify(case.body, case.status)

    assert ((case.kind, case.scope), case.retry_after) == (meaning(actual), actual.retry_after)


# A body is judged in many ways here; a test judges them all, and names those that were judged wrongly.
OBJECTS = [case for case in BODIES if isinstance(case.body, dict | list)]
WRAPPINGS: dict[str, Callable[[object], object]] = {
    "text": json.dumps,
    "bytes": lambda body: json.dumps(body).encode(),
    "in a list": lambda body: [body],
    "in a sentence": lambda body: f"Error from the provider: {json.dumps(body)}",
    "in a message": lambda body: {"error": {"message": json.dumps(body), "type": None, "code": None}},
}


@pytest.mark.parametrize("sent", WRAPPINGS)
def test_a_body_means_the_same_however_it_is_wrapped(sent: str) -> None:
    wrap = WRAPPINGS[sent]
    cases = sampled(OBJECTS, 0.15, f"wrapped bodies, {sent}", lambda case: case.kind)
    judged = [(case, meaning(classify(wrap(case.body), case.status))) for case in cases]

    assert [] == [
        (named(case), case.body, found) for case, found in judged if found != (case.kind, case.scope)
    ]


def test_a_relay_that_hands_a_body_on_changes_nothing() -> None:
    cases = sampled(OBJECTS, 0.3, "relayed bodies", lambda case: case.kind)
    relayed = [(case, openrouter(case.status, json.dumps(case.body))) for case in cases if case.status]
    judged = [(case, classify(body, case.status).kind) for case, body in relayed]

    assert [] == [(named(case), case.body, kind) for case, kind in judged if kind is not case.kind]


CONTEXT = [case for case in BODIES if case.kind is ContextTooLong and isinstance(case.body, dict)]


@pytest.mark.parametrize("status", [None, 400, 413, 422, 429, 500, 503])
def test_too_long_a_context_is_of_the_request_whatever_the_status(status: int | None) -> None:
    judged = [(case, meaning(classify(case.body, status))) for case in CONTEXT]

    assert [] == [(case.body, found) for case, found in judged if found != (ContextTooLong, "request")]


# What the user sent, and a service may give back in an error.
WORDS_OF_A_USER = (
    "The model `gpt-4` does not exist",
    "invalid api key",
    "You exceeded your current quota, please check your plan",
    "This model's maximum context length is 4096 tokens",
    "rate limit exceeded, try again in 20s",
    "your input was flagged by our content policy",
    "余额不足",
    "Country, region, or territory not supported",
)


@pytest.mark.parametrize("words", WORDS_OF_A_USER)
@pytest.mark.parametrize(
    "template",
    [
        "Invalid value for 'content': expected a string, got '{}'.",
        "Invalid value: '{}'. Supported values are: 'system', 'assistant', 'user'.",
        "'{}' is not of type 'object' - 'messages.0'",
        "Unsupported value: '{}' is not supported with this model.",
        "Unrecognized request argument supplied: {}",
        "1 validation error for Request messages.0 Input should be a valid string [input_value='{}']",
        "messages.0.content: Input should be a valid string, received '{}'",
        "Failed to deserialize the JSON body into the target type: unknown variant `{}`, expected `text`",
        "Additional properties are not allowed ('{}' was unexpected) - 'messages.0'",
        "Could not parse the JSON body of your request near '{}'",
        "Invalid schema for function '{}': In context=(), array schema missing items.",
    ],
)
def test_words_of_the_user_in_an_error_about_the_form_decide_nothing(template: str, words: str) -> None:
    actual = classify(openai(template.format(words)), 400)

    assert (InvalidRequest, "request", None) == (*meaning(actual), actual.retry_after)


@pytest.mark.parametrize("words", WORDS_OF_A_USER)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, lambda words: {"detail": [{"msg": "Field required", "loc": [words], "input": words}]}),
        (422, lambda words: {"detail": [{"msg": "Field required", "ctx": {"error": words}}]}),
        (400, lambda words: {"error": {"message": "bad", "param": words, "input": words, "content": words}}),
        (400, lambda words: {"error": {"message": "bad"}, "prompt": words, "request": {"error": words}}),
    ],
)  # fmt: skip
def test_fields_with_what_the_user_sent_are_not_read(status, body, words) -> None:
    assert (InvalidRequest, "request") == meaning(classify(body(words), status))


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value for 'content': expected a string for this model",
        "Missing required parameter: 'model'.",
        "you must provide a model parameter",
        "The image exceeds 5 MB: 6000000 bytes > 5242880 bytes",
        "logprobs is not supported with this model",
        "model `m` does not support image input",
        "Function 'get_key' not found in tools",
        "The file 'x' does not exist",
        "tool_use ids were found without tool_result blocks immediately after",
        "The last message must have role `user`",
        "stream_options should be set along with stream = True",
        "Thinking may not be enabled when tool_choice forces tool use.",
        "Image input to this model is not supported",
    ],
)
def test_a_wrong_request_stays_one_though_it_names_a_model_a_key_or_a_limit(message: str) -> None:
    assert (InvalidRequest, "request") == meaning(classify(openai(message), 400))


@pytest.mark.parametrize(
    ("status", "message", "kind", "scope"),
    [
        (403, "Your input violates our acceptable use policy.", ContentRefused, "request"),
        (403, "The prompt was rejected by the provider's policy", ContentRefused, "request"),
        (403, "Blocked by your organization's data policy", InvalidRequest, "request"),
        (403, "This model is not available in your region.", NotWorking, AMBIGUOUS),
        (403, "Forbidden", AuthenticationFailed, AMBIGUOUS),
        (403, "no", AuthenticationFailed, AMBIGUOUS),
        (403, "Your API key has no permission for this", AuthenticationFailed, "account"),
        (404, "Route POST:/chat/completions not found", NotWorking, AMBIGUOUS),
        (404, "Unknown endpoint: POST /v1/chat/completion", NotWorking, AMBIGUOUS),
        (404, "model x is offline", ModelNotFound, "model"),
        (410, "", NotWorking, AMBIGUOUS),
        (451, "", NotWorking, AMBIGUOUS),
        (407, "", AuthenticationFailed, "account"),
        (408, "", ServiceFailed, None),
        (501, "", InvalidRequest, "request"),
        (418, "", InvalidRequest, "request"),
        (524, "", ServiceFailed, None),
        (503, "The model is warming up", ServiceFailed, "model"),
        (429, "This model is in high demand", RateLimited, "model"),
        (429, "Slow", RateLimited, None),
    ],
)
def test_what_a_status_means_where_no_vendor_has_a_word_for_it(
    status: int, message: str, kind: type[AdapterError], scope: str | None
) -> None:
    assert (kind, scope) == meaning(classify({"message": message}, status))


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ({"error": {"code": "invalid_api_key"}}, "account"),
        ({"error": {"code": "invalid_api_key", "message": "Forbidden"}}, "account"),
        ({"error": {"message": "Invalid API key"}}, "account"),
        ({"error": "Unauthorized"}, AMBIGUOUS),
        ({"error": {"type": "invalid_request_error", "message": "Forbidden"}}, AMBIGUOUS),
    ],
)
def test_a_403_speaks_of_the_account_where_its_words_do(body: object, scope: str) -> None:
    assert (AuthenticationFailed, scope) == meaning(classify(body, 403))


def test_a_code_decides_where_a_phrase_that_overrides_it_is_only_quoted() -> None:
    quoted = "Invalid value: 'Request too large for x on tokens per min'"

    assert QuotaExhausted is classify({"code": "insufficient_quota", "message": quoted}, 429).kind


def test_a_number_in_place_of_a_code_is_a_status_or_says_nothing() -> None:
    assert ServiceFailed is classify({"message": "boom", "code": 1301}).kind
    assert RateLimited is classify({"message": "boom", "code": 429}).kind
    assert RateLimited is classify({"message": "boom", "code": 429.0}).kind
    assert ContentRefused is classify({"message": "boom", "code": "1301"}).kind


def test_the_sentence_that_decided_and_the_codes_beside_it_are_shown() -> None:
    inner = {"error": {"message": "prompt is too long: 9 > 8", "type": "invalid_request_error", "code": "x"}}

    actual = classify(openrouter(400, json.dumps(inner)), 400)

    assert ("prompt is too long: 9 > 8", ("x", "invalid_request_error")) == (actual.message, actual.labels)


def test_code_and_type_are_the_labels_and_without_words_there_are_none() -> None:
    assert ("418", "odd") == classify({"message": "m", "type": "odd", "code": 418}, 400).labels
    assert ("", ()) == (classify({}, 503).message, classify({}, 503).labels)


def test_a_wait_is_told_only_where_waiting_helps() -> None:
    assert 20.0 == classify({"message": "try again in 20s"}, 429).retry_after
    assert None is classify({"message": "try again in 20s"}, 413).retry_after
    assert None is classify({"message": "prompt is too long, try again in 20s"}, 500).retry_after


def test_a_date_is_measured_against_the_clock_that_is_passed_in() -> None:
    body = {
        "error": {
            "type": "rate_limit_error",
            "message": "usage limit reached, resets at 2026-05-15T15:00:00Z",
        }
    }

    actual = classify(body, 429, now=datetime(2026, 5, 15, 14, tzinfo=UTC))

    assert (QuotaExhausted, 3600.0) == (actual.kind, actual.retry_after)
    assert classify(body, 429).retry_after is None


def test_a_judgement_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        classify(None).message = "x"  # type: ignore[misc]  # that is what is tested


# The tables themselves.
SECTIONS = (*CODES, *OVERRIDES, *PHRASES, *BLAME)


def test_every_row_names_its_vendor_and_its_source() -> None:
    rows = [row for section in SECTIONS for row in section.rows] + list(FORMS)

    assert all(row.vendor and row.source.startswith("https://") and row.words for row in rows)


def test_every_word_is_a_word_and_phrases_are_in_lower_case() -> None:
    phrases = [word for section in (*OVERRIDES, *PHRASES) for row in section.rows for word in row.words]
    codes = [word for section in (*CODES, *BLAME) for row in section.rows for word in row.words]

    assert [] == [word for word in phrases if word != word.lower() or word != word.strip() or len(word) < 2]
    assert [] == [word for word in codes if " " in word or len(word) < 4]


def test_no_code_stands_for_two_things() -> None:
    found: dict[str, type[AdapterError]] = {}
    for section in CODES:
        for row in section.rows:
            for word in row.words:
                assert section.kind is found.setdefault(word.lower().replace("_", ""), section.kind), word


def test_what_speaks_of_the_request_is_never_said_to_speak_of_more() -> None:
    for section in SECTIONS:
        if SCOPES.get(section.kind) == "request":
            assert section.scope in (None, "request"), section


@pytest.mark.parametrize("section", [*OVERRIDES, *PHRASES])
def test_every_phrase_is_found_where_it_stands_alone(section) -> None:
    status = next(iter(sorted(section.statuses, key=str)), None)
    for row in section.rows:
        for word in row.words:
            judged = classify({"message": f"x {word.replace('…', 'y')} z"}, status)

            assert judged.kind is not ServiceFailed or section.kind is ServiceFailed, (row.vendor, word)


# Whatever comes.
FIELDS = st.sampled_from(
    [
        "message",
        "msg",
        "code",
        "type",
        "status",
        "error",
        "detail",
        "details",
        "errors",
        "metadata",
        "raw",
        "innererror",
        "model",
        "retryDelay",
        "estimated_time",
        "reason",
    ]
)
TELLING = st.sampled_from(
    [
        "429",
        "429 X",
        "²²²",
        "model_not_found",
        401,
        -(2**70),
        True,
        1e300,
        float("nan"),
        "额度",
        "<html>429",
        '{"error":',
        '{"error": {"message": "rate limit"}}',
        "try again in 99999999999999h",
        "[" * 500,
    ]
)
EVERY_PHRASE = [word for section in PHRASES for row in section.rows for word in row.words]
ERRORS = st.recursive(
    JSON | TELLING | st.binary(max_size=8),
    lambda inner: st.dictionaries(FIELDS | ANY_TEXT, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(error=ERRORS, status=st.none() | st.integers(100, 999))
def test_whatever_comes_is_judged(error: object, status: int | None) -> None:
    actual = classify(error, status, now=datetime(2026, 1, 1, tzinfo=UTC))

    assert issubclass(actual.kind, AdapterError)
    assert actual.scope in (None, "request", "model", "account", "provider")
    assert not actual.ambiguous or actual.scope == "request"
    assert isinstance(actual.message, str)
    assert len(actual.message) <= 4000
    assert len(actual.labels) <= 2
    assert actual.retry_after is None or 0 < actual.retry_after <= 31 * 86400


@given(
    words=st.lists(st.sampled_from(EVERY_PHRASE), max_size=6),
    status=st.none() | st.integers(400, 599),
)
def test_what_speaks_of_the_request_stays_there(words: list[str], status: int | None) -> None:
    actual = classify({"message": " ".join(words)}, status)

    if issubclass(actual.kind, (InvalidRequest, ContentRefused)):
        assert "request" == actual.scope
        assert actual.retry_after is None


HOSTILE = {
    "one letter": "a" * 2_000_000,
    "open brackets": "[" * 1_000_000,
    "open objects": '{"error":' * 200_000,
    "nested messages": '{"message":"' * 100_000,
    "quotes": "got '" * 400_000,
    "numbers": "try again in " + "1" * 1_000_000,
    "units": "retry in " + "1s" * 500_000,
    "tags": "<html>" + "<script>" * 200_000,
    "halves of phrases": "model " * 300_000,
    "white space": " \t\n" * 500_000,
    "wide": {f"k{n}": "rate limit" for n in range(100_000)},
    "many": [{"error": {"message": "model " * 1000}}] * 10_000,
    "long fields": {
        "error": {"message": "x" * 1_000_000, "code": "y" * 1_000_000, "details": ["z" * 100_000] * 1000}
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_cost_little(name: str) -> None:
    classify("warm up")
    started = time.process_time()
    actual = classify(HOSTILE[name], 500)

    assert issubclass(actual.kind, AdapterError)
    assert time.process_time() - started < 0.5  # some milliseconds; a quadratic search takes minutes


def deep() -> object:
    body: object = "rate limit"
    for _ in range(100_000):
        body = {"error": body}
    return body


def test_a_body_without_a_bottom_is_given_up() -> None:
    assert ServiceFailed is classify(deep()).kind
