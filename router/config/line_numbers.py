"""On which line each key of a TOML document stands.

`tomllib` returns values without their lines. After a mistake, this module reads the text again for the
positions alone. The text is valid TOML then, so only brackets, quotes and comments matter.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from router.config.mistakes import Where

_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'"
    r"|(?P<comment>\#[^\n]*)"
    r"|[\n\[\]{},=.]"
    r"|[^\s\[\]{},=.\"'\#]+",
    re.DOTALL,
)
_END: Final = ""


def lines_of(text: str) -> dict[Where, int]:
    """Return the line, from 1, of every key, table and value in an array of a valid document.

    Where a table stands in several pieces, the first one counts.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        found = [match for match in _TOKEN.finditer(text) if match["comment"] is None]
        starts = [at for at, character in enumerate(text) if character == "\n"]
        self._tokens = deque((match[0], 1 + bisect_right(starts, match.start() - 1)) for match in found)
        self._arrays: dict[Where, int] = {}  # tables of `[[…]]` -> the newest one's number
        self.lines: dict[Where, int] = {(): 1}

    @property
    def _next(self) -> str:
        return self._tokens[0][0] if self._tokens else _END

    def _take(self) -> tuple[str, int]:
        return self._tokens.popleft()

    def document(self) -> None:
        table: Where = ()
        while self._next != _END:
            if self._next == "\n":
                self._take()
            elif self._next == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Where:
        _, line = self._take()
        is_array = self._next == "["
        if is_array:
            self._take()
        *parents, name = self._key("]")
        table: Where = ()
        for parent in parents:
            table = self._entered((*table, parent), line)
        table = (*table, name)
        if is_array:
            self._take()
            self._arrays[table] = self._arrays.get(table, -1) + 1
        return self._entered(table, line)

    def _entered(self, table: Where, line: int) -> Where:
        """Return the table itself, or the newest one where there are several of its name."""
        self.lines.setdefault(table, line)
        if table in self._arrays:
            table = (*table, self._arrays[table])
            self.lines.setdefault(table, line)
        return table

    def _key(self, end: str) -> list[str]:
        """Return a key's parts, and take what ends it."""
        names = []
        while (token := self._take()[0]) != end:
            if token != ".":
                names.append(_unquoted(token))
        return names

    def _pair(self, table: Where) -> None:
        line = self._tokens[0][1]
        for name in self._key("="):
            table = (*table, name)
            self.lines.setdefault(table, line)
        self._value(table)

    def _value(self, where: Where) -> None:
        end = {"{": "}", "[": "]"}.get(self._next)
        while end is None and self._next not in ("\n", ",", "]", "}", _END):
            self._take()
        if end is None:
            return
        self._take()
        number = 0
        while self._next != end:
            if self._next in (",", "\n"):
                self._take()
            elif end == "}":
                self._pair(where)
            else:
                self.lines[*where, number] = self._tokens[0][1]
                self._value((*where, number))
                number += 1
        self._take()


def _unquoted(token: str) -> str:
    return next(iter(tomllib.loads(f"{token} = 0"))) if token[0] in "\"'" else token
