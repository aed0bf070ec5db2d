"""Messages put into a form that a provider can take, where nothing is lost by that. Pure; stdlib only.

Three things are rewritten, and nothing else:

    developer -> system     or the other way round, where the provider takes only one of the two roles
    one system message      several ones are joined, in their order, into one at the beginning
    null content            becomes an empty text, where a message only calls tools

Nothing is fetched: an image that is given by its address stays one. The caller's messages are never changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.contract.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from adapters.contract.capabilities import Capabilities
    from adapters.contract.traits import Traits

_INSTRUCTING: Final = ("system", "developer")
_BETWEEN: Final = "\n\n"


class Rewriting(NamedTuple):
    """Messages as a provider takes them.

    Attributes:
        messages: What to send.
        told: What was done, a few words for each kind of change; empty where nothing was.
    """

    messages: tuple[Message, ...]
    told: tuple[str, ...] = ()


def rewritten(messages: tuple[Message, ...], able: Capabilities, traits: Traits) -> Rewriting:
    """Return `messages` as a provider takes them.

    Args:
        messages: Of the request.
        able: What the provider takes, for the model that is asked for.
        traits: Of the messages; most need no rewriting, which they tell at once.
    """
    told: list[str] = []
    changed: Iterable[Message] = messages
    old, new = _renaming(able, traits)
    if new:
        changed = [replace(m, role=new) if m.role == old else m for m in changed]
        told.append(f"{old} -> {new}")
    if not able.many_system and traits.instructions:
        joined = _joined(tuple(changed))
        if joined is not None:
            changed = joined
            told.append("system messages joined")
    if not able.null_content and traits.has_null:
        changed = [replace(m, content="") if m.content is None else m for m in changed]
        told.append("null content -> empty text")
    return Rewriting(tuple(changed), tuple(told)) if told else Rewriting(messages)


def _renaming(able: Capabilities, traits: Traits) -> tuple[str, str]:
    """Return the role that is renamed, and how; two empty texts where none is."""
    if able.roles is not None:
        for old, new in (_INSTRUCTING, _INSTRUCTING[::-1]):
            if old in traits.roles and old not in able.roles and new in able.roles:
                return old, new
    return "", ""


def _joined(messages: tuple[Message, ...]) -> tuple[Message, ...] | None:
    """Return the messages with one system message, the first; None where they are so, or cannot be so.

    A message with further fields, such as a name, is no mere text: joining it would lose them, so the
    messages stay as they are.
    """
    ours = [m for m in messages if m.role in _INSTRUCTING]
    if ours == [messages[0]] or any(m.extra for m in ours):
        return None
    others = (m for m in messages if m.role not in _INSTRUCTING)
    first = Message(ours[0].role, _contents(ours))
    return (first, *others)


def _contents(messages: list[Message]) -> str | tuple[Mapping[str, Any], ...]:
    texts = [m.content for m in messages if isinstance(m.content, str)]
    if len(texts) == len(messages):
        return _BETWEEN.join(texts)
    parts: list[Mapping[str, Any]] = []
    for m in messages:
        parts += [{"type": "text", "text": m.content}] if isinstance(m.content, str) else m.content or ()
    return tuple(parts)
