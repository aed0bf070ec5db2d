"""Runs of events that are equal but for their text, which is how nearly all of a reply comes.

Once one event was decoded that brings text and nothing else, the next ones need not be decoded as JSON, where
this holds:

    event learned    HEAD  text of it      TAIL    valid JSON; its only key "content" has this text
    event to read    HEAD  something else  TAIL    byte for byte the same head and tail

Behind HEAD a JSON parser is inside of the string of that key. It still is at TAIL, as long as there is no
quote, no backslash and no control character between, and what stands there is exactly the text. So the event
is the learned one with another text. Anything unusual is left to the decoder of JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.wire.lines import LF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_KEY: Final = b'"content"'
_COLONS: Final = frozenset((b":", b": ", b" :", b" : "))
"""What stands between that key and the quote before its text."""
_BACKSLASH: Final = 0x5C
_TRIES: Final = 8


def split(said: str, between: str) -> list[str]:
    """Return `said.split(between)`, quickly where the first character of `between` is rare.

    It is a quote, and a text with a quote in it belongs to no run. To look for the whole of `between` costs
    CPython more than a microsecond each time, for a table that it prepares.
    """
    pieces: list[str] = []
    first = between[0]
    start = 0
    while True:
        end = said.find(first, start)
        if end >= 0 and not said.startswith(between, end):
            end = said.find(between, end)
        if end < 0:
            pieces.append(said[start:])
            return pieces
        pieces.append(said[start:end])
        start = end + len(between)


class TextRuns:
    """Reads runs of events by one that was decoded.

    Attributes:
        known: Whether an event was learned.
        tries: How often it still looks for an event to learn. Where each event has a number of its own,
            nothing is to be learned, and looking is given up.
    """

    __slots__ = ("_between", "_head", "_tail", "known", "tries")

    def __init__(self) -> None:
        self._head = self._tail = self._between = ""
        self.known = False
        self.tries = _TRIES

    def learn(self, data: bytes, text: str) -> None:
        """Learn an event, unless it is one of the run.

        Args:
            data: Of the event. It brings text and nothing else.
            text: What was decoded.
        """
        key = data.find(_KEY)
        if self.tries <= 0 or key < 0 or data.find(_KEY, key + 1) >= 0 or _BACKSLASH in data or LF in data:
            return
        start = data.find(b'"', key + len(_KEY)) + 1
        if data[key + len(_KEY) : start - 1] not in _COLONS:
            return
        try:
            value = text.encode()
            if data.startswith(value + b'"', start):
                self._tail = data[start + len(value) :].decode() + "\n\n"
                self._head = "data: " + data[:start].decode()
                self._between = self._tail + self._head
                self.known = True
                self.tries -= 1
        except UnicodeError:
            return

    def parts(self, chunk: bytes) -> Sequence[list[str] | bytes]:
        """Return the parts of a chunk that begins an event: texts of a run, or bytes that are to be decoded.

        No text is empty, and each part but the last ends with an event.
        """
        head, tail = self._head, self._tail
        try:
            said = chunk.decode()
        except UnicodeDecodeError:  # also where a character is cut in two
            return (chunk,)
        start = 0 if said.startswith(head) else said.find("\n\n" + head) + 2
        first, last = start + len(head), said.rfind(tail)
        if not head or start == 1 or last < first:
            return (chunk,)
        texts = split(said[first:last], self._between)
        if "" not in texts and _is_plain("".join(texts)):
            self.tries = _TRIES
            parts: list[list[str] | bytes] = [texts]
        else:
            parts = list(self._mixed(texts))
        if start:
            parts.insert(0, said[:start].encode())
        if rest := said[last + len(tail) :]:
            parts.append(rest.encode())
        return parts

    def events(self, texts: list[str]) -> bytes:
        """Return the events of a run, as they were sent."""
        return f"{self._head}{self._between.join(texts)}{self._tail}".encode()

    def _mixed(self, texts: list[str]) -> Iterator[list[str] | bytes]:
        run: list[str] = []
        for text in texts:
            if text and _is_plain(text):
                run.append(text)
                continue
            if run:
                yield run
                run = []
            yield self.events([text])
        if run:
            yield run


def _is_plain(text: str) -> bool:
    # A control character is not printable. What else is not, is left to the decoder, too.
    return '"' not in text and "\\" not in text and text.isprintable()
