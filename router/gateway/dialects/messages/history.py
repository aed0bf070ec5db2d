"""The dialogue of a client of Anthropic, as the chain's messages. Pure.

    system                       a system message: texts, joined by an empty line
    user: text, image, document  a user message
    user: tool_result            a tool message, before the rest; its images follow in a user message
    assistant: text, tool_use    one assistant message
    thinking, redacted_thinking  back to the provider that thought so, and to nobody else

`cache_control` goes to the providers that take it, and to nobody else; see `marks`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from router.gateway.dialects.fields import object_at, objects_at, text_at, unknown_kind
from router.gateway.dialects.messages.marks import bare, for_caching, is_marked, mark_of, with_own
from router.gateway.dialects.messages.signatures import Origin, read
from router.gateway.dialects.results import split
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from adapters.contract import Message
    from router.gateway.names import Names

_OF_USER: Final = ("text", "image", "document", "tool_result")
_OF_RESULT: Final = ("text", "image", "document")
_OF_ASSISTANT: Final = ("text", "tool_use", "thinking", "redacted_thinking")
_SOURCES: Final = ("base64", "url")


def history_of(messages: Any, system: Any, names: Names) -> list[Message | Mapping[str, Any]]:
    """Return the messages to put to the chain.

    Args:
        messages: Of the client.
        system: Of the client: text, blocks of text, or None.
        names: Of the chain.

    Raises:
        Refused: Something cannot be taken; the failure says where it stands.
    """
    dialogue: list[Message | Mapping[str, Any]] = []
    if system is not None and (told := _of_system(system, "system", names)):
        dialogue.append(told)
    for place, message in enumerate(objects_at(messages, "messages")):
        where = f"messages.{place}"
        role, content = message.get("role"), message.get("content")
        if role == "user":
            dialogue += _of_user(content, f"{where}.content", names)
        elif role == "assistant":
            dialogue.append(_of_assistant(content, f"{where}.content", names))
        elif role == "system":
            told = _of_system(content, f"{where}.content", names)
            dialogue.append(told or {"role": "system", "content": ""})
        else:
            raise refused(f"{where}.role must be user, assistant or system", param=f"{where}.role")
    return dialogue


def _of_system(content: Any, where: str, names: Names) -> Message | Mapping[str, Any] | None:
    """Return a system message, or None where it says nothing."""
    if isinstance(content, str):
        return {"role": "system", "content": content} if content else None
    parts = [
        part
        for place, block in enumerate(objects_at(content, where))
        for part in _parts(block, f"{where}.{place}", ("text",))
    ]
    words = "\n\n".join(part["text"] for part in parts)
    if not words:
        return None
    own = {"content": parts} if is_marked(parts) else {}
    return with_own({"role": "system", "content": words}, for_caching(own, names.caching), where)


def _of_user(content: Any, where: str, names: Names) -> list[Message | Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[Message | Mapping[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for place, block in enumerate(objects_at(content, where)):
        here = f"{where}.{place}"
        if block.get("type") == "tool_result":
            result, mark, seen = _result(block, here)
            results.append(with_own(result, for_caching(mark, names.caching), here))
            parts += seen
        else:
            parts += _parts(block, here, _OF_USER)
    if parts or not results:
        own = {"content": parts} if is_marked(parts) else {}
        plain = {"role": "user", "content": _plain(bare(parts))}
        return [*results, with_own(plain, for_caching(own, names.caching), where)]
    return results


def _plain(parts: list[dict[str, Any]]) -> Any:
    """Return parts as text where they are one text: more services take that."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _parts(block: Mapping[str, Any], where: str, known: Collection[str]) -> list[dict[str, Any]]:
    """Return a block as parts; a mark of the block stands on the last one."""
    parts = _bare_parts(block, where, known)
    mark = mark_of(block, f"{where}.")
    return [*parts[:-1], {**parts[-1], **mark}] if mark and parts else parts


def _bare_parts(block: Mapping[str, Any], where: str, known: Collection[str]) -> list[dict[str, Any]]:
    kind = block.get("type")
    if kind not in known:
        raise unknown_kind(kind, where, known)
    if kind == "text":
        return [{"type": "text", "text": text_at(block.get("text"), f"{where}.text")}]
    if kind == "image":
        return [_image(object_at(block.get("source"), f"{where}.source"), f"{where}.source")]
    return _document(block, object_at(block.get("source"), f"{where}.source"), f"{where}.source")


def _image(source: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = source.get("type")
    if kind == "url":
        url = text_at(source.get("url"), f"{where}.url")
    elif kind == "base64":
        url = _data_of(source, where)
    else:
        raise unknown_kind(kind, where, _SOURCES, "; the gateway keeps no files")
    return {"type": "image_url", "image_url": {"url": url}}


def _data_of(source: Mapping[str, Any], where: str) -> str:
    media_type = text_at(source.get("media_type"), f"{where}.media_type")
    return f"data:{media_type};base64,{text_at(source.get('data'), f'{where}.data')}"


def _document(block: Mapping[str, Any], source: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    kind, title = source.get("type"), block.get("title")
    if kind == "base64":
        name = title if isinstance(title, str) and title else "document.pdf"
        return [{"type": "file", "file": {"filename": name, "file_data": _data_of(source, where)}}]
    headed = [{"type": "text", "text": title}] if isinstance(title, str) and title else []
    if kind == "text":
        return [*headed, {"type": "text", "text": text_at(source.get("data"), f"{where}.data")}]
    if kind == "content":
        content = source.get("content")
        if isinstance(content, str):
            return [*headed, {"type": "text", "text": content}]
        return headed + [
            part
            for place, inner in enumerate(objects_at(content, f"{where}.content"))
            for part in _parts(inner, f"{where}.content.{place}", ("text", "image"))
        ]
    raise unknown_kind(kind, where, ("base64", "content", "text"), "; send the document itself")


def _result(
    block: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Return the message of a tool's result, its mark, and what of it only a user's message may hold."""
    mark = mark_of(block, f"{where}.")
    call = text_at(block.get("tool_use_id"), f"{where}.tool_use_id")
    content = block.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else []
    if content is not None and not isinstance(content, str):
        for place, inner in enumerate(objects_at(content, f"{where}.content")):
            parts += _parts(inner, f"{where}.content.{place}", _OF_RESULT)
    is_error = block.get("is_error")
    if is_error is not None and not isinstance(is_error, bool):
        raise refused(f"{where}.is_error must be true or false", param=f"{where}.is_error")
    for part in parts:
        if part["type"] == "text":
            mark = mark or mark_of(part, "")
    text, seen = split(call, parts)
    if is_error:  # other services have no field for it
        text = f"Error: {text}" if text else "Error"
    return {"role": "tool", "tool_call_id": call, "content": text}, mark, seen


def _of_assistant(content: Any, where: str, names: Names) -> Message | Mapping[str, Any]:
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    spoken = _Spoken(names)
    for place, block in enumerate(objects_at(content, where)):
        spoken.add(block, f"{where}.{place}")
    return spoken.message(where)


class _Spoken:
    """The blocks of one message of the assistant."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._texts: list[dict[str, Any]] = []
        self._calls: list[dict[str, Any]] = []
        self._places: list[dict[str, Any]] = []  # details of nobody: where texts and calls stood
        self._thought: list[tuple[int, Origin, dict[str, Any]]] = []

    def add(self, block: Mapping[str, Any], where: str) -> None:
        kind = block.get("type")
        if kind == "text":
            self._texts += _parts(block, where, _OF_ASSISTANT)
            self._places.append({"type": "text", "length": len(self._texts[-1]["text"])})
        elif kind == "tool_use":
            self._calls.append({**_call(block, where), **mark_of(block, f"{where}.")})
            self._places.append({"type": "tool_use"})
        elif kind == "thinking":
            thinking = text_at(block.get("thinking"), f"{where}.thinking")
            self._think(block.get("signature"), {"type": kind, "thinking": thinking}, "signature")
        elif kind == "redacted_thinking":
            self._think(block.get("data"), {"type": kind}, "data")
        else:
            raise unknown_kind(kind, where, _OF_ASSISTANT)

    def _think(self, signature: Any, detail: dict[str, Any], name: str) -> None:
        origin = read(signature, self._names.providers) if isinstance(signature, str) else None
        if origin is not None:
            self._thought.append((len(self._places), origin, {**detail, name: origin.signature}))

    def message(self, where: str) -> Message | Mapping[str, Any]:
        """Return the message, with what each provider alone wants back."""
        text = "".join(part["text"] for part in self._texts)
        fields: dict[str, Any] = {"role": "assistant", "content": text or None}
        if self._calls:
            fields["tool_calls"] = bare(self._calls)
        kept = for_caching(self._marked(), self._names.caching)
        for provider in {each.provider for _, each, _ in self._thought}:
            # Its thinking says where the text stood, which must be in one piece for that.
            marked = {name: calls for name, calls in kept.get(provider, {}).items() if name != "content"}
            kept[provider] = {**marked, **self._kept(provider)}
        return with_own(fields, kept, where)

    def _marked(self) -> dict[str, Any]:
        """Return the fields that have marks."""
        marked: dict[str, Any] = {}
        if is_marked(self._texts):
            marked["content"] = self._texts
        if is_marked(self._calls):
            marked["tool_calls"] = self._calls
        return marked

    def _kept(self, provider: str) -> dict[str, Any]:
        details: list[dict[str, Any]] = []
        told: dict[str, Any] = {}
        at = 0
        for place, origin, detail in self._thought:
            if origin.provider != provider:
                continue
            if origin.signature:
                details += [*self._places[at:place], detail]
                at = place
            elif self._calls:  # plain reasoning is wanted back within a turn that calls tools
                told[origin.field] = told.get(origin.field, "") + detail.get("thinking", "")
        if details:
            told["reasoning_details"] = [*details, *self._places[at:]]
        return told


def _call(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    arguments = object_at(block.get("input"), f"{where}.input")
    function = {
        "name": text_at(block.get("name"), f"{where}.name"),
        "arguments": json.dumps(arguments, ensure_ascii=False),
    }
    return {"id": text_at(block.get("id"), f"{where}.id"), "type": "function", "function": function}
