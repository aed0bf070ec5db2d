"""A whole reply as a message of Anthropic. Pure.

What the API has no place for is left out: images and sounds that the model made, notes on the text, log
probabilities, further choices. A switch of providers is told in the extra field `chat_router`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.anthropic.history import INVALID_JSON
from router.gateway.dialects.events import object_or_none, switch_of
from router.gateway.dialects.messages.signatures import Origin, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.contract import Usage
    from router.gateway.asked import Asked
    from router.reply.transcript import Reply

_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_NATIVE: Final = "native_finish_reason"
_OWN: Final = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "pause_turn", "refusal", "model_context_window_exceeded"}
)
"""Reasons of Anthropic's own, which its adapter tells beside OpenAI's words."""


def message_of(asked: Asked, reply: Reply, request_id: str) -> dict[str, Any]:
    """Return a whole reply."""
    reason, sequence = stop_of(reply.finish_reason, reply.extra, calls=bool(reply.tool_calls))
    message = {
        **head_of(request_id, reply.model or asked.named),
        "content": _blocks(reply, request_id),
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage_of(reply.usage, reply.extra),
    }
    if reply.switches:
        message["chat_router"] = {"switches": [switch_of(switch) for switch in reply.switches]}
    return message


def head_of(request_id: str, model: str) -> dict[str, Any]:
    """Return what a message begins with."""
    return {"id": f"msg_{request_id}", "type": "message", "role": "assistant", "model": model}


def call_id(request_id: str, index: int) -> str:
    """Return the id of a call to which the provider gave none; ids have to stand once in a dialogue."""
    return f"toolu_{request_id}_{index}"


def _blocks(reply: Reply, request_id: str) -> list[dict[str, Any]]:
    """Return the content in the order in which it came, as far as the provider tells that."""
    text = reply.text if reply.final_text is None else reply.final_text
    calls = [
        {
            "type": "tool_use",
            "id": call.id or call_id(request_id, call.position),
            "name": call.name or "unknown",
            "input": input_of(call.arguments),
        }
        for call in reply.tool_calls
    ]
    thought = list(_thought(reply.beside.reasoning_details, reply.provider))
    blocks: list[dict[str, Any]] = []
    if reply.reasoning and not any("thinking" in block for block in thought):
        signature = written(Origin(reply.provider, field=reply.beside.reasoning_field or ""))
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": signature})
    at = 0
    for block in thought:
        if block["type"] == "text":
            piece = text[at : at + block["length"]] if reply.final_text is None else ""
            at += len(piece)
            blocks += [{"type": "text", "text": piece}] if piece else []
        elif block["type"] != "tool_use":
            blocks.append(block)
        elif calls:
            blocks.append(calls.pop(0))
    rest = text[at:]
    return [*blocks, *([{"type": "text", "text": rest}] if rest else []), *calls]


def _thought(details: Iterable[Mapping[str, Any]], provider: str) -> Iterable[dict[str, Any]]:
    """Yield the signed thinking of Anthropic, and where text and calls stood between."""
    for detail in details:
        kind = detail.get("type")
        if (kind == "text" and type(detail.get("length")) is int) or kind == "tool_use":
            yield dict(detail)
        elif (block := thinking_of(detail, provider)) is not None:
            yield block


def thinking_of(detail: Mapping[str, Any], provider: str) -> dict[str, Any] | None:
    """Return the block of thinking that a provider wants back; None where the detail is another one."""
    kind, name = detail.get("type"), "data"
    block: dict[str, Any] = {"type": kind}
    if kind == "thinking" and isinstance(thinking := detail.get("thinking"), str):
        block["thinking"], name = thinking, "signature"
    elif kind != "redacted_thinking":
        return None
    signature = detail.get(name)
    if not isinstance(signature, str) or not signature:
        return None
    return {**block, name: written(Origin(provider, signature=signature))}


def input_of(arguments: str) -> dict[str, Any]:
    """Return the arguments of a call as an object; what is none stands under `INVALID_JSON`."""
    if not arguments.strip():
        return {}
    value = object_or_none(arguments)
    return {INVALID_JSON: arguments} if value is None else value


def stop_of(given: str | None, extra: Mapping[str, Any], *, calls: bool) -> tuple[str, str | None]:
    """Return why a message ended, and the stop sequence that ended it, where the provider tells it.

    Args:
        given: In OpenAI's words; one that nobody knows is handed on as it is.
        extra: Beside the reply.
        calls: Whether there are tool calls.
    """
    native, sequence = extra.get(_NATIVE), extra.get("stop_sequence")
    reason = _REASONS.get(given, given) if given is not None else "tool_use" if calls else "end_turn"
    if given in _REASONS and isinstance(native, str) and native in _OWN:
        reason = native
    return reason, sequence if reason == "stop_sequence" and isinstance(sequence, str) else None


def usage_of(usage: Usage | None, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return token counts; what the provider did not count is 0, since the API demands numbers.

    Anthropic counts what was read from its cache and what was written to it apart from `input_tokens`.
    """
    prompt = completed = cached = 0
    if usage is not None:
        prompt, completed = usage.prompt_tokens or 0, usage.completion_tokens or 0
        cached = usage.cached_tokens or 0
    written_to = extra.get("cache_creation_input_tokens")
    created = written_to if type(written_to) is int else 0
    counts: dict[str, Any] = {
        "input_tokens": max(0, prompt - cached - created),
        "cache_creation_input_tokens": created,
        "cache_read_input_tokens": cached,
        "output_tokens": completed,
    }
    if usage is not None and usage.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counts
