"""How much one reply may bring, and how long it may bring nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.contract.errors import ReplyTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable


class Meter:
    """Counts what a reply delivers, and stops a peer that never ends.

    Args:
        characters: The most characters of the whole reply, reasoning and tool calls included.
        empty: The most items in a row without content: role-only deltas, pings, notices.
    """

    __slots__ = ("_characters", "_empty", "_empty_left", "_left")

    def __init__(self, characters: int, empty: int) -> None:
        self._characters = characters
        self._left = characters
        self._empty = empty
        self._empty_left = empty

    def content(self, text: str) -> None:
        """Count delivered text. Text without a character is an item without content.

        Raises:
            ReplyTooLarge: The reply is over its limit of characters.
        """
        if not text:
            self.empty()
            return
        self._empty_left = self._empty
        self._left -= len(text)
        if self._left < 0:
            raise ReplyTooLarge(f"the reply is over the limit of {self._characters} characters")

    def take(self, texts: Iterable[str]) -> bool:
        """Count delivered texts, none of them empty, and return True; False, and nothing counted, if over."""
        left = self._left - sum(map(len, texts))
        if left < 0:
            return False
        self._left = left
        self._empty_left = self._empty
        return True

    def beside(self, characters: int) -> None:
        """Count what comes beside the text: it takes room, but is no progress.

        Raises:
            ReplyTooLarge: The reply is over its limit of characters.
        """
        self._left -= characters
        if self._left < 0:
            raise ReplyTooLarge(f"the reply is over the limit of {self._characters} characters")

    def empty(self) -> None:
        """Count an item without content.

        Raises:
            ReplyTooLarge: There were too many of them in a row.
        """
        self._empty_left -= 1
        if self._empty_left < 0:
            raise ReplyTooLarge(f"the provider sent over {self._empty} items in a row without content")
