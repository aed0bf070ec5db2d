"""Tools, tool choice and the format of the reply, from OpenAI's form to Anthropic's. Pure.

Forms: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs. Where a model takes no schema for
its reply, and for `json_object`, the reply is the input of a tool that the model has to call: `REPLY_TOOL`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from adapters.contract.errors import InvalidRequest

__all__ = ["REPLY_TOOL", "StructuredOutput", "choice_of", "closed", "reply_schema", "reply_tool", "tools_of"]

StructuredOutput = Literal["auto", "native", "tool"]

REPLY_TOOL: Final = "json_reply"
"""The tool whose input is the reply."""
_OPEN: Final[Mapping[str, Any]] = {"type": "object"}
_NATIVE: Final = ("auto", "any", "none", "tool")
_DEEPEST: Final = 100


def tools_of(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the definitions of tools. One in Anthropic's own form (its server tools) is sent as it is.

    Raises:
        InvalidRequest: A tool is of a kind that Anthropic does not have.
    """
    return [_tool(tool) for tool in tools]


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        if tool.get("type") == "custom" and isinstance(tool.get("custom"), Mapping):
            raise InvalidRequest("Anthropic has no tools of OpenAI's type 'custom'; write it as a function")
        return dict(tool)
    function = tool["function"]
    made: dict[str, Any] = {"name": function["name"]}
    if function.get("description"):
        made["description"] = function["description"]
    made["input_schema"] = {**_OPEN, **(function.get("parameters") or {})}
    if function.get("strict") is True:
        made["strict"] = True
    if "cache_control" in tool:
        made["cache_control"] = tool["cache_control"]
    return made


def choice_of(choice: str | Mapping[str, Any] | None, *, parallel: bool | None) -> dict[str, Any] | None:
    """Return how tools are to be used, or None where that is left to the API.

    Args:
        choice: As of OpenAI, or in Anthropic's own form.
        parallel: False: one call at a time.

    Raises:
        InvalidRequest: The choice is of a kind that Anthropic does not have.
    """
    made = None if choice is None else _choice(choice)
    if parallel is False and (made is None or made["type"] != "none"):
        made = {**(made or {"type": "auto"}), "disable_parallel_tool_use": True}
    return made


def _choice(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(choice, str):
        kind = "any" if choice == "required" else choice
        if kind in ("auto", "any", "none"):
            return {"type": kind}
    elif choice.get("type") == "function" and isinstance(named := choice.get("function"), Mapping):
        return {"type": "tool", "name": named.get("name")}
    elif choice.get("type") in _NATIVE:
        return dict(choice)
    shown = choice if isinstance(choice, str) else choice.get("type")
    raise InvalidRequest(
        f"Anthropic has no tool_choice {str(shown)[:40]!r}; "
        "pass 'auto', 'none', 'required', or {'type': 'function', 'function': {'name': …}}"
    )


def reply_schema(response_format: Mapping[str, Any] | None) -> tuple[bool, dict[str, Any] | None]:
    """Return whether the reply has to be JSON, and its schema where it has one.

    Raises:
        InvalidRequest: The format is of a kind that Anthropic does not have.
    """
    kind = "text" if response_format is None else response_format.get("type")
    if response_format is None or kind == "text":
        return False, None
    if kind == "json_object":
        return True, None
    wrapped = response_format.get("json_schema")
    schema = wrapped.get("schema") if isinstance(wrapped, Mapping) else response_format.get("schema")
    if kind == "json_schema" and isinstance(schema, Mapping):
        return True, dict(schema)
    raise InvalidRequest(
        f"Anthropic has no response_format {str(kind)[:40]!r}; "
        "pass {'type': 'json_object'} or {'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}"
    )


def reply_tool(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the definition of the tool whose input is the reply."""
    return {
        "name": REPLY_TOOL,
        "description": "Give your reply with this tool. Its input is the reply.",
        "input_schema": {**_OPEN, **(schema or {})},
    }


def closed(schema: Any, depth: int = 0) -> Any:
    """Return a schema whose objects take no further properties unless they say so: the API demands it."""
    if depth > _DEEPEST:
        return schema
    if isinstance(schema, list):
        return [closed(item, depth + 1) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {name: closed(item, depth + 1) for name, item in schema.items()}
    if schema.get("type") == "object" and not isinstance(schema.get("properties", {}), Mapping):
        return made
    if schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made
