"""Messages put into a form that a provider can take, where nothing is lost by that. Pure; stdlib only.

Four things are rewritten, and nothing else:

    a role                  is sent under the name that the provider has for it (`Capabilities.role_names`)
    developer -> system     or the other way round, where the provider takes only one of the two roles
    one system message      several ones are joined, in their order, into one at the beginning
    no words                where a message only calls tools: null, an empty text, or no field at all

It is done once, by the router, which tells it; an adapter that is used without a router does it itself, and
finds nothing left to do where the router did it.

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
    names = _renaming(able, traits)
    if names:
        changed = [replace(m, role=names[m.role]) if m.role in names else m for m in changed]
        told += [f"{old} -> {new}" for old, new in names.items()]
    if not able.many_system and traits.instructions:
        joined = _joined(tuple(changed))
        if joined is not None:
            changed = joined
            told.append("system messages joined")
    if traits.has_null or (traits.has_tools and not able.empty_content):
        changed, kinds = _wordless(tuple(changed), able)
        told += kinds
    return Rewriting(tuple(changed), tuple(told)) if told else Rewriting(messages)


def _renaming(able: Capabilities, traits: Traits) -> Mapping[str, str]:
    """Return the roles that are renamed, and how."""
    names = {old: new for old, new in able.role_names.items() if old in traits.roles and new != old}
    if able.roles is not None:
        for old, new in (_INSTRUCTING, _INSTRUCTING[::-1]):
            if old in traits.roles - names.keys() and old not in able.roles and new in able.roles:
                names[old] = new
    return names


def _wordless(messages: tuple[Message, ...], able: Capabilities) -> tuple[tuple[Message, ...], list[str]]:
    """Return messages that only call tools as the provider takes them, and what was done."""
    told: dict[str, None] = {}
    changed = []
    for m in messages:
        before = "null" if m.content is None else "empty text" if _is_empty(m) else None
        after = _instead(before, able)
        if before is not None and after != before:
            m = replace(m, content={"null": None, "empty text": "", "left out": ()}[after])
            told[f"{before} content -> {after}"] = None
        changed.append(m)
    return tuple(changed), list(told)


def _is_empty(message: Message) -> bool:
    """Whether a message that calls tools has an empty text as its content."""
    if not message.extra.get("tool_calls") or not message.content:
        return message.content == "" and bool(message.extra.get("tool_calls"))
    return not isinstance(message.content, str) and all(
        part.get("type") == "text" and part.get("text") == "" for part in message.content
    )


def _instead(before: str | None, able: Capabilities) -> str:
    """Return what stands for no words: null, empty text, or left out."""
    if before == "empty text" and able.empty_content:
        return before
    if able.null_content == "omit":
        return "left out"
    return "null" if able.null_content or not able.empty_content else "empty text"


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
