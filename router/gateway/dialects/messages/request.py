"""The body of a client's request to `/v1/messages`: what each field means for the chain.

    max_tokens, temperature, top_p, top_k   the options of the same names
    stop_sequences                          stop
    metadata.user_id                        user
    service_tier                            service_tier; `standard_only` is OpenAI's `default`
    tools, tool_choice                      tools, tool_choice, parallel_tool_calls
    output_config.format                    response_format
    output_config.effort                    reasoning_effort
    thinking                                enabled: reasoning_effort by its budget, where no effort is given;
                                            adaptive, disabled: nothing, each provider decides
    cache_control                           see `router.gateway.dialects.messages.marks`

Fields as the official client sends them (anthropic 2.14, `types/message_create_params.py`). Whatever is not
in this list is dropped or refused by its name; the tables below say why.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from router.gateway.asked import Asked
from router.gateway.dialects.fields import (
    check_rest,
    flag_of,
    object_at,
    object_of,
    objects_at,
    text_at,
    unknown_kind,
)
from router.gateway.dialects.messages.history import history_of
from router.gateway.dialects.messages.marks import MARK, mark_of
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.gateway.names import Names

_SAME: Final = ("max_tokens", "temperature", "top_p", "top_k", "service_tier")
_DROPPED: Final = frozenset({
    "context_management",  # saves tokens by leaving old results out; the whole dialogue is sent instead
    "diagnostics",  # asks for a report on Anthropic's cache
    "inference_geo",  # of Anthropic's own machines
    "speed",  # a price class of Anthropic's own
    "user_profile_id",  # marks of Anthropic's own accounts
    "workspace_id",
})  # fmt: skip
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "container": "it runs no code; leave it out",
        "mcp_servers": "it calls no servers; offer their tools in tools, and call them in the client",
        "prefill": "end messages with the beginning of the answer, as a message of the assistant",
        "output_format": "pass the same as output_config.format",
        "betas": "they belong into the header anthropic-beta, which has no effect here",
    }
)
_OF_TOOLS: Final = frozenset({"cache_control", "eager_input_streaming", "input_examples", "allowed_callers"})
"""What of a tool's definition is dropped: hints for Anthropic's cache and for its own tools."""
_NOT_MARKED: Final = _OF_TOOLS - {MARK}
_BUDGETS: Final = ((4096, "low"), (16_384, "medium"))
"""Tokens of thinking below which an effort is meant; from the last on it is `high`."""


def asked_of(body: bytes, names: Names) -> Asked:
    """Return what the body of a request asks for.

    Raises:
        Refused: It cannot be taken; the failure names the field.
    """
    fields = object_of(body)
    named = fields.pop("model", None)
    model, providers = names.meaning(named)
    streams = flag_of(fields, "stream")
    messages = history_of(fields.pop("messages", None), fields.pop("system", None), names)
    marked = _marked(fields)
    options = _options(fields)
    extra = dict.fromkeys(names.caching, marked) if marked else {}
    return Asked(messages, named, model, providers, options, streams=streams, counts=True, extra=extra)


def tokens_are_not_counted(body: bytes, names: Names) -> Asked:
    """Refuse to count the tokens of a request: each model of a chain counts in its own way.

    Raises:
        Refused: Always.
    """
    raise refused(
        "the gateway does not count tokens: each provider of the chain would count others; "
        "read the usage of a reply, or count in the client",
        status=404,
        code="not_found",
    )


def _marked(fields: dict[str, Any]) -> dict[str, Any]:
    """Take out of `fields` what a provider is sent as it is that takes marks of what is to be cached.

    Raises:
        Refused: A mark is no object.
    """
    marked = mark_of(fields, "")
    fields.pop(MARK, None)
    tools, config = fields.get("tools"), fields.get("output_config")
    formed = isinstance(config, dict) and config.get("format") is not None
    if isinstance(tools, list) and not formed:  # else its adapter may need a tool of its own
        each = [tool for tool in tools if isinstance(tool, dict)]
        marks = [mark_of(tool, f"tools.{place}.") for place, tool in enumerate(each)]
        if any(marks):
            marked["tools"] = [{k: v for k, v in tool.items() if k not in _NOT_MARKED} for tool in each]
    return marked


def _options(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request; the values that are only handed on are the router's to check."""
    options = {name: fields.pop(name) for name in _SAME if fields.get(name) is not None}
    if "max_tokens" not in options:
        raise refused("max_tokens is missing: the most tokens of the reply", param="max_tokens")
    if options.get("service_tier") == "standard_only":
        options["service_tier"] = "default"
    if (stop := fields.pop("stop_sequences", None)) is not None:
        options["stop"] = stop
    if (metadata := fields.pop("metadata", None)) is not None:
        user = object_at(metadata, "metadata").get("user_id")
        if user is not None:
            options["user"] = user
    options |= _tools(fields.pop("tools", None), fields.pop("tool_choice", None))
    options |= _thinking(fields.pop("thinking", None))
    options |= _output(fields.pop("output_config", None))
    check_rest(fields, _DROPPED, _REASONS)
    return options


def _tools(tools: Any, choice: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if tools is not None:
        each = objects_at(tools, "tools")
        options["tools"] = [_tool(tool, f"tools.{place}") for place, tool in enumerate(each)]
    if choice is None:
        return options
    choice = object_at(choice, "tool_choice")
    kind = choice.get("type")
    if kind == "tool":
        name = text_at(choice.get("name"), "tool_choice.name")
        options["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif kind in ("auto", "any", "none"):
        options["tool_choice"] = "required" if kind == "any" else kind
    else:
        raise unknown_kind(kind, "tool_choice", ("any", "auto", "none", "tool"))
    alone = choice.get("disable_parallel_tool_use")
    if alone is not None and not isinstance(alone, bool):
        where = "tool_choice.disable_parallel_tool_use"
        raise refused(f"{where} must be true or false", param=where)
    if alone:
        options["parallel_tool_calls"] = False
    return options


def _tool(given: dict[str, Any], where: str) -> dict[str, Any]:
    tool = dict(given)
    kind = tool.pop("type", None)
    if kind is not None and kind != "custom":
        raise unknown_kind(kind, where, ("custom",), ": tools that the client calls, with their input_schema")
    function: dict[str, Any] = {"name": text_at(tool.pop("name", None), f"{where}.name")}
    if (description := tool.pop("description", None)) is not None:
        function["description"] = text_at(description, f"{where}.description")
    function["parameters"] = object_at(tool.pop("input_schema", None), f"{where}.input_schema")
    if (strict := tool.pop("strict", None)) is not None:
        function["strict"] = strict
    if tool.pop("defer_loading", None):
        raise refused(
            f"{where}.defer_loading needs a search for tools, which the gateway does not have; leave it out",
            param=f"{where}.defer_loading",
        )
    check_rest(tool, _OF_TOOLS, {})
    return {"type": "function", "function": function}


def _thinking(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    kind = object_at(given, "thinking").get("type")
    if kind != "enabled":
        if kind in ("adaptive", "disabled", "between_tools"):
            return {}
        raise unknown_kind(kind, "thinking", ("adaptive", "between_tools", "disabled", "enabled"))
    budget = given.get("budget_tokens")
    if type(budget) is not int or budget < 1:
        raise refused(
            "thinking.budget_tokens must be a positive whole number", param="thinking.budget_tokens"
        )
    return {"reasoning_effort": next((word for most, word in _BUDGETS if budget < most), "high")}


def _output(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    config = dict(object_at(given, "output_config"))
    options: dict[str, Any] = {}
    if (effort := config.pop("effort", None)) is not None:
        options["reasoning_effort"] = effort
    if (form := config.pop("format", None)) is not None:
        kind = object_at(form, "output_config.format").get("type")
        if kind != "json_schema":
            raise unknown_kind(kind, "output_config.format", ("json_schema",))
        schema = object_at(form.get("schema"), "output_config.format.schema")
        wrapped = {"name": "reply", "schema": schema}
        options["response_format"] = {"type": "json_schema", "json_schema": wrapped}
    check_rest(config, ("task_budget",), {})  # a hint of a beta, for Anthropic's own models
    return options
