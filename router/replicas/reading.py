"""What the reader makes of the stream: which entries it reads, and what it hands to the router. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from router.replicas.agreement import Anew, Heard
from router.replicas.message import Nonsense, event_time, message_of

if TYPE_CHECKING:
    from router.replicas.agreement import Agreement

BLOCK: Final = 250
"""Milliseconds to wait for entries; below the limit of the socket, and how long closing may take."""
COUNT: Final = 64
"""Entries in one reply."""
_BEGINNING: Final = b"0-0"


class Reading:
    """Reads on from the last entry.

    Args:
        agreement: Gets what is heard.
    """

    def __init__(self, agreement: Agreement) -> None:
        self.last = _BEGINNING
        """The id of the last entry that was read."""
        self.nonsense = 0
        """Entries that were no messages."""
        self._agreement = agreement

    def connected(self, newest: object) -> None:
        """Learn after connecting which entry is the newest; begin anew where the stream is another one.

        Args:
            newest: The reply to XREVRANGE for one entry.
        """
        if self.last == _BEGINNING:
            return
        try:
            identifier = newest[0][0]  # type: ignore[index]  # what is of another shape is told apart below
            is_older = _number(identifier) < _number(self.last)
        except (TypeError, IndexError, Nonsense):
            is_older = True
        if is_older:
            self.last = _BEGINNING
            self._agreement.inbox.append(Anew())

    def read(self, reply: object) -> int:
        """Take the reply to XREAD; return how many entries there were."""
        entries = _entries(reply)
        for entry in entries:
            try:
                identifier, fields = entry
                number = _number(identifier)
            except (TypeError, ValueError):
                self.nonsense += 1
                continue
            if number > _number(self.last):
                self.last = identifier
            try:
                message, age = message_of(_mapping(fields))
                self._agreement.inbox.append(Heard(message, event_time(identifier, age)))
            except Nonsense:
                self.nonsense += 1
        return len(entries)


def _entries(reply: object) -> list[Any]:
    """Return the entries of the one stream that was asked for; both protocols of the store are known."""
    if isinstance(reply, Mapping):
        reply = [[key, value] for key, value in reply.items()]
    if not isinstance(reply, list) or not reply or len(reply[0]) != 2 or not isinstance(reply[0][1], list):
        return []
    return reply[0][1]


def _mapping(fields: object) -> Mapping[bytes, bytes]:
    if isinstance(fields, Mapping):
        return fields
    if isinstance(fields, list) and len(fields) % 2 == 0:
        return dict(zip(fields[::2], fields[1::2], strict=True))
    raise Nonsense("no fields")


def _number(identifier: object) -> tuple[float, int, int]:
    if not isinstance(identifier, bytes):
        raise Nonsense("not an id")
    return event_time(identifier, 0.0)
