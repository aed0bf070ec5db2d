"""Checks the kind of a setting where a caller gives one. Pure."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def setting_of(name: str, value: T | None, kind: type[T], example: str = "…") -> T | None:
    """Return `value`, which is None or of a kind.

    Args:
        name: The setting's name, for the error.
        value: Its value.
        kind: Of what it has to be an object.
        example: What to write between the brackets, for the error.

    Raises:
        TypeError: It is neither.
    """
    if value is None or isinstance(value, kind):
        return value
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    got = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    raise TypeError(
        f"{name} must be {article} {kind.__name__}, got {got}; write {name}={kind.__name__}({example})"
    )
