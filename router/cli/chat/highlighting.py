"""Markdown on a terminal, as it streams: headings, bold text and code get a style, and no character is lost.

What is shown, without its escape sequences, is the text. A style ends with its line, code between fences
with its fence; so a star that stands alone colours no more than the rest of a line.
"""

from __future__ import annotations

import re
from typing import Final

_BOLD: Final = "\x1b[1m"
_CODE: Final = "\x1b[36m"
_RESET: Final = "\x1b[0m"
_FENCE: Final = re.compile(r" {0,3}```")
_HEADING: Final = re.compile(r"#{1,6} ")
_MAYBE_MARK: Final = re.compile(r" {1,3}| {0,3}`{1,2}|#{1,6}")
"""The start of a line that may become a fence or a heading."""


class Highlighter:
    """Adds the styles to a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""  # what may be the beginning of a mark
        self._last = " "
        self._at_start = True
        self._is_fenced = False
        self._is_closing = False  # on the line of the closing fence
        self._is_heading = False
        self._is_bold = False
        self._is_code = False

    def feed(self, text: str) -> str:
        """Return what can be shown of the text so far."""
        text, self._held = self._held + text, ""
        shown: list[str] = []
        while text:
            step = self._start(text) if self._at_start else self._within(text)
            if step is None:  # more has to come to tell
                self._held = text
                break
            length, styled = step
            if length:
                self._last = text[length - 1]
            shown.append(styled)
            text = text[length:]
        return "".join(shown)

    def end(self) -> str:
        """Return what was held back, and the end of every style."""
        return self._held + (_RESET if self._style() else "")

    def _style(self) -> str:
        code = _CODE if self._is_fenced or self._is_code else ""
        return code + (_BOLD if self._is_heading or self._is_bold else "")

    def _start(self, text: str) -> tuple[int, str] | None:
        """Look at the start of a line; return how much was read, and what to show for it."""
        if _MAYBE_MARK.fullmatch(text):
            return None
        self._at_start = False
        before = self._style()
        if _FENCE.match(text):
            self._is_closing = self._is_fenced
            self._is_fenced = True
        elif not self._is_fenced and _HEADING.match(text):
            self._is_heading = True
        return 0, self._change(before)

    def _within(self, text: str) -> tuple[int, str] | None:
        """Look at the next mark, or at all up to it."""
        marks = "\n" if self._is_fenced else "\n*`"
        before = self._style()
        if text[0] not in marks:
            end = next((at for at, each in enumerate(text) if each in marks), len(text))
            return end, text[:end]
        if text[0] == "\n":
            self._is_fenced = self._is_fenced and not self._is_closing
            self._at_start = True
            self._is_closing = self._is_heading = self._is_bold = self._is_code = False
            return 1, "\n" + self._change(before)
        if text[0] == "`":
            self._is_code = not self._is_code
            return 1, self._marked("`", before, begins=self._is_code)
        if text in ("*", "**"):
            return None
        if text[:2] != "**" or self._is_code:
            return 1, "*"
        opens = not text[2].isspace() and not self._last.isalnum()
        if not (self._is_bold or opens):
            return 2, "**"
        self._is_bold = not self._is_bold
        return 2, self._marked("**", before, begins=self._is_bold)

    def _marked(self, mark: str, before: str, *, begins: bool) -> str:
        """Return a mark in the style that it begins or ends."""
        return self._change(before) + mark if begins else mark + self._change(before)

    def _change(self, before: str) -> str:
        after = self._style()
        return "" if after == before else _RESET + after
