"""The body of a client's request for a chat completion: what each field means for the chain.

Fields as the official client sends them (openai 3.57, `resources/chat/completions`). A field is an option of
the request (a hint or a demand, as `adapters.ChatOptions` says), or a matter of this gateway, or of no use to
any chain and dropped, or refused by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.contract import OPTIONS
from adapters.contract.message import nearest
from router.gateway.asked import Asked
from router.gateway.dialects.fields import flag_of, object_of
from router.gateway.failure import refused

if TYPE_CHECKING:
    from router.gateway.names import Names

_DROPPED: Final = frozenset(
    {"safety_identifier", "prompt_cache_retention", "prompt_cache_options", "moderation"}
)
"""What only OpenAI itself can use: marks of its own abuse watch and of its cache."""
_OF_STREAMS: Final = frozenset({"include_usage", "include_obfuscation"})
OLD_FUNCTIONS: Final = "functions"
"""In `Asked.own`: the client used the old `functions`, so it gets `function_call` back."""


def asked_of(body: bytes, names: Names) -> Asked:
    """Return what the body of a request asks for.

    Raises:
        Refused: It cannot be taken; the failure names the field.
    """
    fields = object_of(body)
    messages = fields.pop("messages", None)
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise refused("messages must be an array of objects with role and content", param="messages")
    named = fields.pop("model", None)
    model, providers = names.meaning(named)
    streams = flag_of(fields, "stream")
    counts = _counts(fields.pop("stream_options", None), streams=streams)
    own = {OLD_FUNCTIONS: True} if _take_old_functions(fields) else {}
    return Asked(messages, named, model, providers, _options(fields), (), streams, counts, own=own)


def _counts(given: Any, *, streams: bool) -> bool:
    if given is None:
        return False
    if not streams:
        raise refused("stream_options is only for stream: true; leave it out", param="stream_options")
    if not isinstance(given, dict) or not given.keys() <= _OF_STREAMS:
        raise refused(
            f"stream_options must be an object with {' or '.join(sorted(_OF_STREAMS))}",
            param="stream_options",
        )
    return bool(given.get("include_usage"))


def _options(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request; their values are the router's to check."""
    options = {}
    for name, value in fields.items():
        if value is None or name in _DROPPED:
            continue
        if name not in OPTIONS:
            raise refused(
                f"the gateway does not know the field {name[:100]!r}{nearest(name, OPTIONS)}; leave it out",
                param=name[:100],
                code="unknown_parameter",
            )
        options[name] = value
    user = fields.get("safety_identifier")
    if isinstance(user, str) and "user" not in options:
        options["user"] = user
    return options


def _take_old_functions(fields: dict[str, Any]) -> bool:
    """Turn `functions` and `function_call`, the form before tools, into tools; whether they were there."""
    functions, choice = fields.pop("functions", None), fields.pop("function_call", None)
    if functions is None:
        return False
    if not isinstance(functions, list):
        raise refused("functions must be an array", param="functions")
    if "tools" in fields:
        raise refused("functions and tools exclude each other; send tools alone", param="functions")
    fields["tools"] = [{"type": "function", "function": function} for function in functions]
    if isinstance(choice, dict):
        choice = {"type": "function", "function": choice}
    if choice is not None:
        fields["tool_choice"] = choice
    fields["parallel_tool_calls"] = False  # the old form has room for one call
    return True
