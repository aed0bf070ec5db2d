"""The numbers in the sentences with which services refuse a request as too long."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import ContextTooLong
from adapters.wire.vendor.context_limit import context_sizes
from adapters.wire.vendor.errors import error_from

BODIES = Path(__file__).parent / "vendor_bodies.jsonl"
REFUSALS = [
    row["body"]
    for row in map(json.loads, BODIES.read_text(encoding="utf-8").splitlines())
    if row["kind"] == "ContextTooLong"
]


@pytest.mark.parametrize(
    ("text", "limit", "counted"),
    [
        (
            "This model's maximum context length is 4097 tokens. However, you requested 4120 tokens "
            "(3120 in the messages, 1000 in the completion).",
            4097,
            3120,
        ),
        ("prompt is too long: 345320 tokens > 199999 maximum", 199999, 345320),
        ("The input token count (2551) exceeds the maximum number of tokens allowed (1,048).", 1048, 2551),
        ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 32768, 40000),
        ("request (6018 tokens) exceeds the available context size (512 tokens)", 512, 6018),
        ("`inputs` must have less than 2048 tokens. Given: 2222", 2048, 2222),
        ("n_keep: 13055>= n_ctx: 4096", 4096, 13055),
        ("Request too large on tokens per min (TPM): Limit 30000, Requested 342389.", 30000, 342389),
        ("too large on tokens per minute (TPM): Limit 6000, Used 1,000, Requested 9,500, or", 6000, 9500),
        ("string too long. Expected a string with maximum length 1048576", None, None),
        ("the context size has been exceeded", None, None),
    ],
)
def test_what_a_sentence_says(text, limit, counted):
    assert (limit, counted) == context_sizes({"error": {"message": text}})[:2]


@pytest.mark.parametrize(
    ("text", "per_minute"),
    [
        ("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45000.", True),
        ("prompt is too long: 345320 tokens > 199999 maximum", False),
    ],
)
def test_what_an_account_may_send_in_a_minute_is_told_apart_from_what_a_model_takes(text, per_minute):
    error = error_from({"error": {"message": text, "code": "context_length_exceeded"}}, 429)

    assert isinstance(error, ContextTooLong)
    assert per_minute is error.per_minute


def test_numbers_in_fields_of_their_own_go_first():
    body = {"error": {"message": "too long", "n_prompt_tokens": 6018, "n_ctx": 512}}

    error = error_from({"error": {**body["error"], "type": "exceed_context_size_error"}}, 400)

    assert (512, 6018) == context_sizes(body)[:2]
    assert isinstance(error, ContextTooLong)
    assert (512, 6018) == (error.limit, error.tokens)


def test_of_the_known_refusals_most_say_their_limit_and_none_less_than_it_can_be():
    found = [context_sizes(body) for body in REFUSALS]

    limits = [sizes.limit for sizes in found if sizes.limit is not None]
    assert len(limits) * 2 > len(REFUSALS)
    assert min(limits) >= 512
    assert all(sizes.counted is None or sizes.counted >= 500 for sizes in found)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["error", "message", "n_ctx", "n_prompt_tokens"]), inner)))  # fmt: skip
def test_it_never_raises(body):
    context_sizes(body)
