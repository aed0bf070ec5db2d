"""Options in OpenAI's words, and what goes out of them to Anthropic."""

from __future__ import annotations

from typing import Any, Final

import pytest

from adapters import ChatRequest, InvalidRequest
from adapters.anthropic.body import OPTIONS, Dialect, request_body
from adapters.anthropic.models import traits_of
from adapters.anthropic.tools import REPLY_TOOL

ASK: Final = [{"role": "user", "content": "hello"}]
TOOL: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells it.",
        "parameters": {"type": "object", "properties": {}},
    },
}
THEIRS: Final = {
    "name": "weather",
    "description": "Tells it.",
    "input_schema": {"type": "object", "properties": {}},
}
SCHEMA: Final = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
FORMAT: Final = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}}
OLD, NEW = "claude-3-5-sonnet-20241022", "claude-opus-4-7"
ALWAYS: Final = "claude-fable-5-1"
BUDGET: Final = {"type": "enabled", "budget_tokens": 2048}
SHOWN: Final = {"type": "adaptive", "display": "summarized"}


def body(model: str = "claude-sonnet-4-5", dialect: Dialect | None = None, **options: Any) -> dict[str, Any]:
    """Return what goes out of a request besides its messages."""
    request = ChatRequest.build(ASK, **options)
    made = request_body(request, model, dialect or Dialect("2023-06-01"), OPTIONS, "anthropic")
    assert made.pop("stream") is True
    assert made.pop("messages") == ASK
    assert made.pop("model") == model
    return made


def only(model: str = "claude-sonnet-4-5", dialect: Dialect | None = None, **options: Any) -> dict[str, Any]:
    """Return the same without the number of tokens."""
    made = body(model, dialect, **options)
    made.pop("max_tokens")
    return made


def with_effort(effort: str) -> dict[str, Any]:
    return {"thinking": SHOWN, "output_config": {"effort": effort}}


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-20250219", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-opus-4-1", 32_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", 64_000),
        ("anthropic/claude-sonnet-4.6", 128_000),
        ("claude-haiku-5-5", 128_000),
        ("claude-opus-5", 128_000),
        ("kimi-k3", 8192),
    ],
)
def test_the_most_tokens_follow_from_the_model(model: str, most: int) -> None:
    assert body(model) == {"max_tokens": most} | (
        {"thinking": SHOWN} if traits_of(model).thinking == "always" else {}
    )


def test_the_most_tokens_are_the_callers_then_the_settings() -> None:
    setting = Dialect("2023-06-01", max_tokens=77)

    assert body(dialect=setting) == {"max_tokens": 77}
    assert body(dialect=setting, max_tokens=5) == {"max_tokens": 5}
    assert body(max_tokens=5, max_completion_tokens=6) == {"max_tokens": 6}


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"temperature": 1.7}, {"temperature": 1}),
        ({"temperature": 0.3, "top_k": 5}, {"temperature": 0.3, "top_k": 5}),
        ({"temperature": 0.3, "top_p": 0.5}, {"temperature": 0.3}),
        ({"temperature": 0.3, "top_p": 0.5, "require": ["top_p"]}, {"top_p": 0.5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", " ", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"metadata": {"user_id": "u2", "x": "y"}}, {"metadata": {"user_id": "u2"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "flex"}, {}),
        ({"seed": 1, "frequency_penalty": 1.0}, {}),
        ({"extra": {"anthropic": {"container": "c", "messages": [], "stream": False}}}, {"container": "c"}),
    ],
)
def test_hints(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert only(**options) == sent


@pytest.mark.parametrize(
    ("model", "version"),
    [(NEW, "2023-06-01"), ("claude-sonnet-4-5", "2026-10-21"), ("kimi-k3", "2026-10-21")],
)
def test_sampling_is_left_out_where_it_is_refused_and_never_where_it_is_demanded(
    model: str, version: str
) -> None:
    dialect = Dialect(version)

    assert only(model, dialect, temperature=0.5, top_p=0.5, top_k=3) == {}
    with pytest.raises(InvalidRequest, match="takes no temperature here, which the request demands"):
        body(model, dialect, temperature=0.5, require=["temperature"])


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
            {"type": "tool", "name": "weather"},
        ),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_tools_and_their_choice(options: dict[str, Any], choice: dict[str, Any] | None) -> None:
    expected = {"tools": [THEIRS]} | ({} if choice is None else {"tool_choice": choice})

    assert only(tools=[TOOL], **options) == expected


def test_tools_in_anthropics_own_form_and_strict_ones() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    strict = {"type": "function", "function": {"name": "f", "strict": True}}

    assert only(tools=[search, strict])["tools"] == [
        search,
        {"name": "f", "input_schema": {"type": "object"}, "strict": True},
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
        {"tools": [TOOL], "tool_choice": "perhaps"},
        {"response_format": {"type": "grammar"}},
        {"response_format": {"type": "json_schema"}},
    ],
)
def test_demands_without_a_form_are_errors(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="Anthropic has no"):
        body(**options)


def test_a_schema_goes_natively_to_models_that_take_one() -> None:
    inner = {"type": "object", "properties": {}, "additionalProperties": False}
    closed = {"type": "object", "properties": {"a": inner}, "additionalProperties": False}

    assert only(response_format=FORMAT) == {
        "output_config": {"format": {"type": "json_schema", "schema": closed}}
    }
    assert only(NEW, response_format=FORMAT, reasoning_effort="low")["output_config"].keys() == {
        "format",
        "effort",
    }


@pytest.mark.parametrize("model", [OLD, "kimi-k3"])
def test_a_schema_is_the_input_of_a_tool_elsewhere(model: str) -> None:
    made = only(model, response_format=FORMAT)

    assert made["tool_choice"] == {"type": "tool", "name": REPLY_TOOL}
    assert [(tool["name"], tool["input_schema"]) for tool in made["tools"]] == [(REPLY_TOOL, SCHEMA)]


def test_json_without_a_schema_and_beside_tools() -> None:
    alone = only(response_format={"type": "json_object"})
    beside = only(response_format={"type": "json_object"}, tools=[TOOL])
    forced = only(OLD, Dialect("2023-06-01", structured_output="native"), response_format=FORMAT)

    assert alone["tools"][0]["input_schema"] == {"type": "object"}
    assert [tool["name"] for tool in beside["tools"]] == ["weather", REPLY_TOOL]
    assert beside["tool_choice"] == {"type": "any"}
    assert forced.keys() == {"output_config"}
    assert only(response_format={"type": "text"}) == {}


@pytest.mark.parametrize(
    ("model", "options", "sent"),
    [
        (OLD, {"reasoning_effort": "high"}, {}),
        ("claude-sonnet-4-5", {"reasoning_effort": "low"}, {"thinking": BUDGET}),
        ("claude-sonnet-4-5", {"reasoning_effort": "none"}, {}),
        ("claude-sonnet-4-5", {"reasoning_effort": "high", "max_tokens": 4096},
         {"thinking": BUDGET}),
        ("claude-sonnet-4-5", {"reasoning_effort": "high", "max_tokens": 1000}, {}),
        ("claude-sonnet-4-5", {"reasoning_effort": "low", "temperature": 0.5},
         {"thinking": BUDGET}),
        ("claude-sonnet-4-6", {"reasoning_effort": "high"}, with_effort("high")),
        (NEW, {"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
        (NEW, {"reasoning_effort": "xhigh"}, with_effort("xhigh")),
        (ALWAYS, {}, {"thinking": SHOWN}),
        ("claude-opus-5-5", {"reasoning_effort": "none"}, with_effort("low")),
    ],
)  # fmt: skip
def test_effort_becomes_thinking(model: str, options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert only(model, **options) == sent


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-sonnet-4-6", ALWAYS])
def test_thinking_gives_way_to_a_tool_that_is_demanded(model: str) -> None:
    assert "thinking" not in body(model, tools=[TOOL], tool_choice="required", reasoning_effort="high")
