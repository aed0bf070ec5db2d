"""Writes a report to a file atomically: a reader sees the old report or the new one, never half of one."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from router.cli.mistakes import Mistake

_READABLE: Final = 0o644
"""A report holds no secret, and is often read by another user: a web server, a collector of metrics."""


def target(name: str) -> Path | None:
    """Return the file of `--output`; None stands for standard output, as `-` does.

    Raises:
        Mistake: It cannot be written; better said before the providers are asked.
    """
    if name == "-":
        return None
    if not name or "\0" in name:
        raise Mistake("--output needs the name of a file, as in: --output health.html")
    path = Path(name)
    if path.is_dir():
        raise Mistake(
            f"--output {name} is a folder; name a file in it, as in: --output {path / 'health.html'}"
        )
    parent = path.resolve().parent
    if not parent.is_dir():
        raise Mistake(f"--output {name}: there is no folder {parent}; make it first")
    if not os.access(path if path.exists() else parent, os.W_OK):
        raise Mistake(f"--output {name} cannot be written; check its permissions, and those of its folder")
    return path


def write(path: Path, text: str) -> str | None:
    """Write `text` to `path` atomically; write to a special file such as `/dev/stdout` directly.

    Returns:
        None, or why it could not be written.
    """
    data = text.encode("utf-8", "replace")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data)  # a link stays one
    except OSError as error:
        return f"the report cannot be written to {path}: {error.strerror or error}"
    return None


def _replace(path: Path, data: bytes) -> None:
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _READABLE
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
