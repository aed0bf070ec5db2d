"""What the package says that it needs, and whether what is installed is that. Only `>=` and `<` are used."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?P<bounds>[^;]*)(?P<marker>;.*)?")
_EXTRA: Final = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_FOR_DEVELOPERS: Final = ("dev", "docs")


def needed() -> dict[str, str]:
    """Return the packages that the library and the command need, with their bounds, such as `<5,>=4.11`."""
    return {name: bounds for name, bounds, extra in _lines() if extra in (None, "cli")}


def extras() -> dict[str, list[str]]:
    """Return the optional extras, with their packages."""
    found: dict[str, list[str]] = {}
    for name, _, extra in _lines():
        if extra not in (None, "cli", *_FOR_DEVELOPERS):
            found.setdefault(extra, []).append(name)
    return found


def _lines() -> Iterator[tuple[str, str, str | None]]:
    try:
        lines = requires("chat-router") or []
    except PackageNotFoundError:  # the sources are used without being installed
        return
    yield from (found for line in lines if (found := parsed(line)) is not None)


def parsed(line: str) -> tuple[str, str, str | None] | None:
    """Return the package, its bounds and the extra that wants it; None where only some machines need it."""
    match = _LINE.match(line)
    if match is None:
        return None
    extra = _EXTRA.search(match["marker"] or "")
    if match["marker"] and extra is None:
        return None
    return match["name"], match["bounds"].strip(), extra and extra[1]


def too_old_or_new(version: str, bounds: str) -> bool:
    """Whether a version is out of bounds such as `<5,>=4.11`; what it cannot read is within."""
    have = _numbers(version)
    for sign, bound in re.findall(r"(>=|<)\s*([\d.]+)", bounds):
        wanted = _numbers(bound)
        width = max(len(have), len(wanted))
        order = [each + (0,) * (width - len(each)) for each in (have, wanted)]
        if (order[0] < order[1]) is (sign == ">="):
            return True
    return False


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a release: (4, 11) of `4.11.0rc1` is (4, 11, 0)."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(each) for each in match[0].split(".")) if match else ()
