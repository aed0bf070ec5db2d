"""The shapes of tools and of tool calls, checked before anybody is asked. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.contract.reader import reader

_TOOL: Final = "{'type': 'function', 'function': {'name': 'weather', 'parameters': {'type': 'object'}}}"
_CALL: Final = "{'id': 'call_1', 'type': 'function', 'function': {'name': 'weather', 'arguments': '{}'}}"

_MOST_IDS: Final = 5
"""Ids of calls that an error shows: the newest."""
_LONGEST_ID: Final = 60
"""Characters of each."""


def check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    """Check the shape of tool definitions. Kinds that only some services know are left to them.

    Raises:
        ValueError: One has no `type`, or a function or custom tool has no name.
    """
    for place, tool in enumerate(tools):
        kind = tool.get("type")
        if not isinstance(kind, str) or not kind:
            raise ValueError(f"option 'tools' has a tool {place} without 'type'; write it as {_TOOL}")
        if kind in ("function", "custom") and not _named(tool.get(kind)):
            raise ValueError(
                f"option 'tools' has a tool {place} of type {kind!r} without a name in {kind!r}; "
                f"write it as {_TOOL.replace('function', kind) if kind == 'custom' else _TOOL}"
            )


def check_tool_choice(choice: str | Mapping[str, Any]) -> None:
    """Check the shape of a tool choice.

    Raises:
        ValueError: It is an empty text, or a mapping without `type`.
    """
    if isinstance(choice, str) and choice:
        return
    if isinstance(choice, Mapping) and isinstance(choice.get("type"), str):
        return
    raise ValueError(
        "option 'tool_choice' names no choice; pass 'auto', 'none', 'required', or "
        "{'type': 'function', 'function': {'name': 'weather'}}"
    )


def check_tool_calls(calls: Any, where: str) -> None:
    """Check the shape of the tool calls of an assistant's message.

    Args:
        calls: The value of `tool_calls`.
        where: What to call the message in an error.

    Raises:
        TypeError: It is no list of mappings, or the arguments of a call are not text.
        ValueError: A call of a function has no name.
    """
    if calls is None:
        return
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise TypeError(f"{where} has tool_calls that are no list of mappings; write each as {_CALL}")
    for place, call in enumerate(calls):
        function = call.get("function")
        if function is None and call.get("type", "function") != "function":
            continue  # a kind of call that only some services know
        if not _named(function):
            raise ValueError(f"{where} has a tool call {place} without a name; write it as {_CALL}")
        if not isinstance(function.get("arguments", ""), str):
            raise TypeError(
                f"{where} has a tool call {place} whose 'arguments' are not text; "
                f"pass the JSON text{reader().in_code(': json.dumps(arguments)')}"
            )


def check_results(messages: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Check that each tool's result belongs to a call of a message before it, since services refuse others.

    OpenAI, DeepSeek and Qwen answer 400: "messages with role 'tool' must be a response to a preceding message
    with 'tool_calls'" (github.com/run-llama/llama_index/issues/10493, .../QwenLM/qwen-code/issues/2360).

    A call without a result is left to the services. Most answer 400: OpenAI and Anthropic, Qwen
    (github.com/QwenLM/qwen-code/issues/606), DeepSeek (.../langgenius/dify/issues/32222), Moonshot
    (.../MoonshotAI/kimi-cli/issues/2405), Gemini (.../microsoft/vscode/issues/299295), Mistral
    (.../partITech/php-mistral/issues/57). llama.cpp's server takes it: `tests/servers/test_llama_cpp.py`.

    Args:
        messages: The role of each, and its further fields.

    Raises:
        ValueError: A result names a call that no message before it has.
    """
    ids: dict[str, None] = {}
    for number, (role, fields) in enumerate(messages):
        for call in fields.get("tool_calls") or () if role == "assistant" else ():
            if not call.get("id"):
                return  # a service that gives no ids: which call is meant cannot be told
            ids[str(call["id"])] = None
        if role == "tool" and fields["tool_call_id"] not in ids:
            there = ", ".join(_shown(each) for each in list(ids)[-_MOST_IDS:])
            known = f"the ids there are: {there}" if ids else "there are no tool calls"
            raise ValueError(
                f"messages[{number}] is the result of the tool call {_shown(fields['tool_call_id'])}, "
                f"which no message before it has ({known}); put the assistant's message with the call"
                f"{reader().in_code(' (reply.message)')} before the result, also where you cut a history, "
                "or correct the id"
            )


def _shown(identifier: str) -> str:
    return repr(identifier if len(identifier) <= _LONGEST_ID else f"{identifier[:_LONGEST_ID]}…")


def _named(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str) and bool(value["name"])
