"""Raw text of a reply: UTF-8 that is cut anywhere, and UTF-16 surrogates that JSON carried as escapes.

Both classes make sure of one thing: whatever a peer sends, what is delivered can be encoded as UTF-8.
"""

from __future__ import annotations

import codecs
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""Stands where the bytes or the escapes of a peer mean no character."""

_decoder = codecs.getincrementaldecoder("utf-8")


class TextDecoder:
    """Decodes UTF-8 piece by piece; invalid bytes become U+FFFD. A peer's charset parameter plays no part."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        self._decoder = _decoder("replace")

    def feed(self, chunk: bytes) -> str:
        """Return the characters that `chunk` completes."""
        return self._decoder.decode(chunk)

    def flush(self) -> str:
        """Return U+FFFD where the bytes ended in the middle of a character, else nothing."""
        return self._decoder.decode(b"", True)


class SurrogateJoiner:
    """Joins surrogate pairs that were split over two deltas, and replaces lone halves by U+FFFD.

    A server that cuts its text by UTF-16 units sends the two halves of an emoji as two escapes in two deltas.
    The first half is held back until the next text, or until `flush`.
    """

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    @property
    def holds(self) -> bool:
        """Whether half a pair is held back."""
        return bool(self._half)

    def feed(self, text: str) -> str:
        """Return `text`, with what was held back before it and without a first half at its end."""
        if not self._half:
            if text.isascii():
                return text
            try:
                text.encode()
            except UnicodeEncodeError:
                pass
            else:
                return text
        if not text:
            return ""
        text = self._half + text
        self._half = ""
        if "\ud800" <= text[-1] <= "\udbff":
            self._half = text[-1]
            text = text[:-1]
        return encodable(text)

    def flush(self) -> str:
        """Return U+FFFD where half a pair was held back, else nothing."""
        if not self._half:
            return ""
        self._half = ""
        return REPLACEMENT


def encodable(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone halves replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
