"""What the user writes: messages of one line or of several, at a terminal or through a pipe."""

from __future__ import annotations

import sys
from glob import glob
from typing import TYPE_CHECKING, Final

from router.cli.mistakes import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK: Final = '"""'
_PROMPT: Final = "> "
_FURTHER: Final = ". "


class Lines:
    """Reads messages from standard input.

    Args:
        completions: Returns the words that can follow a line such as `/provider o`, for the tab key.

    Attributes:
        is_terminal: Whether a person writes.
    """

    def __init__(self, completions: Callable[[str], list[str]]) -> None:
        self.is_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._completions = completions
        if self.is_terminal:
            self._edit_lines()

    def message(self) -> str | None:
        """Return the next message; None at the end.

        Raises:
            Mistake: The input is no text.
        """
        line = self._line(_PROMPT)
        if line is None:
            return None
        if line.strip().startswith(_BLOCK):
            return self._block(line.strip().removeprefix(_BLOCK))
        while line.endswith("\\"):
            further = self._line(_FURTHER)
            line = f"{line[:-1]}\n{further or ''}"
        return line

    def _block(self, first: str) -> str:
        lines = [first] if first else []
        while not (lines and lines[-1].endswith(_BLOCK)):
            line = self._line(_FURTHER)
            if line is None:
                return "\n".join(lines)
            lines.append(line)
        return "\n".join(lines).removesuffix(_BLOCK).rstrip("\n")

    def _line(self, prompt: str) -> str | None:
        if not self.is_terminal:
            return _piped()
        try:
            if sys.stdout.isatty():
                return input(prompt)
            sys.stderr.write(prompt)  # the replies alone go to the file or pipe
            sys.stderr.flush()
            return input()
        except EOFError:
            return None

    def _edit_lines(self) -> None:
        """Let the arrow keys bring back lines of this session, and the tab key complete."""
        try:
            import readline
        except ImportError:  # Windows
            return
        readline.set_completer_delims(" ")
        readline.set_completer(lambda _, number: self._completion(readline.get_line_buffer(), number))
        readline.parse_and_bind("tab: complete")

    def _completion(self, line: str, number: int) -> str | None:
        found = self._completions(line)
        return found[number] if number < len(found) else None


def files(begun: str) -> list[str]:
    """Return the names of files that begin with what is written."""
    return sorted(glob(f"{begun}*"))


def _piped() -> str | None:
    if sys.stdin is None:
        return None
    try:
        line = sys.stdin.buffer.readline().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Mistake(
            f"standard input is not UTF-8 (at byte {error.start} of a line); convert it first"
        ) from None
    return line.rstrip("\r\n") if line else None
