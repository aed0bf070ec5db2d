"""Marks of what Anthropic is to cache (`cache_control`), on the way to the providers that take them. Pure.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching

A mark is a hint: it changes the price and the time of a request, and no word of the reply. So it goes to the
providers that take it, and the others are asked without it; they may refuse fields that they do not know. A
message has its plain form for all, and beside it what single providers get in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.contract import Message
from adapters.contract.message import json_copy
from router.gateway.dialects.fields import object_at
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MARK: Final = "cache_control"


def mark_of(block: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the mark of a block as a field of its own; empty where it has none.

    Args:
        block: Of the client.
        where: What stands before the field's name in an error.

    Raises:
        Refused: It is no object.
    """
    mark = block.get(MARK)
    return {} if mark is None else {MARK: object_at(mark, f"{where}{MARK}")}


def bare(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return parts without their marks."""
    return [{name: value for name, value in part.items() if name != MARK} for part in parts]


def is_marked(parts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the parts has a mark."""
    return any(MARK in part for part in parts)


def with_own(
    fields: dict[str, Any], kept: Mapping[str, Mapping[str, Any]], where: str
) -> Message | Mapping[str, Any]:
    """Return a message of which single providers get fields of their own.

    Args:
        fields: Of the message, for all others.
        kept: Provider name -> the fields.
        where: The message's place, for an error.

    Raises:
        Refused: It cannot be sent as JSON.
    """
    if not kept:
        return fields
    try:
        parsed = Message.parse(fields, where)
        return Message(parsed.role, parsed.content, parsed.extra, json_copy(kept, where))
    except (TypeError, ValueError) as error:
        raise refused(str(error), param=where) from None


def for_caching(own: Mapping[str, Any], caching: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return fields as those of the providers that take marks; none where there are no fields."""
    return dict.fromkeys(caching, own) if own else {}
