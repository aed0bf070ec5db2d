"""What all replicas believe of one thing: the newest word wins, and "newest" means the same to all. Pure.

The store gives each message a place in one order: the time at which it was found, on the store's clock. Each
replica computes the same place from the same message, so whoever has read the same messages believes the
same, whatever came late or twice. What a replica finds itself counts at once; once its message is read back
in its place, the order decides about it as about any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from router.replicas.message import Message

Place: TypeAlias = tuple[float, int, int]
"""When something was found on the store's clock, and the id of its entry."""


class Register:
    """The newest word about one thing."""

    __slots__ = ("_applied", "_newest", "_own", "place")

    def __init__(self) -> None:
        self.place: Place | None = None
        self._newest: Message | None = None
        self._own: tuple[int, float] | None = None  # number and time of what was said, and not read back yet
        self._applied: tuple[str, int] | None = None  # what the state of this replica follows

    def said(self, message: Message, found: float) -> None:
        """Note what this replica found, which its state follows already.

        Args:
            message: That tells the others.
            found: When, on the store's clock, as far as this replica knows it.
        """
        self._own = message.number, found
        self._applied = message.sender, message.number

    def heard(self, message: Message, place: Place, *, mine: bool) -> Message | None:
        """Return the message that the state has to follow from now on, or None where it does so already.

        Args:
            message: Read from the stream.
            place: Its place in the order.
            mine: Whether this replica sent it.
        """
        if mine and self._own is not None and message.number >= self._own[0]:
            self._own = None
        if self.place is None or place > self.place:
            self.place, self._newest = place, message
        newest = self._newest
        if newest is None or (self._own is not None and self.place[0] <= self._own[1]):
            return None
        told = newest.sender, newest.number
        if told == self._applied:
            return None
        self._applied = told
        return newest
