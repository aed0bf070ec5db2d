"""Error objects: the word beats the number, and whatever comes gives an error of the tree."""

from __future__ import annotations

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
from adapters.wire.vendor.errors import error_from
from tests.adapters.wire.documents import JSON

LONG_INPUT = (
    "免费API限制模型输入token小于4096，如有更多需求，请访问商店。"
    "The number of prompt tokens for free accounts is limited to 4096."
)
TOO_LARGE = "Request too large for m on tokens per min (TPM): Limit 30000, Requested 40000."
FREE_MODELS = (
    "免费API限制使用gpt-3.5-turbo。The free account is limited to use gpt-3.5-turbo, gpt-4 and embeddings."
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": "insufficient_quota", "type": "insufficient_quota"}, 429, QuotaExhausted),
        ({"code": "rate_limit_exceeded", "message": "maximum context length"}, 400, RateLimited),
        ({"message": "slow", "code": 429}, None, RateLimited),
        ({"message": "slow", "code": "429"}, 200, RateLimited),
        ({"message": "slow", "code": "429 TOO_MANY_REQUESTS"}, None, RateLimited),
        ({"message": "slow", "status": 429}, None, RateLimited),
        ({"message": "slow"}, 429, RateLimited),
        ({"status": "RESOURCE_EXHAUSTED", "message": "x"}, None, RateLimited),
        ({"code": "invalid_api_key", "type": "invalid_request_error"}, 401, AuthenticationFailed),
        ({"type": "invalid_request_error", "message": "You sent no key"}, 401, AuthenticationFailed),
        ({"type": "authentication_error"}, None, AuthenticationFailed),
        ({"message": "Incorrect API key provided"}, 400, AuthenticationFailed),
        ({"message": "no"}, 403, AuthenticationFailed),
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, 400, ContextTooLong),
        ({"message": "This model's maximum context length is 4097 tokens"}, 400, ContextTooLong),
        ({"code": "model_not_found", "type": "invalid_request_error"}, 404, ModelNotFound),
        ({"message": "The model `x` does not exist or you lack access"}, 404, ModelNotFound),
        ({"message": "model x is offline"}, 404, ModelNotFound),
        ({"message": "no such address"}, 404, NotWorking),
        ({"code": "content_filter"}, 400, ContentRefused),
        ({"code": "content_policy_violation", "type": "invalid_request_error"}, 400, ContentRefused),
        ({"type": "invalid_request_error", "message": "bad temperature"}, None, InvalidRequest),
        ({"type": "invalid_request_error"}, 500, InvalidRequest),
        ({"message": "what"}, 400, InvalidRequest),
        ({"message": "what"}, 422, InvalidRequest),
        ({"code": "400 BAD_REQUEST", "type": "chatanywhere_error", "message": "x"}, None, InvalidRequest),
        ({"type": "overloaded_error"}, 529, ServiceFailed),
        ({"type": "server_error"}, 400, ServiceFailed),
        ({"message": "boom", "code": 502}, None, ServiceFailed),
        ({"message": "boom"}, 500, ServiceFailed),
        ({"message": "boom", "code": 1301}, None, ServiceFailed),
        ({"message": "boom"}, None, ServiceFailed),
        # ChatAnywhere sends these with one and the same code.
        ({"message": LONG_INPUT, "code": "403 FORBIDDEN"}, 403, ContextTooLong),
        ({"message": FREE_MODELS, "code": "403 FORBIDDEN"}, 403, ModelNotFound),
        ({"message": "余额不足", "code": "403 FORBIDDEN"}, 403, QuotaExhausted),
        ({"message": "Your account balance is insufficient", "code": "403 FORBIDDEN"}, 403, QuotaExhausted),
        ({"message": "ApiKey错误", "type": "chatanywhere_error"}, 401, AuthenticationFailed),
        # What one prompt or one option met, told with a status that else concerns all.
        ({"code": 403, "message": "m requires moderation. Your input was flagged."}, 403, ContentRefused),
        ({"code": 404, "message": "No endpoints found that support tool use."}, 404, InvalidRequest),
        ({"message": "filtered due to the content management policy", "code": "400"}, 400, ContentRefused),
        ({"message": "request (9 tokens) exceeds the available context size"}, 400, ContextTooLong),
        ({"code": "rate_limit_exceeded", "message": TOO_LARGE}, 429, ContextTooLong),
        ({"message": "Key limit exceeded"}, 403, QuotaExhausted),
        # Wrappings: the whole payload, bare text, a list around the payload or the detail.
        ({"error": {"code": "insufficient_quota"}}, 429, QuotaExhausted),
        ({"error": "rate limit reached"}, None, RateLimited),
        ("rate limit reached", None, RateLimited),
        ({"error": True, "message": "x", "code": 401}, None, AuthenticationFailed),
        ([{"error": {"code": 429, "message": "x"}}], None, RateLimited),
        ({"detail": "Not authenticated"}, 401, AuthenticationFailed),
        ({"detail": [{"msg": "field required"}]}, 422, InvalidRequest),
        ({"code": -14, "msg": "剩余积分不足"}, 200, QuotaExhausted),
        ({"error": {"error": {"error": {"error": {"error": {"code": 429}}}}}}, None, RateLimited),
        (None, None, ServiceFailed),
        ([], None, ServiceFailed),
        ({}, 402, QuotaExhausted),
    ],
)  # fmt: skip
def test_an_error_object_has_one_meaning(error, status, kind):
    actual = error_from(error, status)

    assert (type(actual), actual.status) == (kind, status)


@pytest.mark.parametrize(
    ("error", "status", "ambiguous"),
    [
        ({"message": "no"}, 403, True),
        ({"message": "no such address"}, 404, True),
        ({"message": "no"}, 451, True),
        ({"code": "invalid_api_key"}, 403, False),
        ({"message": "model x is offline"}, 404, False),
        ({"message": "no"}, 401, False),
        ({"message": "no"}, 500, False),
    ],
)
def test_a_number_alone_does_not_always_tell_whom_it_speaks_about(error, status, ambiguous):
    assert error_from(error, status).ambiguous is ambiguous


WORDS = st.sampled_from(
    ["429", "429 X", "4290", "²²²", "model_not_found", 401, -(2**70), True, "403 FORBIDDEN", "额度"]
)
FIELDS = st.sampled_from(["message", "msg", "code", "type", "status", "error", "detail"])
ERRORS = st.recursive(
    JSON | WORDS,
    lambda inner: st.dictionaries(FIELDS, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(error=ERRORS, status=st.none() | st.integers(100, 999))
def test_whatever_comes_is_an_error_of_the_tree_that_can_be_shown(error, status):
    actual = error_from(error, status)
    str(actual).encode()

    assert isinstance(actual, AdapterError)
    assert len(str(actual)) < 1500


def test_an_error_says_code_type_and_words_in_one_line():
    error = error_from({"message": "line\n  break", "type": "odd_error", "code": 418}, 400)

    assert str(error) == "the provider reports an error (418, odd_error): line break"


def test_an_error_without_words_shows_its_number():
    assert str(error_from({}, 503)) == "the provider reports an error (503): no message"
    assert str(error_from({})) == "the provider reports an error (no code): no message"


def test_a_huge_message_is_searched_at_its_start_only_and_cut():
    error = error_from({"message": "x" * 1_000_000 + "rate limit"})

    assert isinstance(error, ServiceFailed)
    assert len(str(error)) < 500
