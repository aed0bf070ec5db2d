"""How a protocol writes a streamed reply: the hooks that a service fills in, and the two usual notations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Piece = bytes | str
"""What is written at once: one HTTP chunk."""


class Framing:
    """How one reply is written. As it stands: raw text, whose only end mark is the end of the body.

    A service derives from it, and makes one per turn, so that it may hold ids and the like.

    Attributes:
        content_type: None: no such header.
        headers: Further headers of the reply.
        framed: False: the body ends where the connection does.
        keeps_open: Silence after the end mark, until the client goes away.
    """

    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    framed: bool = True
    keeps_open: bool = False

    def opening(self) -> Iterable[Piece]:
        """Return what comes before the content and is none: a role, a notice."""
        return ()

    def delta(self, text: str) -> Piece:
        """Return one increment of the reply."""
        return text

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return all of the content; a fault in the middle keeps the first half of these."""
        return [self.delta(text) for text in deltas]

    def nothing(self) -> Iterable[Piece]:
        """Return what stands in the place of the content in an empty reply."""
        return ()

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the protocol's proof that the reply is complete; `text` is the whole reply."""
        return ()

    def error(self, message: str) -> Piece:
        """Return the protocol's own error event.

        Raises:
            NotImplementedError: It has none; such a service lists the faults that need it in `without`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no error event; list its faults in `without`")

    def comment(self) -> Piece:
        """Return what carries no content and may come at any time: a comment, a keep-alive line.

        Raises:
            NotImplementedError: The protocol has none; see `error`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no comments; list the fault in `without`")


def compact(value: Any) -> str:
    """Return `value` as JSON without blanks, and with all characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sse(data: Any, *, event: str | None = None) -> str:
    """Return a server-sent event: text as it is, anything else as JSON."""
    name = "" if event is None else f"event: {event}\n"
    return f"{name}data: {data if isinstance(data, str) else compact(data)}\n\n"


def json_line(value: Any) -> str:
    """Return `value` as one line of JSON."""
    return compact(value) + "\n"
