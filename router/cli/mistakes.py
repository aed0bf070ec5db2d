"""Usage errors: each becomes one line on standard error and exit code 64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Collection


class Mistake(Exception):
    """A usage error; its message is the line that the user reads."""


def choice(kind: str, value: str, known: Collection[str]) -> str:
    """Return `value`, which must be one of `known`.

    Raises:
        Mistake: It is not; names the nearest one, and all there are.
    """
    if value not in known:
        raise Mistake(unknown(f"unknown {kind}", value, known))
    return value


def unknown(start: str, value: str, known: Collection[str]) -> str:
    """Return the sentence about an unknown name, which begins with `start`."""
    return f"{start} {value!r}{nearest(value, known) or '.'} There are: {', '.join(known)}"


def one_line(text: str) -> str:
    """Return `text` without line breaks."""
    return " ".join(text.split())
