"""A dialogue in OpenAI's form as Anthropic's `system` and `messages`. Pure.

    system, developer        all of them, in their order, in `system`
    user                     user
    assistant                assistant; its tool calls become tool_use blocks
    tool, function           a tool_result block in a user message
    two of one role          one message: the roles take turns

What only Anthropic wants of its own replies (thinking with its signatures, the blocks of its own tools, and
where they stood) comes back in `reasoning_details`; `placed` puts it where it was. Rules of the protocol:
https://platform.claude.com/docs/en/api/messages/create and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls (results stand first in their
message, an id stands once).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.anthropic.call_ids import CallIds
from adapters.anthropic.parts import blocks_of
from adapters.contract.errors import InvalidRequest
from adapters.wire.json import encode

if TYPE_CHECKING:
    from adapters.contract import Message

__all__ = ["INVALID_JSON", "History", "history_of"]

INVALID_JSON: Final = "INVALID_JSON"
"""The key under which arguments are sent that are no JSON object, as Anthropic's documentation has it."""
_SYSTEM: Final = ("system", "developer")
_PLACES: Final = frozenset({"text", "tool_use"})
_MARK: Final = "cache_control"
_OF_OTHERS: Final = "reasoning."  # how OpenRouter's kinds of reasoning begin


class History(NamedTuple):
    """A dialogue in Anthropic's form.

    Attributes:
        system: The blocks of all system messages.
        messages: The others, in turns.
        tools: The names of all tools that were called in it.
    """

    system: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    tools: tuple[str, ...]


def history_of(messages: Sequence[Message], provider: str | None = None) -> History:
    """Return a dialogue in Anthropic's form.

    Args:
        messages: In OpenAI's form; not changed.
        provider: Who is asked: it gets back what it alone wants of its own replies.

    Raises:
        InvalidRequest: A part is of a kind that Anthropic does not take.
    """
    sent = [message.as_sent(provider) for message in messages]
    ids = CallIds([str(call.get("id") or "") for message in sent for call in _calls(message)])
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    tools: dict[str, None] = {}
    for message in sent:
        role = message["role"]
        if role in _SYSTEM:
            system += blocks_of(message["content"])
            continue
        if role == "assistant":
            blocks = _of_assistant(message, ids)
            tools |= dict.fromkeys(block["name"] for block in blocks if block.get("type") == "tool_use")
        else:
            role, blocks = "user", _of_user(message, ids)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns and system:  # somebody has to speak
        turns = [{"role": "user", "content": [system.pop()]}]
    for turn in turns:
        _tidy(turn, last=turn is turns[-1])
    return History(system, turns, tuple(tools))


def _calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tool calls of a message; the old form is one without an id."""
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        return [call for call in calls if isinstance(call, Mapping)]
    old = message.get("function_call")
    return [{"function": old}] if isinstance(old, Mapping) and message["role"] == "assistant" else []


def _of_user(message: Mapping[str, Any], ids: CallIds) -> list[dict[str, Any]]:
    if message["role"] not in ("tool", "function"):
        return blocks_of(message["content"])
    content: Any = message["content"]
    if not isinstance(content, str):
        content = blocks_of(content)
    result: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": ids.of_result(message.get("tool_call_id")),
    }
    if content:
        result["content"] = content
    if message.get("is_error") is True:
        result["is_error"] = True
    return [{**result, **_mark(message)}]


def _mark(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mark of what is to be cached, where there is one."""
    return {_MARK: given[_MARK]} if _MARK in given else {}


def _of_assistant(message: Mapping[str, Any], ids: CallIds) -> list[dict[str, Any]]:
    blocks = blocks_of(message["content"])
    calls = [_tool_use(call, ids) for call in _calls(message)]
    details = message.get("reasoning_details")
    if not isinstance(details, list):
        return blocks + calls
    own = [dict(detail) for detail in details if isinstance(detail, Mapping) and _is_ours(detail)]
    return _placed(own, blocks, calls)


def _is_ours(detail: Mapping[str, Any]) -> bool:
    kind = detail.get("type")
    if kind == "thinking":  # one without a signature is somebody else's
        return bool(detail.get("signature"))
    return isinstance(kind, str) and not kind.startswith(_OF_OTHERS)


def _placed(
    details: list[dict[str, Any]], blocks: list[dict[str, Any]], calls: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return all blocks in the order in which they came.

    Details say where text and calls stood between them: `{"type": "text", "length"}` and
    `{"type": "tool_use"}`. Where the text is not the one that came, it stands behind the thinking.
    """
    texts = [block for block in blocks if block["type"] == "text"]
    text = "".join(block["text"] for block in texts)
    lengths = [detail.get("length") for detail in details if detail["type"] == "text"]
    known = sum(length for length in lengths if type(length) is int and length > 0)
    if len(texts) != len(blocks) or len(texts) > 1 or known > len(text):
        own = [detail for detail in details if detail["type"] not in _PLACES]
        return own + blocks + calls
    ordered: list[dict[str, Any]] = []
    waiting, at = list(calls), 0
    for detail in details:
        if detail["type"] == "text":
            length = detail.get("length")
            piece = text[at : at + length] if type(length) is int and length > 0 else ""
            at += len(piece)
            ordered += blocks_of(piece)
        elif detail["type"] != "tool_use":
            ordered.append(detail)
        elif waiting:
            ordered.append(waiting.pop(0))
    return ordered + blocks_of(text[at:]) + waiting


def _tool_use(call: Mapping[str, Any], ids: CallIds) -> dict[str, Any]:
    kind = call.get("type") or "function"
    body = call.get("function") or call.get(kind)
    if not isinstance(body, Mapping):
        raise InvalidRequest(
            f"a tool call of the history is of the type {str(kind)[:40]!r}, which Anthropic does not have"
        )
    name = str(body.get("name") or "unknown")
    arguments = _input(body.get("arguments", body.get("input")))
    made = {"type": "tool_use", "id": ids.of_call(call.get("id")), "name": name, "input": arguments}
    return {**made, **_mark(call)}


def _input(arguments: object) -> dict[str, Any]:
    """Return arguments as the object that Anthropic wants."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return {}
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        json.dumps(value, allow_nan=False)
        encode(value)  # half a surrogate pair has no form on the wire
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {INVALID_JSON: arguments}


def _tidy(turn: dict[str, Any], *, last: bool) -> None:
    """Put results first, leave blank text out beside other blocks, write lone text as text."""
    blocks: list[dict[str, Any]] = turn["content"]
    if turn["role"] == "user":
        blocks.sort(key=lambda block: block.get("type") != "tool_result")
    spoken = [block for block in blocks if block.get("type") != "text" or block["text"].strip()]
    blocks = spoken or blocks
    if last and turn["role"] == "assistant" and blocks[-1].get("type") == "text":
        # An answer to go on from must not end with white space.
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"].rstrip() or blocks[-1]["text"]}
    lone = blocks[0] if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else None
    turn["content"] = lone["text"] if lone is not None else blocks
