"""What messages need of a provider. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.contract.frozen import quickly_made
from adapters.contract.message import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from adapters.contract.message import Message

_WORDS: Final = ("text", "refusal")


@quickly_made
@dataclass(frozen=True, slots=True)
class Traits:
    """What messages need of a provider, found out once: a history may have thousands of them.

    Attributes:
        has_system: Whether a system or developer message is among them.
        turns: How many others there are.
        has_tools: Whether they hold calls of tools, or results.
        has_images: Whether a part of them is neither words nor sound: an image, a file.
        characters: The length of all texts together.
        has_audio: Whether a part of them is sound.
        has_image_urls: Whether an image is given by its address and not as data.
        is_prefilled: Whether the last one is the beginning of an answer.
        roles: All roles among them.
        instructions: How many system and developer messages there are.
        has_null: Whether one has no content, as an assistant's message may that only calls tools.
        parts: How many parts are not words.
    """

    has_system: bool
    turns: int
    has_tools: bool
    has_images: bool
    characters: int
    has_audio: bool = False
    has_image_urls: bool = False
    is_prefilled: bool = False
    roles: frozenset[str] = frozenset()
    instructions: int = 0
    has_null: bool = False
    parts: int = 0

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Traits:
        """Return the traits of `messages`."""
        said = [m.role for m in messages]
        roles = frozenset(said)
        tools = "tool" in roles or "function" in roles
        characters = 0
        null = False
        others: list[Mapping[str, Any]] = []
        for m in messages:  # each request pays for it
            content = m.content
            if type(content) is str:
                characters += len(content)
            elif content is None:
                null = True
            elif isinstance(content, str):
                characters += len(content)
            else:
                characters += len(m.text)
                others += [part for part in content if part.get("type") not in _WORDS]
            if m.extra and m.extra.get("tool_calls"):
                tools = True
        instructions = said.count("system") + said.count("developer")
        sounds = sum(part.get("type") == "input_audio" for part in others) if others else 0
        by_address = bool(others) and any(map(_is_by_address, others))
        prefilled = said[-1:] == ["assistant"] and not messages[-1].extra.get("tool_calls")
        parts = len(others)
        return cls(  # by place: names cost twice as much as all the rest of it
            instructions > 0, len(said) - instructions, tools, parts > sounds, characters, sounds > 0,
            by_address, prefilled, roles, instructions, null, parts,
        )  # fmt: skip


def _is_by_address(part: Mapping[str, Any]) -> bool:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    return part.get("type") == "image_url" and isinstance(url, str) and not url.startswith("data:")


def text_bytes(messages: Sequence[Message], tools: object = None) -> int:
    """Return the bytes of UTF-8 of all texts, tool calls and definitions of tools."""
    texts = sum(_length(m.text) for m in messages)
    calls = [calls for m in messages if (calls := m.extra.get("tool_calls"))]
    return texts + sum(_length(as_json(each)) for each in (*calls, tools) if each)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
