"""Reads, decodes and parses the file."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from router.config.line_numbers import lines_of
from router.config.mistakes import shown_key
from router.errors import ConfigError, ConfigMistake

if TYPE_CHECKING:
    from router.config.mistakes import Where

LARGEST: Final = 1 << 20
"""Bytes of a configuration file."""
_POSITION: Final = re.compile(r" \((?:at line (\d+), column (\d+)|at end of document)\)\Z")
_HINTS: Final = (
    ("expected '='", "write key = value, one on each line"),
    ("invalid value", 'text needs quotes, as in "text"; true and false are lowercase'),
    ("expected newline", "one key = value on each line; text needs quotes"),
    ("overwrite", "this key or table is defined twice; keep one"),
    ("declare", "this table is defined twice; keep one, or write [[…]] for several"),
    ("immutable", "this table is already complete; write the key inside it"),
    ("illegal character", "a text ends on its own line; three quotes take several"),
    ("hex value", "in a path write / or \\\\, or put it in 'single quotes'"),
    ("unclosed", "close the bracket"),
    ("unterminated", "close the quotes"),
    ("unescaped", "in a path write / or \\\\, or put it in 'single quotes'"),
)


@dataclass(slots=True)
class Document:
    """A parsed file.

    Attributes:
        file: Its name, as the user gave it.
        folder: Where relative paths in it begin.
        text: What it holds.
        table: What that means.
    """

    file: str
    folder: Path
    text: str = field(repr=False)
    table: dict[str, Any] = field(repr=False)

    def error(self, mistakes: list[tuple[Where, str]]) -> ConfigError:
        """Return the error with all mistakes, in the order of the file."""
        lines = lines_of(self.text)
        listed = []
        for where, text in mistakes:
            line = next(
                (lines[where[:end]] for end in range(len(where), 0, -1) if where[:end] in lines), None
            )
            listed.append(ConfigMistake(shown_key(where), text, line))
        return ConfigError(self.file, tuple(sorted(listed, key=lambda mistake: mistake.line or 0)))


def read(path: str | os.PathLike[str], *, trusted: bool = True) -> Document:
    """Return the document in a file.

    Args:
        path: The file.
        trusted: Whether the user named it. One that was only found must be the user's own.

    Raises:
        ConfigError: It cannot be read, or is not TOML.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            if not trusted and (why := _foreign(os.fstat(file.fileno()))):
                raise _unusable(name, f"{why}, and was found, not named; name it with --config")
            content = file.read(LARGEST + 1)
        folder = Path(name).absolute().parent
    except FileNotFoundError:
        raise _unusable(name, "no such file; check the name, or write one with: chat-router init") from None
    except (OSError, ValueError) as error:
        raise _unusable(name, f"cannot be read: {_why(name, error)}") from None
    if len(content) > LARGEST:
        raise _unusable(name, f"has more than {LARGEST >> 20} MiB, which is too large for a configuration")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(name, "is not UTF-8 here; save the file as UTF-8", line) from None
    return Document(name, folder, text, _parsed(name, text))


def _why(name: str, error: OSError | ValueError) -> str:
    """Return why a file cannot be opened, and what to do where that is known."""
    why = getattr(error, "strerror", None) or str(error)
    if isinstance(error, IsADirectoryError):
        return f"{why}; name the file in it, as in {Path(name) / 'router.toml'}"
    return f"{why}; check its owner and its permissions" if isinstance(error, PermissionError) else why


def _foreign(status: os.stat_result) -> str:
    """Return why a file may belong to another user, who could redirect secrets with it; else nothing."""
    if hasattr(os, "getuid") and status.st_uid not in (os.getuid(), 0):
        return "belongs to another user"
    return "can be written by every user of this machine" if status.st_mode & stat.S_IWOTH else ""


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(name, text, str(error)) from None
    except RecursionError:
        raise _unusable(name, "is nested too deeply") from None
    except ValueError:  # of a number that Python refuses to read
        raise _unusable(name, "has an invalid number or date") from None


def _no_toml(name: str, text: str, said: str) -> ConfigError:
    position = _POSITION.search(said)
    said = said[: position.start()] if position else said
    hint = next((hint for words, hint in _HINTS if words in said.lower()), "see https://toml.io")
    line = int(position[1]) if position and position[1] else text.count("\n") + 1
    column = f" (column {position[2]})" if position and position[2] else ""
    return _unusable(name, f"invalid TOML: {said[:1].lower()}{said[1:]}{column}; {hint}", line)


def _unusable(name: str, text: str, line: int | None = None) -> ConfigError:
    return ConfigError(name, (ConfigMistake("", text, line),))
