"""The overlap between the texts of two providers: what the second repeats of the first is cut off. Pure.

The second provider is asked to repeat nothing, and often does: the last words, or everything from the start.
What is cut off is the longest end of what was shown that its text begins with; everything from the start is
the longest of all. Its first text is held back as long as more of it could still be a repetition, and no
longer, so that nothing depends on how it comes in pieces.
"""

from __future__ import annotations

from typing import Final

LEAST: Final = 3
"""A shorter overlap may be chance, and is kept."""


class Overlap:
    """Trims the overlap at the beginning of a continuation.

    Args:
        shown: The text delivered before.
    """

    __slots__ = ("_at", "_held", "_shown", "decided")

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._held = ""
        self._at = 0  # where what is held stands first in what was shown
        self.decided = len(shown) < LEAST
        """Whether the overlap is decided, and text passes as it comes."""

    @classmethod
    def after(cls, shown: str) -> Overlap:
        """Return what trims a continuation of `shown`; one does for all replies that continue nothing."""
        return cls(shown) if shown else _NONE

    def feed(self, text: str) -> str:
        """Return what of the text so far can be shown."""
        if self.decided:
            return text
        self._held += text
        end = len(self._shown) - 1  # where it stands before the very end, more of it may come
        if not self._shown.startswith(self._held, self._at, end):
            self._at = self._shown.find(self._held, self._at, end)
        return "" if self._at >= 0 else self.flush()

    def flush(self) -> str:
        """Return what is held back, trimmed: the continuation ends, or the overlap is decided."""
        held, self._held = self._held, ""
        self.decided = True
        return held[_overlap(self._shown, held) :]


_NONE: Final = Overlap("")


def _overlap(shown: str, begun: str) -> int:
    """Return how much of the end of `shown` stands at the beginning of `begun`; 0 where under `LEAST`.

    After Knuth, Morris and Pratt: linear, whatever the texts are.
    """
    begun = begun[: len(shown)]
    borders = [0] * len(begun)  # of each prefix: the longest that it both begins and ends with, itself aside
    for index in range(1, len(begun)):
        borders[index] = _longer(begun, borders, borders[index - 1], begun[index])
    length = 0
    for character in shown[len(shown) - len(begun) :]:
        length = _longer(begun, borders, length, character)
    return length if length >= LEAST else 0


def _longer(begun: str, borders: list[int], length: int, character: str) -> int:
    """Return the longest prefix of `begun` that ends in `character`, behind one of `length`."""
    while length and begun[length] != character:
        length = borders[length - 1]
    return length + (begun[length] == character)
