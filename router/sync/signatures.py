"""Blocking methods with exactly the parameters of the asynchronous ones, for type checkers and `help()`.

The parameters stand once, at `Router`: a new option of it is one here by itself.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
Of = TypeVar("Of")
Theirs = TypeVar("Theirs")
T = TypeVar("T")


def like(
    method: Callable[Concatenate[Of, P], Theirs],
) -> Callable[[Callable[..., T]], Callable[Concatenate[Any, P], T]]:
    """Return a decorator that gives a blocking method the parameters of `method`, and what is said of them.

    The decorated method takes `*args, **kwargs`, and says in its docstring what differs. What `method` says
    from its `Args:` or `Raises:` on is added.
    """

    def decorated(blocking: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        @functools.wraps(blocking)
        def call(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
            return blocking(self, *args, **kwargs)

        # A type checker knows nothing of these attributes, which `inspect` and `help()` read.
        known: Any = call
        returns = inspect.signature(blocking).return_annotation
        known.__signature__ = inspect.signature(method).replace(return_annotation=returns)
        known.__doc__ = f"{inspect.cleandoc(blocking.__doc__ or '')}\n\n{sections_of(method)}".rstrip() + "\n"
        return known  # type: ignore[no-any-return] # as above

    return decorated


def sections_of(documented: object) -> str:
    """Return what the docstring of something says of parameters and errors; see `sections_in`."""
    return sections_in(documented.__doc__ or "")


def sections_in(docstring: str) -> str:
    """Return what a docstring says of parameters and errors: from `Args:` or `Raises:` on."""
    lines = inspect.cleandoc(docstring).splitlines()
    starts = [number for number, line in enumerate(lines) if line in ("Args:", "Raises:")]
    return "\n".join(lines[starts[0] :]) if starts else ""
