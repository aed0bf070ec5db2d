"""A message of a dialogue: normalised once, copied, and checked before anybody is asked. Stdlib only."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_LONGEST_NAME: Final = 100
_LONGEST_INTEGER: Final = 13_000
"""Bits; Python writes no more than 4300 digits."""
_INSTEAD: Final = ("tool_calls", "function_call", "refusal", "audio")
"""What an assistant's message can have in place of content."""


def nearest(name: str, known: Collection[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def cut_name(name: str) -> str:
    """Return a name that came from a caller, such as a model's, cut to what messages and logs can bear."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One message of a dialogue, normalised from an OpenAI-style mapping.

    Attributes:
        role: One of `ROLES`.
        content: Text, a tuple of parts, or None where an assistant only called tools.
        extra: All other keys as the caller sent them (name, tool_calls, tool_call_id, …).
    """

    role: str
    content: str | tuple[Mapping[str, Any], ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @classmethod
    def parse(cls, value: Message | Mapping[str, Any], where: str = "message") -> Message:
        """Return the message that `value` describes; copies, so that the caller's objects are never shared.

        Args:
            value: A `Message`, a mapping, or a message object of an SDK (what has `model_dump`).
            where: What to call it in an error.

        Raises:
            TypeError: `value` is no mapping, or a field has a type that JSON or the protocol does not have.
            ValueError: the role is unknown, the content is missing, or the text cannot be encoded.
        """
        given: Any = value
        if isinstance(given, Message):
            given = {"role": given.role, "content": given.content, **given.extra}
        elif not isinstance(given, Mapping) and callable(dump := getattr(given, "model_dump", None)):
            given = dump(mode="json", exclude_unset=True)  # an answer of the OpenAI SDK, put back as history
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{where} is {type(value).__name__}; pass a mapping with 'role' and 'content', or a Message"
            )
        fields = json_copy(given, where)
        role = fields.pop("role", None)
        if role not in ROLES:
            hint = nearest(role, ROLES) if isinstance(role, str) else ""
            raise ValueError(f"{where} has the role {role!r}; allowed are {', '.join(ROLES)}{hint}")
        content = _content(fields.pop("content", None), role, fields, where)
        return cls(role, content, MappingProxyType(fields) if fields else EMPTY)

    @property
    def text(self) -> str:
        """The text of the content: parts of other types are left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.get("text", "") for part in self.content or () if part.get("type") == "text")

    @property
    def has_images(self) -> bool:
        """Whether a part of the content is more than words: an image, a sound, a file."""
        return not isinstance(self.content, str) and any(
            part.get("type") not in ("text", "refusal") for part in self.content or ()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the OpenAI-style mapping, with all that the caller sent; a copy, free to be changed."""
        content = list(self.content) if isinstance(self.content, tuple) else self.content
        copied: dict[str, Any] = _plain({"role": self.role, "content": content, **self.extra})
        return copied

    def as_sent(self) -> dict[str, Any]:
        """Return the same mapping for encoding: what is in it is not copied, and must not be changed."""
        content = self.content
        if isinstance(content, tuple):
            return {"role": self.role, "content": [dict(part) for part in content], **self.extra}
        return {"role": self.role, "content": content, **self.extra}

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        parts = f"{len(self.content)} parts, " if isinstance(self.content, tuple) else ""
        return f"<Message {self.role}, {parts}{len(self.text)} characters>"


def _content(
    value: Any, role: str, others: Mapping[str, Any], where: str
) -> str | tuple[Mapping[str, Any], ...] | None:
    if isinstance(value, str):
        return value
    if value is None and (role == "function" or any(others.get(key) for key in _INSTEAD)):
        return None
    if value is None or value == []:
        raise ValueError(f"{where} has no content; give it 'content' (text, or a list of parts)")
    if not isinstance(value, list):
        raise TypeError(
            f"{where} has content of type {type(value).__name__}; "
            "allowed are text or a list of parts with 'type'"
        )
    for place, part in enumerate(value):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise TypeError(
                f"{where} has a part {place} without 'type'; give it one: {{'type': 'text', 'text': 'Hello'}}"
            )
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise TypeError(f"{where} has a part {place} of type 'text' whose 'text' is not text")
    return tuple(MappingProxyType(part) for part in value)


def json_copy(value: Any, where: str) -> Any:
    """Return a deep copy of `value` in plain dicts, lists and texts, as JSON would carry it.

    Args:
        value: Any mappings, lists, tuples, texts, numbers, booleans and None.
        where: What to call it in an error.

    Raises:
        TypeError: It cannot be sent as JSON.
        ValueError: A text in it cannot be sent in UTF-8.
    """
    try:
        return _plain(value)
    except UnicodeEncodeError:
        raise ValueError(
            f"{where} has half of a surrogate pair in a text, which UTF-8 cannot carry; repair the text, for "
            "example with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from None
    except RecursionError:
        raise TypeError(
            f"{where} cannot be sent as JSON: it is nested too deeply, or contains itself"
        ) from None
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where} cannot be sent as JSON: {error}") from None


def _plain(value: Any) -> Any:
    # Histories are long: this looks at everything once, and encodes nothing.
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _encodable(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, str):
        return _encodable(str.__str__(value))  # an enum of texts is its value
    if isinstance(value, int):
        if value.bit_length() > _LONGEST_INTEGER:
            raise ValueError("an integer has more than 4000 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{kind.__name__} is not a JSON type")


def _encodable(text: str) -> str:
    text.encode()
    return text


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _encodable(str.__str__(key))
    if isinstance(key, int) and not isinstance(key, bool):
        return str(int(key))  # token numbers of a logit_bias
    raise TypeError(f"{key!r} is no text, as the keys of JSON objects are")
