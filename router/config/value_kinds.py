"""What a value may be: each kind reads a value, says what is allowed, and knows its JSON schema.

The kinds are the one source of the validation, of the schema for editors and of what `config show` prints.
They are made from signatures in `router.config.signatures`, and take the rules of `router.config.rules`.
"""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from router.config.mistakes import WRONG, found, not_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from router.config.mistakes import Position
    from router.config.rules import Check, Rule

Schema = dict[str, Any]


class Kind(ABC):
    """What a value may be.

    Attributes:
        types: The types of TOML that it takes.
        words: What is allowed, in words.
        is_secret: Whether the value is never shown, only where it comes from.
    """

    types: ClassVar[tuple[type, ...]] = ()
    words: str = ""
    is_secret: bool = False

    def read(self, value: Any, at: Position) -> Any:
        """Return the value for the constructor, or record a mistake and return `WRONG`."""
        if type(value) not in self.types:
            quotes = ", without quotes" if isinstance(value, str) and str not in self.types else ""
            return at.wrong(f"is {found(value)}; it must be {self.words}{quotes}")
        return self.taken(value, at)

    def taken(self, value: Any, at: Position) -> Any:
        """Return a value of the right type for the constructor, or `WRONG`."""
        return value

    @abstractmethod
    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema; what is used in several places goes into `definitions`."""


class Flag(Kind):
    """true or false."""

    types = (bool,)
    words = "true or false"

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"type": "boolean"}


@dataclass
class Number(Kind):
    """A number.

    Attributes:
        whole: Whether it has no fraction.
        off: Whether it can be switched off, which TOML cannot write as None: `false`.
        rule: Which numbers are allowed.
    """

    whole: bool = False
    off: bool = False
    rule: Rule | None = None

    @property
    def types(self) -> tuple[type, ...]:  # type: ignore[override] # made of the attributes
        """The types of TOML that it takes."""
        return (int, *(() if self.whole else (float,)), *((bool,) if self.off else ()))

    @property
    def words(self) -> str:  # type: ignore[override] # made of the attributes
        """What is allowed, in words."""
        return ("a whole number" if self.whole else "a number") + (", or false for none" if self.off else "")

    def taken(self, value: Any, at: Position) -> Any:
        """Return it, as a float where it may have a fraction: a clock cannot add 400 digits."""
        if isinstance(value, bool):
            return at.wrong(f"is true; it must be {self.words}") if value else None
        try:
            return at.checked(value if self.whole else float(value), self.rule)
        except OverflowError:
            return at.wrong("is too large for a number; inf is the largest")

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        number = {"type": "integer" if self.whole else "number", **(self.rule.schema() if self.rule else {})}
        return {"anyOf": [number, {"const": False}]} if self.off else number


class Choice(Kind):
    """One of several texts.

    Args:
        values: What is written -> what it means.
        what: What one of them is called.
    """

    types = (str,)

    def __init__(self, values: Mapping[str, Any], what: str = "value") -> None:
        self.values = values
        self._what = what
        self.words = f"one of {', '.join(values)}"

    def taken(self, value: Any, at: Position) -> Any:
        """Return what the text means."""
        if value not in self.values:
            return at.wrong(not_among(value, self.values, self._what))
        return self.values[value]

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"enum": sorted(self.values)}


class ListOf(Kind):
    """An array of values of one kind."""

    types = (list,)

    def __init__(self, kind: Kind, make: Callable[[Iterable[Any]], Any] = tuple) -> None:
        self._kind = kind
        self._make = make
        self.words = f"an array; each value of it {kind.words}"
        self.is_secret = kind.is_secret

    def taken(self, value: Any, at: Position) -> Any:
        """Return the values."""
        items = [self._kind.read(item, at / number) for number, item in enumerate(value)]
        return WRONG if any(item is WRONG for item in items) else self._make(items)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"type": "array", "items": self._kind.schema(definitions)}


class TableOf(Kind):
    """A table with keys of the user's, or of a choice, and values of one kind."""

    types = (dict,)

    def __init__(self, kind: Kind, keys: Choice | None = None, rule: Check | None = None) -> None:
        self._kind = kind
        self._keys = keys
        self._rule = rule
        self.words = f"a table; each value of it {kind.words}"
        self.is_secret = kind.is_secret

    def taken(self, value: Any, at: Position) -> Any:
        """Return the table."""
        read = {}
        for name, item in value.items():
            known = name if self._keys is None else self._keys.read(name, at / name)
            if known is not WRONG:
                read[known] = self._kind.read(item, at / name)
                if read[known] is not WRONG and (at / name).checked((name, read[known]), self._rule) is WRONG:
                    read[known] = WRONG
        is_right = len(read) == len(value) and all(item is not WRONG for item in read.values())
        return read if is_right else WRONG

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        item = self._kind.schema(definitions)
        if self._keys is None:
            return {"type": "object", "additionalProperties": item}
        names = dict.fromkeys(sorted(self._keys.values), item)
        return {"type": "object", "properties": names, "additionalProperties": False}


class AnyOf(Kind):
    """A value of one of several kinds, told apart by the type of TOML."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        self.words = " or ".join(kind.words for kind in kinds)

    def read(self, value: Any, at: Position) -> Any:
        """Read it by the first kind that takes its type."""
        for kind in self._kinds:
            if type(value) in kind.types:
                return kind.read(value, at)
        quotes = ", without quotes" if isinstance(value, str) else ""
        return at.wrong(f"is {found(value)}; it must be {self.words}{quotes}")

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"anyOf": [kind.schema(definitions) for kind in self._kinds]}


class Anything(Kind):
    """Whatever TOML has: the constructor judges."""

    types = (bool, int, float, str, list, dict, datetime.datetime, datetime.date, datetime.time)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {}


class Unwritable(Kind):
    """What no file can hold, such as an object of a library."""

    def read(self, value: Any, at: Position) -> Any:
        """Record that a file cannot hold it."""
        return at.wrong("cannot be given in a file; make this router in Python instead")

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return the schema that nothing satisfies."""
        return {"not": {}}
