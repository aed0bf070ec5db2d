"""What each field of a request to `/v1/messages` means for the chain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.contract.options import checked_options
from router.gateway.dialects.messages import MESSAGES
from router.gateway.failure import Refused
from router.gateway.names import Names

BASE: dict[str, Any] = {"model": "auto", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def asked(**fields: Any) -> Any:
    return MESSAGES.asked(json.dumps({**BASE, **fields}).encode(), Names(["first"]))


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"temperature": 1, "top_p": 0.5, "top_k": 3}, {"temperature": 1, "top_p": 0.5, "top_k": 3}),
        ({"stop_sequences": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"metadata": {}}, {}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "adaptive"}}, {}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning_effort": "max"}),
        ({"tools": [TOOL]}, {"tools": [FUNCTION]}),
        ({"tools": [{**TOOL, "type": "custom", "cache_control": {}}]}, {"tools": [FUNCTION]}),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, {"tools": [FUNCTION], "tool_choice": "required"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
        (
            {"tool_choice": {"type": "tool", "name": "look"}},
            {"tool_choice": {"type": "function", "function": {"name": "look"}}},
        ),
        ({"speed": "fast", "cache_control": {"type": "ephemeral"}, "context_management": {}}, {}),
    ],
)  # fmt: skip
def test_fields_become_options(fields: dict[str, Any], options: dict[str, Any]) -> None:
    made = asked(**fields).options
    assert made == {"max_tokens": 10, **options}
    checked_options(made)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"container": "c"}, "container"),
        ({"prefill": "x"}, "prefill"),
        ({"what": 1}, "what"),
        ({"system": [{"type": "image"}]}, "system.0"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools.0"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools.0.defer_loading"),
        ({"tools": [{"name": "look"}]}, "tools.0.input_schema"),
        ({"tool_choice": {"type": "sometimes"}}, "tool_choice"),
        ({"thinking": {"type": "hard"}}, "thinking"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
            "messages.0.content.0.source",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]},
            "messages.0.content.0",
        ),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_fields_that_are_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as raised:
        asked(**fields)
    assert raised.value.failure.param == param
    assert raised.value.failure.status == 400
    assert param.partition(".")[0] in raised.value.failure.message


def test_thinking_of_nobody_in_the_chain_is_left_out() -> None:
    thinking = [
        {"type": "thinking", "thinking": "Hm", "signature": signature}
        for signature in ("", "c2ln", "gone:sig:c2ln", "first:sig:", "first:as:tool_calls")
    ]
    content = [*thinking, {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "Hi"}]
    message = asked(messages=[*BASE["messages"], {"role": "assistant", "content": content}]).messages[1]
    assert message == {"role": "assistant", "content": "Hi"}


def test_documents_become_files_and_text() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    content = [
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "more"}]}},
    ]
    (message,) = asked(messages=[{"role": "user", "content": content}]).messages
    assert message["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
        {"type": "text", "text": "words"},
        {"type": "text", "text": "more"},
    ]
