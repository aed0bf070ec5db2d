"""What the words of AI Engine and its backends stand for."""

import pytest

from adapters.contract.errors import (
    AdapterError,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.opchatgpts.errors import kind_of, wait_of


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("Sorry, your query has been rejected.", 403, InvalidRequest),
        ("Sorry, your query has been rejected.", 500, InvalidRequest),
        ("You have reached the limit (check the Insights Tab > Limits > Guests).", None, QuotaExhausted),
        ("Error rate_limit_exceeded: Rate limit reached for requests. (OpenAI)", None, RateLimited),
        ("Mock: Rate limit reached. Increase it at /account/billing, or your quota.", 500, RateLimited),
        ("From OpenAI: You exceeded your current quota, please check your plan.", 500, QuotaExhausted),
        ("Mock: Error: Incorrect API key provided: sk. (invalid_api_key)", None, NotWorking),
        ("The model 'gpt-9' is not available.", 500, ModelNotFound),
        ("OpenAI: The model `gpt-9` does not exist", 500, ModelNotFound),
        ("This model's maximum context length is 4097 tokens.", 500, ContextTooLong),
        ("Your request was rejected as a result of our safety system.", 500, ContentRefused),
        ("Mock: cURL error 56: Recv failure", None, ServiceFailed),
        ("", None, ServiceFailed),
        ("Genug für heute!", 403, InvalidRequest),
        ("Genug für heute!", 429, RateLimited),
    ],
)
def test_the_words_tell_what_went_wrong(message: str, status: int | None, kind: type[AdapterError]):
    assert kind_of(message, status) is kind


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 20s.", 20.0),
        ("try again in 1m30.5s", 90.5),
        ("Try again in 350ms", 0.35),
        ("try again in 2m", 120.0),
        ("try again in 0s", None),
        ("try again in a while", None),
        ("try again in 9999999999s", None),
        ("", None),
    ],
)
def test_the_words_tell_how_long_to_wait(message: str, seconds: float | None):
    assert wait_of(message) == seconds
