"""A whole reply as a response of OpenAI. Pure.

What the API has no place for is left out: images and sounds that the model made, log probabilities, further
choices. A switch of providers is told in the extra field `chat_router`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from router.gateway.dialects.events import switch_of
from router.gateway.dialects.responses.request import ECHO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.contract import Switch, Usage
    from router.gateway.asked import Asked
    from router.reply.transcript import Reply

_CUT: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response may be incomplete, by the reason why the reply ended."""


def response_of(asked: Asked, reply: Reply, request_id: str) -> dict[str, Any]:
    """Return a whole reply."""
    text = reply.text if reply.final_text is None else reply.final_text
    output: list[dict[str, Any]] = []
    status = status_of(reply.finish_reason)
    if reply.reasoning:
        output.append(reasoning_item(item_id("rs", request_id, 0), reply.reasoning))
    if text or not (reply.tool_calls or reply.reasoning):
        notes = annotations_of(reply.annotations)
        output.append(message_item(item_id("msg", request_id, len(output)), text, status, notes))
    for call in reply.tool_calls:
        identity = item_id("fc", request_id, len(output))
        named = call.id or call_id(request_id, call.position)
        output.append(call_item(identity, named, call.name or "unknown", call.arguments, "completed"))
    response = {**head_of(asked, request_id, reply.model), **ending_of(asked, reply.finish_reason)}
    response |= {"output": output, "usage": usage_of(reply.usage)}
    return told(response, reply.switches)


def told(response: dict[str, Any], switches: Sequence[Switch]) -> dict[str, Any]:
    """Return a response in which the switches of providers are told."""
    if not switches:
        return response
    return {**response, "chat_router": {"switches": [switch_of(switch) for switch in switches]}}


def head_of(asked: Asked, request_id: str, model: str | None) -> dict[str, Any]:
    """Return a response that has begun."""
    return {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": asked.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model or asked.named,
        "output": [],
        "previous_response_id": None,
        "store": False,
        "truncation": "disabled",
        "usage": None,
        **asked.own[ECHO],
    }


def status_of(finish_reason: str | None) -> str:
    """Return the status of a response whose reply ended."""
    return "incomplete" if finish_reason in _CUT else "completed"


def ending_of(asked: Asked, finish_reason: str | None) -> dict[str, Any]:
    """Return the fields of a response that change when its reply ends."""
    cut = _CUT.get(finish_reason or "")
    return {
        "status": status_of(finish_reason),
        "incomplete_details": None if cut is None else {"reason": cut},
    }


def item_id(kind: str, request_id: str, place: int) -> str:
    """Return the id of an item of the output."""
    return f"{kind}_{request_id}_{place}"


def call_id(request_id: str, index: int) -> str:
    """Return the id of a call to which the provider gave none; ids have to stand once in a dialogue."""
    return f"call_{request_id}_{index}"


def reasoning_item(identity: str, text: str) -> dict[str, Any]:
    """Return reasoning, as the summary in which clients look for it."""
    return {"id": identity, "type": "reasoning", "summary": [summary_part(text)], "status": "completed"}


def summary_part(text: str) -> dict[str, Any]:
    """Return a part of reasoning."""
    return {"type": "summary_text", "text": text}


def message_item(
    identity: str, text: str, status: str, annotations: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return a message of the assistant."""
    content = [text_part(text, annotations)]
    return {"id": identity, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str, annotations: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return a part of a message."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": [dict(note) for note in annotations],
        "logprobs": [],
    }


def call_item(identity: str, call: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    """Return a call of a function."""
    return {
        "id": identity,
        "type": "function_call",
        "call_id": call,
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def annotations_of(notes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the citations of web pages among the notes on the text; the API's clients know no others."""
    cited = []
    for note in notes:
        inner = note.get("url_citation")
        if (
            note.get("type") == "url_citation"
            and isinstance(inner, dict)
            and isinstance(inner.get("url"), str)
        ):
            cited.append({"title": "", "start_index": 0, "end_index": 0, **inner, "type": "url_citation"})
    return cited


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    """Return token counts, or None where the provider gave none; what it did not count is 0."""
    if usage is None:
        return None
    prompt, completed = usage.prompt_tokens or 0, usage.completion_tokens or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": 0},
        "output_tokens": completed,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": prompt + completed if usage.total_tokens is None else usage.total_tokens,
    }
