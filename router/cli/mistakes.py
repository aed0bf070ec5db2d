"""Usage errors: each becomes one line on standard error and exit code 64."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

Word = TypeVar("Word", bound=str)


class Mistake(Exception):
    """A usage error; its message is the line that the user reads."""


def choice(kind: str, value: str, known: Collection[Word]) -> Word:
    """Return the one of `known` that `value` is.

    Raises:
        Mistake: It is none; names the nearest one, and all there are.
    """
    for each in known:
        if each == value:
            return each
    raise Mistake(unknown(f"unknown {kind}", value, known))


def unknown(start: str, value: str, known: Collection[str]) -> str:
    """Return the sentence about an unknown name, which begins with `start`."""
    return f"{start} {value!r}{nearest(value, known) or '.'} There are: {', '.join(known)}"


def one_line(text: str) -> str:
    """Return `text` without line breaks."""
    return " ".join(text.split())
