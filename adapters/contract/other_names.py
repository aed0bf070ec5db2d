"""Tells what to write in place of an attribute that other libraries have. Standard library only.

A `__getattr__` could tell it as well, but Python then looks every attribute up in the slow way, those that
there are included: that was a quarter of what a delta cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class _Elsewhere:
    """An attribute that there is not: to ask for it is an AttributeError as usual, with advice.

    Args:
        name: What other libraries call it.
        advice: What to write.
    """

    __slots__ = ("_advice", "_name")

    def __init__(self, name: str, advice: str) -> None:
        self._name = name
        self._advice = advice

    def __get__(self, made: object, kind: type) -> NoReturn:
        text = f"{kind.__name__!r} object has no attribute {self._name!r}; write {self._advice}"
        raise AttributeError(text, name=self._name, obj=_NOBODY)


_NOBODY: Final = object()
"""Of the object itself Python would show the nearest name."""


def with_advice(instead: Mapping[str, str]) -> Callable[[type[T]], type[T]]:
    """Return a decorator of a class whose users may look for an attribute of another library.

    Args:
        instead: What other libraries call it -> what to write.
    """

    def give(cls: type[T]) -> type[T]:
        def names(self: object) -> list[str]:
            # Of these Python shows the nearest one to a name that is wrong: no private one.
            return [
                name
                for name in object.__dir__(self)
                if name not in instead and (name[:1] != "_" or name[:2] == "__")
            ]

        for name, advice in instead.items():
            assert not hasattr(cls, name), f"{cls.__name__} has {name!r} itself"
            setattr(cls, name, _Elsewhere(name, advice))
        setattr(cls, "__dir__", names)  # noqa: B010 - a type checker refuses to assign to it
        return cls

    return give
