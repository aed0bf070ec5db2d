"""The errors of a history file, each with the cause and what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import ChatRouterError

if TYPE_CHECKING:
    from pathlib import Path


class HistoryError(ChatRouterError):
    """The file of a history cannot be used; the text names the file, the cause and what to do."""


_SENTENCES: Final = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; name another file",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check its permissions, and those of its folder",
    sqlite3.SQLITE_PERM: "may not be opened; check its permissions, and those of its folder",
    sqlite3.SQLITE_AUTH: "may not be opened; check its permissions, and those of its folder",
    sqlite3.SQLITE_READONLY: "cannot be written; check its permissions, and those of its folder",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full, or a limit is reached; free some space",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error; check the disk",
    sqlite3.SQLITE_BUSY: "is being written by another program for too long; try again",
    sqlite3.SQLITE_LOCKED: "is being written by another program for too long; try again",
    sqlite3.SQLITE_CORRUPT: "is damaged; move it away, and a new one is begun",
}


def explained(error: sqlite3.Error, path: Path) -> HistoryError:
    """Return the error that says in words what SQLite found wrong with the file at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    sentence = None if code is None else _SENTENCES.get(code & 0xFF)
    return HistoryError(f"the history {path} {sentence or f'cannot be used: {error}'}")
