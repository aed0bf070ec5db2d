"""The file of `--output` that a report is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.cli.output_file import checked, replacing

if TYPE_CHECKING:
    from pathlib import Path


def target(name: str) -> Path | None:
    """Return the file of `--output`; None stands for standard output, as `-` does.

    Raises:
        Mistake: It cannot be written; better said before the providers are asked.
    """
    return None if name == "-" else checked(name, "--output", "health.html")


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
            with replacing(path) as draft:
                draft.write_bytes(data)
    except OSError as error:
        return f"the report cannot be written to {path}: {error.strerror or error}"
    return None
