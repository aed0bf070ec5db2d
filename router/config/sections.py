"""A table whose keys are the settings of one class, and whose value is an object of it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from router.config.mistakes import WRONG, no_key
from router.config.value_kinds import Kind, Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from router.config.mistakes import Position
    from router.config.value_kinds import Schema

NOTHING: Final[Any] = inspect.Parameter.empty
"""There is no default, or no annotation."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a constructor.

    Attributes:
        kind: What it may be.
        default: What it is where it is left out, or `NOTHING` where the signature does not say.
        required: Whether it must be given.
        text: What the docstring says of it.
    """

    kind: Kind
    default: Any = NOTHING
    required: bool = False
    text: str = ""


@dataclass
class Section(Kind):
    """A table with the settings of a class.

    Attributes:
        name: The class's.
        text: What it is.
        parameters: Its settings, also those that a file cannot hold.
        make: Returns the object made of the given settings.
        ordered: Two settings, of which the first must not be larger than the second.
        further: Returns the kind of a setting that the constructor takes without naming it, if it does.
        tag: A key of the table that is not the constructor's, and its value.
    """

    name: str
    text: str
    parameters: Mapping[str, Parameter]
    make: Callable[..., Any]
    ordered: tuple[str, str] | None = None
    further: Callable[[str], Kind] | None = None
    tag: tuple[str, str] | None = None
    types = (dict,)
    words = "a table"

    @property
    def writable(self) -> dict[str, Parameter]:
        """The settings that a file can hold."""
        return {name: each for name, each in self.parameters.items() if not isinstance(each.kind, Unwritable)}

    @property
    def keys(self) -> list[str]:
        """The keys of the table, sorted."""
        return sorted({*self.writable, *(self.tag or ())[:1]})

    def taken(self, value: Any, at: Position) -> Any:
        """Return the object, or record all mistakes in the table, and return `WRONG`."""
        items = {name: item for name, item in value.items() if (name, item) != self.tag}
        complete = self._check_names(items, at)
        given = self.values(items, at)
        if not (self._check_order(given, at) and complete) or any(item is WRONG for item in given.values()):
            return WRONG
        try:
            return self.make(**given)
        except Exception as error:  # noqa: BLE001 - constructors of third parties raise what they like
            is_usual = isinstance(error, TypeError | ValueError)
            head = "" if is_usual else f"the constructor failed: {type(error).__name__}: "
            quoted = next((name for name in given if _blames(str(error), name)), None)
            where = at if quoted is None else at / quoted
            return where.wrong(at.reading.masked(f"{head}{error}", *given.values()))

    def values(self, items: Mapping[str, Any], at: Position) -> dict[str, Any]:
        """Return the values of all known keys; `WRONG` for each value with a mistake."""
        kinds = {name: each.kind for name, each in self.parameters.items()}
        if self.further is not None:
            kinds |= {name: self.further(name) for name in items if name not in kinds}
        return {name: kinds[name].read(item, at / name) for name, item in items.items() if name in kinds}

    def _check_names(self, items: Iterable[str], at: Position) -> bool:
        """Record unknown and missing keys; return whether there are none."""
        near = ""
        unknown = [name for name in items if name not in self.parameters and self.further is None]
        for name in unknown:
            said = no_key(self.name, name, self.keys, at.reading.home_of)
            near += said
            (at / name).wrong(said)
        missing = [name for name, each in self.writable.items() if each.required and name not in items]
        for name in missing:
            if repr(name) not in near:  # it is there, misspelt
                at.wrong(f"{name} is missing; it must be {self.parameters[name].kind.words}")
        return not unknown and not missing

    def _check_order(self, given: Mapping[str, Any], at: Position) -> bool:
        """Record a number that is larger than the one that bounds it; return whether there is none."""
        if self.ordered is None:
            return True
        lower, upper = self.ordered
        low, high = (given.get(name, self.parameters[name].default) for name in self.ordered)
        if WRONG in (low, high) or low <= high:
            return True
        if lower in given:
            (at / lower).wrong(f"is {low}; it must be at most {upper} ({high})")
        else:
            (at / upper).wrong(f"is {high}; it must be at least {lower} ({low})")
        return False

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return a reference to its JSON schema."""
        if self.name not in definitions:
            definitions[self.name] = {}
            definitions[self.name] = self._table_schema(definitions)
        return {"$ref": f"#/definitions/{self.name}"}

    def _table_schema(self, definitions: dict[str, Schema]) -> Schema:
        tag = dict([self.tag] if self.tag else [])
        properties: dict[str, Schema] = {key: {"const": value} for key, value in tag.items()}
        for name, parameter in self.writable.items():
            setting = parameter.kind.schema(definitions)
            more: Schema = {"description": parameter.text} if parameter.text else {}
            if isinstance(parameter.default, bool | int | float | str) and not parameter.kind.is_secret:
                more["default"] = parameter.default
            # Draft 7 ignores what stands beside a `$ref`.
            properties[name] = {"allOf": [setting], **more} if more and "$ref" in setting else setting | more
        return {
            "type": "object",
            "description": self.text,
            "properties": properties,
            "required": [*tag, *(name for name, each in self.writable.items() if each.required)],
            "additionalProperties": False,
        }


def _blames(message: str, name: str) -> bool:
    """Whether a constructor's message is of one setting: it quotes its name, or begins with it."""
    return repr(name) in message or message.startswith((f"{name} ", f"{name}: "))
