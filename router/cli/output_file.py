"""A file that a command writes: its name is checked before the work, and the file is replaced as a whole."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.cli.mistakes import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

_READABLE: Final = 0o644
"""It holds no secret, and is often read by another user: a web server, a collector of metrics."""


def checked(name: str, usage: str, example: str) -> Path:
    """Return the file of a name.

    Args:
        name: As the user wrote it.
        usage: What stands before the name on the command line.
        example: A name that is usual there.

    Raises:
        Mistake: It cannot be written; better said before the work.
    """
    if not name or "\0" in name:
        raise Mistake(f"{usage} needs the name of a file, as in: {usage} {example}")
    path = Path(name)
    if path.is_dir():
        raise Mistake(f"{name} is a folder; name a file in it, as in: {usage} {path / example}")
    parent = path.resolve().parent
    if not parent.is_dir():
        raise Mistake(f"{name}: there is no folder {parent}; make it first")
    try:
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError("it may not be changed")
        if path.is_file() or not path.exists():  # a device stays where it is
            tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        why = error.strerror or error
        raise Mistake(
            f"{name} cannot be written: {why}; check its permissions, and those of {parent}"
        ) from None
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new file beside `path` to write to, which then takes its place.

    A reader sees the old file or the new one, never half of one. Where writing raises, the old one stays.
    A link stays a link, and the permissions stay as they are.

    Raises:
        OSError: It cannot be written.
    """
    path = path.resolve()
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _READABLE
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.chmod(mode)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink()
