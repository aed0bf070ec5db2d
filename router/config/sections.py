"""A table whose keys are the settings of one class, and whose value is an object of it."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.message import nearest
from router.config.annotations import NOTHING, Parameter, kind_of, parameters_of
from router.config.kinds import Kind, Unwritable
from router.config.place import WRONG, no_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from router.config.kinds import Schema
    from router.config.place import Place

_STAND_IN: Final = {"base_url": "http://localhost"}
"""What stands for a required setting that is wrong, so that the others are checked all the same."""
_WORD: Final = 8  # characters; a shorter text may be a word of the sentence
_SENTENCE: Final = re.compile(r"\w+\((\w+)=(.*?)\): (?:it )?")
"""How the policies begin what they say of a value: `Timeouts(stall=-1): it must be …`."""


def writable(made: type) -> dict[str, Parameter]:
    """Return the settings of a class that a file can hold."""
    everything = parameters_of(made)[0].items()
    return {name: each for name, each in everything if not isinstance(each.kind, Unwritable)}


class Section(Kind):
    """A table with the settings of a class.

    Args:
        made: The class.
        besides: Keys of the table that are not the constructor's.
    """

    types = (dict,)
    words = "a table"

    def __init__(self, made: type, besides: Collection[str] = ()) -> None:
        self.made = made
        self._besides = besides

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The settings that can be written."""
        return writable(self.made)

    @property
    def keys(self) -> list[str]:
        """The keys of the table, sorted."""
        return sorted({*self.parameters, *self._besides})

    def taken(self, value: Any, place: Place) -> Any:
        """Return the object, or tell everything that is wrong with the table, and return `WRONG`."""
        items = {name: item for name, item in value.items() if name not in self._besides}
        given, wrong = {}, set(self._check_names(items, place))
        for name, item in items.items():
            if name in self.parameters:
                given[name] = self.parameters[name].kind.read(item, place / name)
            elif name not in wrong:
                # Of a constructor that takes more than it says.
                given[name] = kind_of(NOTHING, name).read(item, place / name)
        wrong |= {name for name in given if given[name] is WRONG}
        given = {name: item for name, item in given.items() if item is not WRONG}
        return self._construct(given, wrong, place)

    def _check_names(self, items: Iterable[str], place: Place) -> list[str]:
        """Tell which keys there are not and which are missing; return all of them."""
        everything, is_open = parameters_of(self.made)
        wrong, near = [], ""
        for name in items:
            if name in self.parameters or (is_open and name not in everything):
                continue
            wrong.append(name)
            if name in everything:
                everything[name].kind.read(None, place / name)
            else:
                near += nearest(name, self.keys)
                (place / name).wrong(no_key(name, self.keys, place.reading.home_of(name)))
        missing = [name for name, each in self.parameters.items() if each.required and name not in items]
        for name in missing:
            if repr(name) not in near:  # it is there, misspelt
                place.wrong(f"{name} is missing; it must be {self.parameters[name].kind.words}")
        return wrong + missing

    def _construct(self, given: dict[str, Any], wrong: set[str], place: Place) -> Any:
        """Return the object. A constructor tells one mistake at a time: what it names is left out, and on."""
        blamed = set(wrong)
        stand_ins = {name: _STAND_IN[name] for name in blamed & set(_STAND_IN) if name in self.parameters}
        required = {name for name, parameter in self.parameters.items() if parameter.required}
        if blamed & required - set(stand_ins):
            return WRONG  # nothing more can be learnt
        while True:
            result = self._attempt({**stand_ins, **given})
            if not isinstance(result, Exception):
                return WRONG if blamed else result
            culprit = self._culprit({**stand_ins, **given}, result)
            if not any(f" {name} (" in str(result) for name in blamed):  # it is bounded by what is wrong
                where = place if culprit is None else place / culprit
                said = _sentence(result, culprit)
                where.wrong(_without(given.get(culprit or ""), place.reading.masked(said)))
            if culprit is None or culprit not in given or culprit in required - set(_STAND_IN):
                return WRONG
            blamed.add(culprit)
            del given[culprit]
            if culprit in _STAND_IN:
                stand_ins[culprit] = _STAND_IN[culprit]

    def _attempt(self, given: dict[str, Any]) -> Any:
        try:
            return self.make(given)
        except Exception as error:  # noqa: BLE001 - constructors of third parties raise what they like
            return error

    def make(self, given: dict[str, Any]) -> Any:
        """Return the object made of the given settings."""
        return self.made(**given)

    def _culprit(self, given: dict[str, Any], error: Exception) -> str | None:
        """Return the setting without which the constructor says something else, or nothing."""
        said = (type(error), str(error))
        named: list[str] = []
        others: list[str] = []
        for name in given:
            is_named = re.search(rf"\b{re.escape(name)}\b", said[1])
            required = name in self.parameters and self.parameters[name].required
            instead = {name: _STAND_IN[name]} if required and name in _STAND_IN else {}
            if required and not instead and not is_named:
                continue  # without it there is an error anyway
            result = self._attempt({**{key: item for key, item in given.items() if key != name}, **instead})
            if not isinstance(result, Exception) or (type(result), str(result)) != said:
                (named if is_named else others).append(name)
        return next(iter([*named, *others]), None)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return a reference to its JSON schema."""
        name = self.made.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = self.table_schema(definitions)
        return {"$ref": f"#/definitions/{name}"}

    def table_schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        properties = {}
        for name, parameter in self.parameters.items():
            properties[name] = parameter.kind.schema(definitions)
            if parameter.text:
                properties[name] = {**_wrapped(properties[name]), "description": parameter.text}
            if isinstance(parameter.default, bool | int | float | str) and not parameter.kind.is_secret:
                properties[name] = {**_wrapped(properties[name]), "default": parameter.default}
        required = [name for name, parameter in self.parameters.items() if parameter.required]
        doc = inspect.cleandoc(self.made.__doc__ or "").partition("\n\n")[0]
        return {
            "type": "object",
            "description": " ".join(doc.split()),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def _wrapped(schema: Schema) -> Schema:
    """Return a schema to which more can be said: draft 7 ignores what stands beside a `$ref`."""
    return {"allOf": [schema]} if "$ref" in schema else schema


def _without(value: object, said: str) -> str:
    """Return a sentence without a text that it repeats: it may be a secret in a wrong place."""
    if not isinstance(value, str):
        return said
    said = said.replace(repr(value), "'***'")
    return said.replace(value, "***") if len(value) >= _WORD else said


def _sentence(error: Exception, culprit: str | None) -> str:
    """Return what a constructor said, without the name of the setting, which stands before it."""
    said = str(error)
    policy = _SENTENCE.match(said)
    if policy and policy[1] == culprit:
        return f"is {policy[2]}; it {said[policy.end() :]}"
    if not isinstance(error, TypeError | ValueError):
        return f"the constructor failed: {type(error).__name__}: {said}"
    return said.removeprefix(f"{culprit} ")
