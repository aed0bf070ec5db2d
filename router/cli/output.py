"""Output of the commands: colours and safe text on a terminal, plain text everywhere else.

A reply is a peer's text, and a terminal obeys escape sequences; so control characters are replaced where a
terminal would read them. A file or a pipe gets the text as it came.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_REPLACED: Final = {
    code: "\N{REPLACEMENT CHARACTER}"
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}
"""Control characters, and those that turn the direction of text."""
_FULLEST: Final = 100  # columns: longer lines are hard to read
_PLAIN_WIDTH: Final = 80


def printable(text: str) -> str:
    """Return `text` with control characters replaced."""
    return text.translate(_REPLACED)


def printable_json(text: str) -> str:
    """Return JSON of the same value, with control characters escaped."""
    return text.translate({code: f"\\u{code:04x}" for code in _REPLACED})


def is_plain(stream: TextIO) -> bool:
    """Whether `stream` gets neither colours nor other escape sequences."""
    return not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in ("dumb", "")


def console_for(stream: TextIO) -> Console:
    """Return a console of rich that writes to `stream`; a plain one writes no escape sequence at all."""
    from rich.console import Console

    class Told(Console):
        """Raises where its reader went away; rich's own exits, with a code that says nothing."""

        def on_broken_pipe(self) -> None:
            raise  # the BrokenPipeError that rich is handling

    plain = is_plain(stream)
    console = Told(
        file=stream,
        force_terminal=False if plain else None,
        color_system=None if plain else "auto",
        width=_width() if not stream.isatty() else None,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.width = min(console.width, _FULLEST)
    return console


def _width() -> int:
    """Return the width of output that goes to no terminal: COLUMNS, or 80."""
    given = os.environ.get("COLUMNS", "")
    return max(40, int(given)) if given.isdecimal() and len(given) < 5 else _PLAIN_WIDTH


def say(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()


class Out:
    """Standard output for a reply: its text as it comes, and nothing else.

    Attributes:
        at_start: Whether the next character begins a line.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self.at_start = True

    def write(self, text: str) -> None:
        """Write `text` at once."""
        if text:
            sys.stdout.write(printable(text) if self._terminal else text)
            sys.stdout.flush()
            self.at_start = text.endswith("\n")

    def end(self) -> None:
        """End the line, so that later output begins on a new one, in a file or a pipe, too."""
        if not self.at_start:
            self.write("\n")
