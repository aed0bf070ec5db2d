"""Tells what to write in place of an attribute that other libraries have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOBODY: Final = object()


def no_attribute(kind: str, name: str, instead: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that there is not.

    Args:
        kind: The class.
        name: The attribute.
        instead: What other libraries call it -> what to write.
    """
    advice = f"; write {instead[name]}" if name in instead else ""
    # Of the object itself Python would show the nearest name, which may be a private one.
    return AttributeError(f"{kind!r} object has no attribute {name!r}{advice}", name=name, obj=_NOBODY)
