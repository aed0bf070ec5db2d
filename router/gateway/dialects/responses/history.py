"""The input of a request for a response, as the chain's messages. Pure.

instructions                 a system message
text                         a user message
message                      a message of its role
function_call                a tool call of the assistant's message before it
function_call_output         a tool message; its images and files follow in a user message
reasoning                    left out: it is of the provider that thought so, and nothing here says of which
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from router.gateway.dialects.fields import object_at, objects_at, text_at, unknown_kind
from router.gateway.dialects.results import split
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_ITEMS: Final = ("message", "function_call", "function_call_output", "reasoning")
_PARTS: Final = ("input_text", "input_image", "input_file", "input_audio")
_SPOKEN: Final = ("output_text", "input_text", "text", "refusal")
_ROLES: Final = ("user", "assistant", "system", "developer")
_NO_FILES: Final = "; the gateway keeps no files, so send the data itself"


def history_of(given: Any, instructions: Any) -> list[Mapping[str, Any]]:
    """Return the messages to put to the chain.

    Args:
        given: The `input` of the request.
        instructions: Of the request; None where there are none.

    Raises:
        Refused: Something cannot be taken; the failure says where it stands.
    """
    dialogue: list[dict[str, Any]] = []
    if instructions is not None and text_at(instructions, "instructions"):
        dialogue.append({"role": "system", "content": instructions})
    if isinstance(given, str):
        return [*dialogue, {"role": "user", "content": given}]
    if not isinstance(given, list):
        raise refused("input must be text or an array of items", param="input")
    seen: list[dict[str, Any]] = []  # parts of results that only a user's message may hold
    for place, item in enumerate(objects_at(given, "input")):
        where = f"input.{place}"
        kind = item.get("type", "message")
        if seen and kind != "function_call_output":
            dialogue.append({"role": "user", "content": seen})
            seen = []
        if kind == "message":
            _add_message(dialogue, item, where)
        elif kind == "function_call":
            _speaker(dialogue).setdefault("tool_calls", []).append(_call(item, where))
        elif kind == "function_call_output":
            seen += _add_result(dialogue, item, where)
        elif kind != "reasoning":
            hint = "; the gateway keeps no items, so send the item itself" if kind == "item_reference" else ""
            raise unknown_kind(kind, where, _ITEMS, hint)
    if seen:
        dialogue.append({"role": "user", "content": seen})
    return list(dialogue)


def _add_message(dialogue: list[dict[str, Any]], item: Mapping[str, Any], where: str) -> None:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        raise refused(f"{where}.role must be one of {', '.join(_ROLES)}", param=f"{where}.role")
    if role == "assistant":
        speaker = _speaker(dialogue)
        speaker["content"] = (speaker["content"] or "") + _spoken(content, f"{where}.content")
    elif isinstance(content, str):
        dialogue.append({"role": role, "content": content})
    else:
        parts = [
            _part(part, f"{where}.content.{place}")
            for place, part in enumerate(objects_at(content, f"{where}.content"))
        ]
        lone = parts[0].get("text") if len(parts) == 1 else None
        dialogue.append({"role": role, "content": parts if lone is None else lone})


def _speaker(dialogue: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the assistant's message at the end of the dialogue, or a new one: its items are one turn."""
    if not dialogue or dialogue[-1]["role"] != "assistant":
        dialogue.append({"role": "assistant", "content": None})
    return dialogue[-1]


def _spoken(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for place, part in enumerate(objects_at(content, where)):
        kind = part.get("type")
        if kind not in _SPOKEN:
            raise unknown_kind(kind, f"{where}.{place}", ("output_text", "refusal"))
        field = "refusal" if kind == "refusal" else "text"
        texts.append(text_at(part.get(field), f"{where}.{place}.{field}"))
    return "".join(texts)


def _part(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": text_at(part.get("text"), f"{where}.text")}
    if kind == "input_image":
        image = {"url": _sent(part, "image_url", where)}
        if (detail := part.get("detail")) is not None:
            image["detail"] = text_at(detail, f"{where}.detail")
        return {"type": "image_url", "image_url": image}
    if kind == "input_file":
        file = {"file_data": _sent(part, "file_data", where)}
        name = part.get("filename")
        return {"type": "file", "file": {"filename": name if isinstance(name, str) else "file", **file}}
    if kind == "input_audio":
        sound = object_at(part.get("input_audio"), f"{where}.input_audio")
        return {"type": "input_audio", "input_audio": sound}
    raise unknown_kind(kind, where, _PARTS)


def _sent(part: Mapping[str, Any], field: str, where: str) -> str:
    """Return what a part holds itself.

    Raises:
        Refused: It only names a file, or is no text.
    """
    value = part.get(field)
    for other in ("file_id", "file_url"):
        if value is None and part.get(other) is not None:
            raise refused(f"{where}.{other} is not taken{_NO_FILES}", param=f"{where}.{other}")
    return text_at(value, f"{where}.{field}")


def _call(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    function = {
        "name": text_at(item.get("name"), f"{where}.name"),
        "arguments": text_at(item.get("arguments"), f"{where}.arguments"),
    }
    call = text_at(item.get("call_id"), f"{where}.call_id")
    return {"id": call, "type": "function", "function": function}


def _add_result(dialogue: list[dict[str, Any]], item: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Add the message of a result; return the parts of it that only a user's message may hold."""
    call = text_at(item.get("call_id"), f"{where}.call_id")
    output = item.get("output")
    seen: list[dict[str, Any]] = []
    if not isinstance(output, str):
        given = objects_at(output, f"{where}.output")
        output, seen = split(
            call, [_part(part, f"{where}.output.{place}") for place, part in enumerate(given)]
        )
    dialogue.append({"role": "tool", "tool_call_id": call, "content": output})
    return seen
