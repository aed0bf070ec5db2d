"""References to values outside of the file: `{ env = "NAME" }` and `{ file = "path" }`.

A configuration file is copied, mailed, committed and shown; so it says where a secret is, never what it is.
The path is relative to the configuration file. Line ends at the end of the file are no part of the value:
editors and `echo` put them there.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.secret import Secret
from router.config.mistakes import found

if TYPE_CHECKING:
    from pathlib import Path

    from router.config.mistakes import Position

NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
"""What a shell takes as the name of a variable."""
PREFIX: Final = "CHAT_ROUTER_"
"""A file that was found, not named, may only name variables with this prefix: it could send others away."""
LARGEST: Final = 64 << 10
"""Bytes of a file with a value."""
WAYS: Final = '{ env = "NAME" } for an environment variable, or { file = "path" } for a file'
"""How a reference is written."""


def refer(value: dict[str, Any], at: Position) -> Any:
    """Return the value that a reference leads to, as a `Secret`, or `WRONG`."""
    kinds = set(value)
    if len(kinds) != 1 or not kinds <= {"env", "file"}:
        return at.wrong(f"a table here says where the value is: write {WAYS}")
    ((kind, name),) = value.items()
    if not isinstance(name, str):
        return (at / kind).wrong(f"is {found(name)}; it must be text")
    secret = _variable(name, at / kind) if kind == "env" else _file(name, at / kind)
    if isinstance(secret, Secret):
        at.reading.secrets.append(secret)
    return secret


def _variable(name: str, at: Position) -> Any:
    if not re.fullmatch(NAME, name):
        # Not repeated: some users write the secret itself here.
        return at.wrong("not a valid name of an environment variable; never write the value itself here")
    if not at.reading.trusted and not name.startswith(PREFIX):
        return at.wrong(
            f"may only name variables that begin with {PREFIX}, since this file was found, not named; "
            "name it with --config, or rename the variable"
        )
    value = at.reading.environ.get(name)
    if value is None:
        return at.wrong(f"the environment variable {name} is not set; set it where this runs")
    return _secret(value, f"the environment variable {name}", at)


def _file(name: str, at: Position) -> Any:
    reading = at.reading
    try:
        path = reading.folder / name
        if not reading.trusted and not path.resolve().is_relative_to(reading.folder.resolve()):
            return at.wrong(
                "leads out of the folder of this file, which was found, not named; name it with --config"
            )
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
            status = os.fstat(file.fileno())
    except (OSError, ValueError, RuntimeError) as error:
        hint = "; ~ is not expanded, write the whole path" if name.startswith("~") else ""
        why = getattr(error, "strerror", None) or "it cannot be a path"
        return at.wrong(f"cannot be read: {why}: {_shown_path(reading.folder, name)}{hint}")
    if len(content) > LARGEST:
        return at.wrong(
            f"has more than {LARGEST >> 10} KiB, which is too large for a key or cookie: {name!r}"
        )
    try:
        value = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return at.wrong(f"is not UTF-8 (at byte {error.start}): {name!r}")
    if _too_open(status):
        reading.notes.append(f"{name} can be read by every user of this machine; chmod 600 {name}")
    return _secret(value, f"the file {name!r}", at)


def _shown_path(folder: Path, name: str) -> str:
    """Return the path, escaped: the file may hold any text."""
    return repr(str(folder / name))


def _secret(value: str, what: str, at: Position) -> Any:
    if not value:
        return at.wrong(f"{what} is empty")
    try:
        return Secret(value, origin=what)
    except ValueError:
        return at.wrong(f"{what} has a control character or more than one line; check how it was made")


def _too_open(status: os.stat_result) -> bool:
    """Whether all can read a file of this user. Files of others are not checked: mounted secrets are 0444."""
    own = hasattr(os, "getuid") and status.st_uid == os.getuid()
    return own and stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_IROTH | stat.S_IWOTH))
