"""A message of a dialogue: normalised once, copied, and checked before anybody is asked. Stdlib only."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


def nearest(name: str, known: Collection[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True, slots=True)
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

        Raises:
            TypeError: `value` is no mapping, or a field has a type that JSON or the protocol does not have.
            ValueError: the role is unknown, the content is missing, or the text cannot be encoded.
        """
        if isinstance(value, Message):
            value = value.as_dict()
        if not isinstance(value, Mapping):
            raise TypeError(
                f"{where} is {type(value).__name__}; pass a mapping with 'role' and 'content', or a Message"
            )
        fields = deepcopy(dict(value))
        role = fields.pop("role", None)
        if role not in ROLES:
            hint = nearest(role, ROLES) if isinstance(role, str) else ""
            raise ValueError(f"{where} has the role {role!r}; allowed are {', '.join(ROLES)}{hint}")
        content = _content(fields.pop("content", None), fields, where)
        check_json(fields, where)
        return cls(role, content, MappingProxyType(fields) if fields else EMPTY)

    @property
    def text(self) -> str:
        """The text of the content: parts of other types are left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.get("text", "") for part in self.content or () if part.get("type") == "text")

    @property
    def has_images(self) -> bool:
        """Whether a part of the content is not text."""
        return not isinstance(self.content, str) and any(p.get("type") != "text" for p in self.content or ())

    def as_dict(self) -> dict[str, Any]:
        """Return the OpenAI-style mapping, with all that the caller sent."""
        content = [dict(p) for p in self.content] if isinstance(self.content, tuple) else self.content
        return {"role": self.role, "content": content, **self.extra}


def _content(value: Any, others: Mapping[str, Any], where: str) -> str | tuple[Mapping[str, Any], ...] | None:
    if isinstance(value, str):
        check_json(value, where)
        return value
    if value is None:
        if any(others.get(key) for key in ("tool_calls", "function_call", "refusal")):
            return None
        raise ValueError(f"{where} has no content; give it 'content' (text, or a list of parts)")
    if isinstance(value, list | tuple) and all(
        isinstance(p, Mapping) and isinstance(p.get("type"), str) for p in value
    ):
        if any(p["type"] == "text" and not isinstance(p.get("text"), str) for p in value):
            raise TypeError(f"{where} has a part of type 'text' whose 'text' is not text")
        check_json(list(value), where)
        return tuple(MappingProxyType(dict(p)) for p in value)
    raise TypeError(
        f"{where} has content of type {type(value).__name__}; allowed are text or a list of parts with 'type'"
    )


def check_json(value: Any, where: str) -> None:
    """Raise where `value` cannot be sent as JSON in UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{where} has half of a surrogate pair at position {error.start}, which UTF-8 cannot carry; "
            "repair the text"
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{where} cannot be sent as JSON: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")
