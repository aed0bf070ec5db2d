"""Checks the kind of a setting where a caller gives one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from router.policy.prices import Prices

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


def prices_of(value: Prices | None) -> Prices | None:
    """Return the prices given, or None; they and decimal numbers are imported for those who give some.

    Raises:
        TypeError: They are no `Prices`.
    """
    if value is None:
        return None
    from router.policy.prices import Prices

    return setting_of("prices", value, Prices, "{…}")
