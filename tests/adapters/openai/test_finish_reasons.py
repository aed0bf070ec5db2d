"""Finish reasons: sorted into few, in OpenAI's words, with the service's own beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.openai.finish_reasons import Ending, FinishReason, read_finish_reason
from tests.adapters.wire.documents import JSON

REASONS = [
    ("stop", Ending.STOP, "stop"),
    ("STOP", Ending.STOP, "stop"),
    ("end_turn", Ending.STOP, "stop"),
    ("stop_sequence", Ending.STOP, "stop"),
    ("COMPLETE", Ending.STOP, "stop"),
    ("eos_token", Ending.STOP, "stop"),
    ("eos", Ending.STOP, "stop"),
    ("FINISH_REASON_STOP", Ending.STOP, "stop"),
    ("REASON_STOP", Ending.STOP, "stop"),
    ("length", Ending.LENGTH, "length"),
    ("MAX_TOKENS", Ending.LENGTH, "length"),
    ("max_tokens", Ending.LENGTH, "length"),
    ("model_length", Ending.LENGTH, "length"),
    ("model_context_window_exceeded", Ending.LENGTH, "length"),
    ("ERROR_LIMIT", Ending.LENGTH, "length"),
    ("REASON_MAX_LEN", Ending.LENGTH, "length"),
    ("tool_calls", Ending.TOOLS, "tool_calls"),
    ("tool-calls", Ending.TOOLS, "tool_calls"),
    ("TOOL_CALL", Ending.TOOLS, "tool_calls"),
    ("tool_use", Ending.TOOLS, "tool_calls"),
    ("function_call", Ending.TOOLS, "function_call"),
    ("content_filter", Ending.REFUSED, "content_filter"),
    ("content-filter", Ending.REFUSED, "content_filter"),
    ("SAFETY", Ending.REFUSED, "content_filter"),
    ("sensitive", Ending.REFUSED, "content_filter"),
    ("RECITATION", Ending.REFUSED, "content_filter"),
    ("blocklist", Ending.REFUSED, "content_filter"),
    ("PROHIBITED_CONTENT", Ending.REFUSED, "content_filter"),
    ("SPII", Ending.REFUSED, "content_filter"),
    ("IMAGE_SAFETY", Ending.REFUSED, "content_filter"),
    ("guardrail_intervened", Ending.REFUSED, "content_filter"),
    ("refusal", Ending.REFUSED, "content_filter"),
    ("ERROR_TOXIC", Ending.REFUSED, "content_filter"),
    ("error", Ending.FAILED, "error"),
    ("ERROR", Ending.FAILED, "error"),
    ("abort", Ending.FAILED, "error"),
    ("network_error", Ending.FAILED, "error"),
    ("insufficient_system_resource", Ending.FAILED, "error"),
    ("MALFORMED_FUNCTION_CALL", Ending.FAILED, "error"),
    ("malformed_model_output", Ending.FAILED, "error"),
    ("UNEXPECTED_TOOL_CALL", Ending.FAILED, "error"),
    ("timeout", Ending.FAILED, "error"),
    ("USER_CANCEL", Ending.FAILED, "error"),
    ("TIME_LIMIT", Ending.FAILED, "error"),
    ("OTHER", Ending.UNKNOWN, "OTHER"),
    ("pause_turn", Ending.UNKNOWN, "pause_turn"),
    ("sunset", Ending.UNKNOWN, "sunset"),
]


@pytest.mark.parametrize(("reason", "ending", "word"), REASONS)
def test_a_reason_has_its_ending_and_openais_word(reason: str, ending: Ending, word: str) -> None:
    assert FinishReason(ending, word, reason) == read_finish_reason(reason)


@pytest.mark.parametrize(("reason", "ending", "word"), REASONS)
def test_case_and_separators_do_not_matter(reason: str, ending: Ending, word: str) -> None:
    for spelled in (
        reason.lower(),
        reason.upper(),
        reason.replace("_", "-"),
        reason.replace("_", " "),
        f" {reason} ",
    ):
        actual = read_finish_reason(spelled)

        assert actual is not None
        assert (ending, spelled.strip()) == (actual.ending, actual.native)
        assert ending is Ending.UNKNOWN or word == actual.word


@pytest.mark.parametrize(
    "reason",
    [None, "", " ", "null", "NULL", "none", "FINISH_REASON_UNSPECIFIED", "NOT_FINISHED", 0, 1, True, [], {}],
)
def test_what_says_nothing_is_no_reason(reason: object) -> None:
    assert read_finish_reason(reason) is None


def test_an_object_with_a_type_is_read_as_its_type() -> None:
    assert FinishReason(Ending.STOP, "stop", "stop") == read_finish_reason({"type": "stop", "matched": 2})
    assert FinishReason(Ending.FAILED, "error", "abort") == read_finish_reason(
        {"type": "abort", "message": "x"}
    )


def test_a_long_reason_is_cut() -> None:
    actual = read_finish_reason("x" * 1_000_000)

    assert actual is not None
    assert 100 == len(actual.native) == len(actual.word)


@given(reason=JSON | st.text())
def test_whatever_comes_is_read(reason: object) -> None:
    actual = read_finish_reason(reason)

    assert actual is None or (isinstance(actual.ending, Ending) and actual.word and actual.native)
