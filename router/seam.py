"""The seam between the text of two providers: what the second repeats of the first is cut off. Pure.

The second provider is asked to repeat nothing, and often does: the last words, or everything from the start.
Its first text is held back until it is clear whether it repeats something; at most `HELD` characters, or as
long as it goes along with the whole of what was shown.
"""

from __future__ import annotations

from typing import Final

HELD: Final = 80
"""Characters held back while an overlap is possible."""
LEAST: Final = 3
"""A shorter overlap may be chance, and is kept."""


class Seam:
    """Trims the overlap at the beginning of a continuation.

    Args:
        shown: The text delivered before.
    """

    __slots__ = ("_held", "_shown", "closed")

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._held = ""
        self.closed = not shown
        """Whether the seam is decided, and text passes as it comes."""

    def feed(self, text: str) -> str:
        """Return what of the text so far can be shown."""
        if self.closed:
            return text
        self._held += text
        goes_along = self._shown.startswith(self._held[: len(self._shown)])
        enough = len(self._shown) if goes_along and len(self._held) >= LEAST else HELD
        if len(self._held) < enough:
            return ""
        return self.flush()

    def flush(self) -> str:
        """Return what is held back, trimmed: the continuation ends, or the seam is decided."""
        held, self._held = self._held, ""
        if self.closed:
            return held
        self.closed = True
        if len(held) >= LEAST and held.startswith(self._shown):
            return held[len(self._shown) :]
        return held[_overlap(self._shown, held) :]


def _overlap(shown: str, begun: str) -> int:
    """Return how much of the end of `shown` stands at the beginning of `begun`; 0 where under `LEAST`."""
    for length in range(min(len(shown), len(begun)), LEAST - 1, -1):
        if shown.endswith(begun[:length]):
            return length
    return 0
