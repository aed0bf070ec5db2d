"""Server-sent events, and what the APIs have in common whose calls stream one by one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.contract.errors import BadReply
from adapters.wire.json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import Switch, ToolCallFragment


def event_of(payload: Mapping[str, Any]) -> bytes:
    """Return a payload as an event without a name."""
    return b"data: " + encode(payload) + b"\n\n"


def named_event(payload: Mapping[str, Any]) -> bytes:
    """Return a payload as an event that has the name of its type."""
    name: str = payload["type"]
    return b"event: " + name.encode() + b"\ndata: " + encode(payload) + b"\n\n"


def switch_of(switch: Switch) -> dict[str, Any]:
    """Return what a client is told of a switch of providers."""
    return {
        "kind": switch.kind,
        "left": switch.left,
        "taken_by": switch.taken_by,
        "shown": switch.shown,
    }


class StreamedCall:
    """A tool call as far as it came.

    Attributes:
        place: Its number in the answer, once it was begun there.
        id: Its id.
        name: The function's name, once it is known.
        arguments: The pieces of its arguments.
        ended: Whether the answer said that it is whole.
    """

    __slots__ = ("arguments", "ended", "id", "name", "place")

    def __init__(self, identity: str) -> None:
        self.place: int | None = None
        self.id = identity
        self.name: str | None = None
        self.arguments: list[str] = []
        self.ended = False

    def add(self, piece: ToolCallFragment) -> None:
        """Take a piece."""
        if self.place is None and piece.id:
            self.id = piece.id
        self.name = self.name or piece.name
        if piece.arguments:
            self.arguments.append(piece.arguments)

    @property
    def text(self) -> str:
        """The arguments as they came."""
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object, so that nothing of it can follow.

        Services name the next call when the one before is whole, as a rule. A few send pieces of several
        calls in turn; so a call is not taken for ended only since another one begins.
        """
        return isinstance(object_or_none(self.text), dict)


def object_or_none(arguments: str) -> dict[str, Any] | None:
    """Return the arguments of a call as an object; None where the model wrote none."""
    if not arguments.rstrip().endswith("}"):
        return None
    try:
        value = decode(arguments)
    except BadReply:
        return None
    return value if isinstance(value, dict) else None
