"""What a chunk carries besides text and tool calls: reasoning, usage, images, sound, notes, the rest.

Each service has names and shapes of its own for these. What is not known is kept as it came, or left out; it
never costs the reply.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from adapters.contract import Beside, Usage
from adapters.wire.json import decode
from adapters.wire.text import encodable

if TYPE_CHECKING:
    from adapters.wire.reply_limits import Meter

_DEEPEST: Final = 50
_REASONING: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_IMAGES: Final = frozenset({"image_url", "image", "output_image"})
_SOUNDS: Final = frozenset({"audio", "input_audio", "output_audio"})
_SOUND: Final = frozenset({"data", "transcript", "url", "id", "expires_at"})
_TAKEN: Final = frozenset({"choices", "usage", "model", "error", "object", "created"})
_TAKEN_OF_CHOICE: Final = frozenset({
    "index", "delta", "message", "finish_reason", "logprobs", "usage", "error",
})  # fmt: skip
_TAKEN_OF_CONTENT: Final = frozenset({
    "role", "content", "refusal", "tool_calls", "function_call", "images", "audio", "annotations",
    "reasoning_details", *_REASONING,
})  # fmt: skip


class _UsualContent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    role: Any = None
    content: Any = None
    refusal: Any = None
    tool_calls: Any = None


class _UsualChoice(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    index: Any = None
    delta: _UsualContent | None = None
    finish_reason: Any = None
    logprobs: Any = None


class _Usual(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    choices: list[_UsualChoice] | None = None
    usage: Any = None
    model: Any = None
    object: Any = None
    created: Any = None
    id: Any = None
    system_fingerprint: Any = None
    service_tier: Any = None


_KEPT: Final = ("id", "system_fingerprint", "service_tier")
_usual: Final = msgspec.json.Decoder(_Usual)
"""Decodes the chunks of most services, of whose fields only those in `_KEPT` have no place elsewhere."""


class Content(Protocol):
    """The fields at the side of the text, of any shape."""

    reasoning_content: Any
    reasoning: Any
    reasoning_text: Any
    reasoning_details: Any
    thinking: Any
    images: Any
    audio: Any
    annotations: Any


class Parts(NamedTuple):
    """What content in typed parts holds."""

    text: str
    thinking: str
    images: tuple[Mapping[str, Any], ...]
    audio: tuple[Mapping[str, Any], ...]


class SideFields:
    """Collects what is beside the text of one reply, and keeps what spans several chunks.

    Fields of chunks that have no place elsewhere wait for the next delta: they alone make none.
    """

    __slots__ = ("_extra", "_field", "_waiting")

    def __init__(self) -> None:
        self._field: str | None = None
        self._extra: dict[str, Any] = {}
        self._waiting: dict[str, Any] = {}

    def of_content(
        self,
        content: Content,
        parts: Parts | None,
        logprobs: object,
        refusal: str,
        field: str | None,
        meter: Meter,
    ) -> Beside | None:
        """Return what stands beside the text in one delta, or None where that is nothing."""
        if (
            content.images is None and content.audio is None and content.annotations is None
            and content.reasoning_details is None and parts is None and logprobs is None
            and field is None and not refusal
        ):  # fmt: skip
            return None
        images = mappings(content.images) + (parts.images if parts else ())
        audio = tuple(a for a in mappings(content.audio) if a.keys() & _SOUND) + (
            parts.audio if parts else ()
        )
        annotations = mappings(content.annotations)
        details = mappings(content.reasoning_details)
        tokens = _tokens(logprobs)
        new_field = field if field is not None and self._field is None else None
        self._field = self._field or field
        if not (images or audio or annotations or details or tokens or refusal or new_field):
            return None
        if images or audio:
            meter.content(_one_text(images, audio))
        if annotations or details or tokens:
            meter.beside(len(_one_text(annotations, details, tokens)))
        return Beside(
            images=images,
            audio=audio,
            annotations=annotations,
            logprobs=tokens,
            refusal=refusal,
            reasoning_details=details,
            reasoning_field=new_field,
        )

    def look(self, data: bytes, meter: Meter) -> None:
        """Keep the fields of a chunk that have no place elsewhere, where they are new."""
        try:
            usual = _usual.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            found = _without_place(decode(data))
        else:
            found = {name: _encodable(value) for name in _KEPT if (value := getattr(usual, name)) is not None}
        new = {name: value for name, value in found.items() if self._extra.get(name) != value}
        if new:
            meter.beside(len(data))
            self._extra |= new
            self._waiting |= new

    def taken_into(self, beside: Beside | None) -> Beside | None:
        """Return `beside` with the fields that waited for a delta, which wait no more."""
        if not self._waiting:
            return beside
        extra, self._waiting = self._waiting, {}
        return Beside(extra=extra) if beside is None else replace(beside, extra=extra)


def _without_place(chunk: object) -> dict[str, Any]:
    """Return the fields of a chunk, its first choice and that one's content that have no place elsewhere."""
    if not isinstance(chunk, dict):
        return {}
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    content = (choice.get("delta") or choice.get("message")) if isinstance(choice, dict) else None
    found: dict[str, Any] = {}
    for given, taken in ((chunk, _TAKEN), (choice, _TAKEN_OF_CHOICE), (content, _TAKEN_OF_CONTENT)):
        if isinstance(given, dict):
            found |= {
                encodable(name): _encodable(value)
                for name, value in given.items()
                if name not in taken and value is not None
            }
    return found


def reasoning_of(content: Content) -> tuple[str | None, str]:
    """Return the field in which reasoning came, and its text; the first field that has some holds."""
    for name in _REASONING:
        value = getattr(content, name)
        if value is not None and (text := _thought(value)):
            return name, text
    if content.reasoning_details is None:
        return None, ""
    return None, "".join(_thought(detail) for detail in mappings(content.reasoning_details))


def _thought(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_thought(item) for item in value if isinstance(item, Mapping))
    if isinstance(value, Mapping):
        for name in ("text", "content", "summary", "thinking"):
            if isinstance(text := value.get(name), str):
                return text
    return ""


def usage_of(value: object) -> Usage | None:
    """Return the counts that are whole numbers; a provider's liberties with this field cost no reply."""
    if not isinstance(value, Mapping):
        return None
    prompt = value.get("prompt_tokens_details")
    completion = value.get("completion_tokens_details")
    cached = _count(prompt, "cached_tokens")
    usage = Usage(
        _count(value, "prompt_tokens", "input_tokens"),
        _completion(value, completion),
        _count(value, "total_tokens"),
        _count(value, "cached_tokens", "prompt_cache_hit_tokens") if cached is None else cached,
        _thoughts(value, completion),
        # OpenRouter, LiteLLM: https://openrouter.ai/docs/use-cases/usage-accounting
        _count(prompt, "cache_write_tokens", "cache_creation_tokens"),
    )
    return None if usage == Usage() else usage


def _thoughts(value: Mapping[str, Any], details: object) -> int | None:
    inside = _count(details, "reasoning_tokens")
    return inside if inside is not None else _count(value, "reasoning_tokens")


def _completion(value: Mapping[str, Any], details: object) -> int | None:
    """Return the tokens of a reply, its reasoning included.

    xAI counts the reasoning beside the completion, and into the total
    (https://docs.x.ai/docs/guides/reasoning; a recorded answer has 307 + 26 + 227 = 560).
    """
    count, thoughts = _count(value, "completion_tokens", "output_tokens"), _thoughts(value, details)
    prompt, total = _count(value, "prompt_tokens", "input_tokens"), _count(value, "total_tokens")
    if count is None or prompt is None or total is None or not thoughts:
        return count
    return count + thoughts if prompt + count + thoughts == total else count


def _count(value: object, *names: str) -> int | None:
    if not isinstance(value, Mapping):
        return None
    for name in names:
        count = value.get(name)
        if isinstance(count, float) and math.isfinite(count):
            count = int(count)
        if type(count) is int and count >= 0:
            return count
    return None


def parts_of(parts: list[Any]) -> Parts:
    """Return what content holds that comes in typed parts, as Mistral's does."""
    text = thinking = ""
    images: list[Mapping[str, Any]] = []
    audio: list[Mapping[str, Any]] = []
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        if isinstance(piece := part.get("text"), str):
            text += piece
        elif (thoughts := part.get("thinking")) is not None:
            thinking += _thought(thoughts)
        elif part.get("type") in _IMAGES and len(part) > 1:
            images += mappings(part)
        elif part.get("type") in _SOUNDS and len(part) > 1:
            audio += mappings(part)
    return Parts(text, thinking, tuple(images), tuple(audio))


def mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings in `value`, one or a list of them; what has another shape is left out."""
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(_encodable(item) for item in items if isinstance(item, Mapping) and item)


def _tokens(logprobs: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(logprobs, Mapping):
        return ()
    content = logprobs.get("content")
    return mappings(content) if content is not None else mappings({k: v for k, v in logprobs.items() if v})


def _encodable(value: Any, depth: int = 0) -> Any:
    """Return a copy of `value` whose texts can be encoded as UTF-8; what is nested too deeply is cut off."""
    if isinstance(value, str):
        return encodable(value)
    if not isinstance(value, Mapping | list):
        return value
    if depth == _DEEPEST:
        return None
    if isinstance(value, list):
        return [_encodable(item, depth + 1) for item in value]
    return {encodable(str(key)): _encodable(item, depth + 1) for key, item in value.items()}


def _one_text(*groups: tuple[Mapping[str, Any], ...]) -> str:
    return "".join(str(item) for group in groups for item in group)
