"""Values as TOML writes them. The standard library only reads TOML."""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SHORT: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def key(name: str) -> str:
    """Return a key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else text(name)


def text(value: str) -> str:
    """Return a quoted text with control characters escaped."""
    return f'"{"".join(_SHORT.get(c) or (c if c.isprintable() else _escaped(c)) for c in value)}"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def number(value: float) -> str:
    """Return a number; one without a fraction is written without a point."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # inf, -inf and nan are TOML's own words
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def value(item: Any) -> str:
    """Return a value; tables and arrays in one line.

    Raises:
        TypeError: TOML has no such value.
    """
    match item:
        case bool():
            return "true" if item else "false"
        case int() | float():
            return number(item)
        case str():
            return text(str.__str__(item))
        case datetime.datetime() | datetime.date() | datetime.time():
            return item.isoformat()
        case list() | tuple() | set() | frozenset():
            parts = [value(each) for each in item]
            return f"[{', '.join(sorted(parts) if isinstance(item, set | frozenset) else parts)}]"
        case _ if hasattr(item, "items"):
            return table(item)
    raise TypeError(f"TOML has no {type(item).__name__}")


def table(items: Mapping[str, Any]) -> str:
    """Return an inline table."""
    pairs = ", ".join(f"{key(name)} = {value(item)}" for name, item in items.items())
    return f"{{ {pairs} }}" if pairs else "{}"
