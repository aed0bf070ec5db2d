"""The tables `[[provider]]`: which adapter, and its settings as its constructor has them.

An adapter is named by its short name, by the name of an entry point that a package brings, or as
`module:Class`. The last one runs whatever code it names; so it needs a file that the user named.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from adapters import catalogue
from adapters.contract import Adapter
from router.config.annotations import Parameter
from router.config.kinds import Kind, TableOf
from router.config.place import WRONG, found, missing, not_among
from router.config.sections import Section, writable
from router.config.texts import Text

if TYPE_CHECKING:
    from router.config.kinds import Schema
    from router.config.place import Place

_CLASS: Final = "module:Class"
_OF_EVERY: Final = {
    "name": Parameter(Text(), text="The provider's name in the router, unique there."),
    "model": Parameter(Text(), text="The model asked for where a request names none."),
    "models": Parameter(TableOf(Text()), text="The caller's model names -> the service's."),
}
"""Attributes of every adapter, which are set where its constructor does not take them."""


class AdapterSection(Section):
    """The settings of one adapter class, beside the key `adapter`."""

    def __init__(self, made: type[Adapter]) -> None:
        super().__init__(made, besides=("adapter",))

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The settings of the constructor, and what every adapter has."""
        return {**_OF_EVERY, **writable(self.made)}

    def make(self, given: dict[str, Any]) -> Any:
        """Return the adapter."""
        own = writable(self.made)
        later = {name: item for name, item in given.items() if name in _OF_EVERY and name not in own}
        adapter = self.made(**{name: item for name, item in given.items() if name not in later})
        for name, item in later.items():
            setattr(adapter, name, item)
        if not isinstance(adapter.name, str) or not adapter.name.strip() or not adapter.name.isprintable():
            raise ValueError("name must be short and printable")
        return adapter

    def table_schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema, for the adapter's short name."""
        table = super().table_schema(definitions)
        (name,) = (
            name for name, path in catalogue.BUILT_IN.items() if path.endswith(f":{self.made.__name__}")
        )
        table["properties"] = {"adapter": {"const": name}, **table["properties"]}
        table["required"] = ["adapter", *table["required"]]
        return table


class ProviderTable(Kind):
    """One table `[[provider]]`."""

    types = (dict,)
    words = "a table, written as [[provider]]"

    def taken(self, value: Any, place: Place) -> Any:
        """Return the adapter, or `WRONG`."""
        kind = adapter_class(value, place)
        return kind if kind is WRONG else AdapterSection(kind).read(value, place)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema: one for each built-in adapter, and one for all others."""
        kinds = [
            AdapterSection(catalogue.load(name)).schema(definitions) for name in sorted(catalogue.BUILT_IN)
        ]
        common = {name: each.kind.schema(definitions) for name, each in _OF_EVERY.items()}
        adapter = {
            "description": f"The name of an entry point, or {_CLASS}.",
            "type": "string",
            "not": {"enum": sorted(catalogue.BUILT_IN)},
        }
        definitions["OtherAdapter"] = {
            "type": "object",
            "description": "An adapter of another package.",
            "properties": {"adapter": adapter, **common},
            "required": ["adapter"],
        }
        return {"oneOf": [*kinds, {"$ref": "#/definitions/OtherAdapter"}]}


def adapter_class(table: dict[str, Any], place: Place) -> Any:
    """Return the adapter class that a table names, or tell what is wrong with it, and return `WRONG`."""
    name = table.get("adapter")
    if name is None:
        return missing("adapter", table, f"one of {', '.join(catalogue.names())}, or {_CLASS}", place)
    place /= "adapter"
    if not isinstance(name, str):
        return place.wrong(f"is {found(name)}; it must be text, such as {catalogue.names()[0]!r}")
    if name not in catalogue.BUILT_IN and ":" in name:
        return _class(name, place)
    if name not in catalogue.BUILT_IN and name not in catalogue.names():  # which looks at every package
        return place.wrong(not_among(name, catalogue.names(), "adapter") + f", and {_CLASS}")
    try:
        return catalogue.load(name)
    except Exception as error:  # noqa: BLE001 - an entry point runs the code of its package
        return place.wrong(f"cannot be loaded: {type(error).__name__}: {place.reading.masked(str(error))}")


def _class(path: str, place: Place) -> Any:
    if not place.reading.trusted:
        return place.wrong(
            f"names a class ({_CLASS}), which runs code, but this file was not named, only found; "
            "name it with --config, or use a short name"
        )
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        return place.wrong(f"cannot be read as {_CLASS}, such as 'my_package.my_module:MyAdapter'")
    try:
        made: Any = import_module(module)
        for part in name.split("."):
            made = getattr(made, part)
    except Exception as error:  # noqa: BLE001 - importing runs the code of the module
        hint = f"; make {module} importable" if isinstance(error, ModuleNotFoundError) else ""
        said = place.reading.masked(str(error))
        return place.wrong(f"cannot be loaded: {type(error).__name__}: {said}{hint}")
    if not (isinstance(made, type) and issubclass(made, Adapter)):
        return place.wrong("leads to something that is no class derived from Adapter")
    return made
