"""Keys and cookies that do not leak. Standard library only."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn, Self

CREDENTIALS: Final = re.compile(
    r"(?:^|[-_.])(?:(?:api)?key|token|secret|passw(?:or)?d|auth|authorization|cookie|credentials?|jwt|sid"
    r"|sess(?:ion)?(?:[-_.]?id)?|signature)\Z|sess(?:ion)?id\Z",
    re.IGNORECASE,
)
"""The name of a header, cookie or setting whose value is certainly secret: by its end, so that
`x-portkey-provider` is none."""


class Secret:
    """A value that shows itself nowhere: not in `str`, `repr`, formats, pickles or the state of an object.

    Args:
        value: The key, cookie or token. A `Secret` is taken as it is.
        origin: Where it came from, for messages, such as `OPENAI_API_KEY`; no part of what it is.

    Attributes:
        origin: As given.

    Raises:
        TypeError: `value` is not text.
        ValueError: `value` is empty or has a control character, which no HTTP header can carry.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str | Secret, *, origin: str = "") -> None:
        if isinstance(value, Secret):
            origin = origin or value.origin
            value = value.reveal()
        problem: Exception | None = None
        if not isinstance(value, str):
            problem = TypeError(
                f"a secret is text, not {type(value).__name__}; pass the key or cookie as str"
            )
        elif not value or not value.isprintable():
            problem = ValueError("a secret is empty or has a control character; check how it was read")
        if problem is not None:
            del value  # some loggers show the local variables of a traceback
            raise problem
        self._value = str.__str__(value)
        self.origin: str = origin

    def reveal(self) -> str:
        """Return the value. Call this where it is sent, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled; read it again where it is needed")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


class Plain(str):
    """The value of a header or cookie that is no secret: it is never masked."""

    __slots__ = ()
