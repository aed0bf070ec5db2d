"""Tells what to write in place of a keyword that a constructor does not have. Pure."""

from __future__ import annotations

from functools import lru_cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Collection


class KnownKeywords:
    """Refuses unknown keywords of the constructor of a class derived from it, with what to write instead.

    A type checker does not see it: it reads the constructor of the class.
    """

    __slots__ = ()

    if not TYPE_CHECKING:

        def __new__(cls, *_args: Any, **settings: Any) -> KnownKeywords:
            """Return the object, before its constructor.

            Raises:
                TypeError: The constructor does not take one of the keywords.
            """
            known = _keywords_of(cls.__init__)
            unknown = [] if known is None else [name for name in settings if name not in known]
            if unknown:
                raise TypeError(_refusal(cls.__name__, unknown[0], settings[unknown[0]], known))
            return super().__new__(cls)


@lru_cache(64)
def _keywords_of(constructor: Any) -> tuple[str, ...] | None:
    """Return the keywords that a constructor takes; None where it takes any."""
    found = list(signature(constructor).parameters.values())[1:]
    if any(each.kind is Parameter.VAR_KEYWORD for each in found):
        return None
    return tuple(
        each.name for each in found if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    )


def _refusal(kind: str, name: str, value: object, known: Collection[str]) -> str:
    head = f"{kind} has no setting {name!r}"
    if meant := meant_by(kind, name, value, known):
        return head + meant
    begun = [each for each in known if each.startswith(name)]  # of `first`, the letters are too few
    near = nearest(name, known) or (f"; did you mean {begun[0]!r}?" if begun else ".")
    return f"{head}{near} Known are {', '.join(known)}"


def meant_by(kind: str, name: str, value: object, known: Collection[str]) -> str:
    """Return what to write for a keyword that other libraries have, or nothing.

    Args:
        kind: The name of the class that was called.
        name: The keyword.
        value: What was given for it; only a number is repeated.
        known: The keywords that the class takes.
    """
    from adapters.contract.foreign_keywords import instead  # only a refusal reads the table

    return instead(kind, name, value, known)


def setting_meant_by(kind: str, name: str, known: Collection[str]) -> tuple[str, bool] | None:
    """Return the setting that other libraries call `name`, if any, and whether adapters have it."""
    from adapters.contract.foreign_keywords import ADAPTER, row_of

    row = row_of(kind, name, known)
    return None if row is None else (row.setting, row.owner == ADAPTER)
