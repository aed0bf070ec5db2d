"""The body of a client's request to `/v1/responses`: what each field means for the chain.

    input, instructions                 messages
    max_output_tokens                   max_completion_tokens
    reasoning.effort                    reasoning_effort
    text.format, text.verbosity         response_format, verbosity
    tools (of type function)            tools
    tool_choice, parallel_tool_calls, temperature, top_p, metadata, user, prompt_cache_key, service_tier
                                        the options of the same names
    safety_identifier                   user, where there is none

Fields as the official client sends them (openai 3.57, `types/responses/response_create_params.py`). The chain
keeps nothing between requests, so what refers to something kept is refused. Whatever is not in this list is
dropped or refused by its name; the tables below say why.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.message import json_copy
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
from router.gateway.dialects.responses.history import history_of
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.gateway.names import Names

_SAME: Final = ("metadata", "parallel_tool_calls", "prompt_cache_key", "service_tier", "temperature", "top_p")
_DROPPED: Final = frozenset({
    "access_programs",  # of OpenAI's own accounts
    "background_options",
    "include",  # asks for details of OpenAI's own tools, and for reasoning to be sent back, which is not used
    "max_tool_calls",  # a limit of OpenAI's own tools
    "moderation",  # of OpenAI's own watch
    "prompt_cache_options",  # of OpenAI's own cache
    "prompt_cache_retention",
    "stream_options",  # obfuscation against listeners; a stream always tells its usage
})  # fmt: skip
_NOTHING_KEPT: Final = "it keeps nothing between requests"
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "background": f"{_NOTHING_KEPT}; leave it out, and read the stream",
        "context_management": "it does not shorten a dialogue; shorten the input yourself",
        "conversation": f"{_NOTHING_KEPT}; send the whole dialogue as input",
        "image": "it has no tools of its own; leave it out",
        "previous_response_id": f"{_NOTHING_KEPT}; send the whole dialogue as input",
        "prompt": f"{_NOTHING_KEPT}; send the text itself as instructions and input",
        "store": f"{_NOTHING_KEPT}; leave it out, or send false",
        "top_logprobs": "it hands log probabilities on at /v1/chat/completions alone",
        "truncation": "it does not shorten a dialogue; leave it out, or send 'disabled'",
    }
)
_WITHOUT_EFFECT: Final[Mapping[str, Any]] = MappingProxyType(
    {"background": False, "store": False, "top_logprobs": 0, "truncation": "disabled"}
)
"""Values that ask for what the gateway does anyway."""
_OF_REASONING: Final = frozenset({
    "context", "generate_summary", "mode", "summary"
})  # what a provider shows of its reasoning is handed on anyway  # fmt: skip
ECHO: Final = "echo"
"""In `Asked.own`: the fields that a response repeats, as the client sent them."""
_ECHOED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "reasoning": None,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "user": None,
    }
)


def asked_of(body: bytes, names: Names) -> Asked:
    """Return what the body of a request asks for.

    Raises:
        Refused: It cannot be taken; the failure names the field.
    """
    fields = object_of(body)
    echo = {name: default if fields.get(name) is None else fields[name] for name, default in _ECHOED.items()}
    try:
        echo = json_copy(echo, "the request")
    except (TypeError, ValueError) as error:
        raise refused(str(error)) from None
    named = fields.pop("model", None)
    model, providers = names.meaning(named)
    streams = flag_of(fields, "stream")
    messages = history_of(fields.pop("input", None), fields.pop("instructions", None))
    options = _options(fields)
    return Asked(messages, named, model, providers, options, streams=streams, counts=True, own={ECHO: echo})


def _options(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request; the values that are only handed on are the router's to check."""
    options = {name: fields.pop(name) for name in _SAME if fields.get(name) is not None}
    if (most := fields.pop("max_output_tokens", None)) is not None:
        options["max_completion_tokens"] = most
    user, safe = fields.pop("user", None), fields.pop("safety_identifier", None)
    if (user := safe if user is None else user) is not None:
        options["user"] = user
    if (tools := fields.pop("tools", None)) is not None:
        each = objects_at(tools, "tools")
        options["tools"] = [_tool(tool, f"tools.{place}") for place, tool in enumerate(each)]
    if (choice := fields.pop("tool_choice", None)) is not None:
        options["tool_choice"] = _choice(choice)
    options |= _reasoning(fields.pop("reasoning", None))
    options |= _text(fields.pop("text", None))
    for name, value in _WITHOUT_EFFECT.items():
        if name in fields and type(fields[name]) is type(value) and fields[name] == value:
            del fields[name]
    check_rest(fields, _DROPPED, _REASONS)
    return options


def _tool(given: dict[str, Any], where: str) -> dict[str, Any]:
    kind = given.get("type")
    if kind != "function":
        raise unknown_kind(kind, where, ("function",), ": the gateway has no tools of its own")
    function: dict[str, Any] = {"name": text_at(given.get("name"), f"{where}.name")}
    for name in ("description", "parameters", "strict"):
        if given.get(name) is not None:
            function[name] = given[name]
    if "parameters" in function:
        object_at(function["parameters"], f"{where}.parameters")
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Any:
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise refused("tool_choice must be auto, none, required or a function", param="tool_choice")
        return choice
    kind = object_at(choice, "tool_choice").get("type")
    if kind != "function":
        raise unknown_kind(kind, "tool_choice", ("function",), "; or send auto, none or required")
    return {"type": "function", "function": {"name": text_at(choice.get("name"), "tool_choice.name")}}


def _reasoning(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    reasoning = dict(object_at(given, "reasoning"))
    effort = reasoning.pop("effort", None)
    check_rest(reasoning, _OF_REASONING, {})
    return {} if effort is None else {"reasoning_effort": effort}


def _text(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    text = dict(object_at(given, "text"))
    options: dict[str, Any] = {}
    if (verbosity := text.pop("verbosity", None)) is not None:
        options["verbosity"] = verbosity
    if (form := text.pop("format", None)) is not None:
        kind = object_at(form, "text.format").get("type")
        if kind == "json_schema":
            object_at(form.get("schema"), "text.format.schema")
            wrapped = {name: value for name, value in form.items() if name != "type" and value is not None}
            wrapped["name"] = text_at(form.get("name"), "text.format.name")
            options["response_format"] = {"type": kind, kind: wrapped}
        elif kind == "json_object":
            options["response_format"] = {"type": kind}
        elif kind != "text":
            raise unknown_kind(kind, "text.format", ("json_object", "json_schema", "text"))
    check_rest(text, (), {})
    return options
