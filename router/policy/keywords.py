"""Tells what to write in place of a keyword that a constructor does not have. Pure."""

from __future__ import annotations

from functools import lru_cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

_RETRIES = ("retries", "max_retries")


class KnownKeywords:
    """Refuses unknown keywords of the constructor of a class derived from it, with the nearest one.

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
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "timeout" and "timeouts" in known:
        total = value if is_number else 60
        return f"{head}: a request has several clocks; write timeouts=Timeouts(total={total})"
    if name in _RETRIES and "retry" in known:
        attempts = value if is_number else 3
        return f"{head}: a policy says when to ask again; write retry=RetryPolicy(attempts={attempts})"
    begun = [each for each in known if each.startswith(name)]  # of `first`, the letters are too few
    near = nearest(name, known) or (f"; did you mean {begun[0]!r}?" if begun else ".")
    return f"{head}{near} Known are {', '.join(known)}"
