"""The tables `[[provider]]`: which adapter, and its settings as its constructor has them.

An adapter is named by its short name, by the name of an entry point that a package brings, or as
`module:Class`. The last one runs whatever code it names; so it needs a file that the user named.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from adapters import catalogue
from adapters.contract import Adapter
from adapters.contract.allowances import COUNTS
from adapters.contract.message import nearest
from adapters.http import HTTPAdapter
from adapters.http.settings import HTTPSettings
from adapters.openai.adapter import OpenAICompatible
from adapters.openai.presets import AMBIGUOUS, PRESETS, has_ended, known, takes_key_from
from adapters.openai.presets import unknown as unknown_preset
from router.config.mistakes import WRONG, found, missing
from router.config.rules import RULES
from router.config.sections import Parameter, Section
from router.config.signatures import further_kind, section_of, settings_of
from router.config.texts import Text
from router.config.value_kinds import Kind, Number, TableOf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.config.mistakes import Position
    from router.config.value_kinds import Schema

_CLASS: Final = "module:Class"
_COMPATIBLE: Final = (
    'for a service with an OpenAI-compatible API write adapter = "openai" and its base_url, '
    'such as base_url = "https://api.example.org/v1".'
)
_PRESET: Final = "OpenAIPreset"
"""What the schema calls the table of a preset: all have the same settings."""
_OF_EVERY: Final = {
    "name": Parameter(
        Text(RULES["Adapter"]["name"]), text="The provider's name in the router, unique there."
    ),
    "model": Parameter(Text(), text="The model asked for where a request names none."),
    "models": Parameter(TableOf(Text()), text="The caller's model names -> the service's."),
    **{name: each for name, each in settings_of(HTTPSettings).items() if name in (*COUNTS, "budget")},
    "first_content": Parameter(
        Number(rule=RULES["Adapter"]["first_content"]),
        text="Seconds that it has for its first content, in place of those of [timeouts].",
    ),
    "stall": Parameter(
        Number(rule=RULES["Adapter"]["stall"]),
        text="Seconds from one content to the next, in place of those of [timeouts].",
    ),
}
"""Attributes of every adapter, which are set where its constructor does not take them."""


@cache
def adapter_section(made: type[Adapter], name: str) -> Section:
    """Return the table of an adapter class: its settings, those of every adapter, and `adapter = name`."""
    own = section_of(made)
    preset = known(name) if made is OpenAICompatible else None
    later = [key for key in _OF_EVERY if key not in own.parameters]

    def make(**given: Any) -> Adapter:
        adapter = made(**{key: item for key, item in given.items() if key not in later})
        for key in later:
            if key in given:
                setattr(adapter, key, given[key])
        return adapter

    parameters = {**_OF_EVERY, **own.parameters}
    if preset is not None:
        parameters["base_url"] = replace(parameters["base_url"], required=False)
        if preset.name != name or name not in catalogue.BUILT_IN:
            own = replace(own, name=_PRESET, text=f"{preset.title}, whose address is known.")
    return replace(own, parameters=parameters, make=make, tag=("adapter", name))


def provider_section(made: type[Adapter], name: str, environ: Mapping[str, str]) -> Section:
    """Return the table of an adapter class or preset, which makes what a `[[provider]]` says.

    Args:
        made: The class.
        name: What the table names.
        environ: Where a preset finds the usual variable of its key.
    """
    section = adapter_section(made, name)
    if made is not OpenAICompatible or (preset := known(name)) is None:
        return section

    def make(**given: Any) -> Adapter:
        if name in catalogue.BUILT_IN and not takes_key_from(preset, given.get("base_url")):
            plain: Adapter = section.make(**given)
            return plain  # adapter = "openai" with an address is any service, and no preset
        base_url = given.pop("base_url", None)
        return OpenAICompatible._known(preset.name, base_url, environ, **given)  # noqa: SLF001 - noted below

    return replace(section, make=make)


class ProviderTable(Kind):
    """One table `[[provider]]`."""

    types = (dict,)
    words = "a table, written as [[provider]]"

    def taken(self, value: Any, at: Position) -> Any:
        """Return the adapter, or `WRONG`."""
        kind = adapter_class(value, at)
        if kind is not WRONG:
            return self._made(kind, value, at)
        # Which keys there are is not known, but those that most adapters have are checked all the same.
        usual = adapter_section(HTTPAdapter, "")
        replace(usual, further=further_kind).values({**value, "adapter": ""}, at)
        return WRONG

    def _made(self, kind: type[Adapter], value: dict[str, Any], at: Position) -> Any:
        """Return the adapter of a table whose class is known, or `WRONG`."""
        name, reading = value["adapter"], at.reading
        environ = reading.environ if reading.trusted else {}
        if not reading.trusted and kind is OpenAICompatible and "api_key" not in value:
            preset, base_url = known(name), value.get("base_url")
            if preset is not None and preset.needs_key and takes_key_from(preset, base_url):
                adapter_section(kind, name).values({k: v for k, v in value.items() if k != "adapter"}, at)
                return at.wrong(
                    f"the usual variable {preset.variables[0]} is not read for a file that was found, not "
                    'named; name the file with --config, or write api_key = { env = "CHAT_ROUTER_…" }'
                )
        if kind is OpenAICompatible and known(name) and (ended := has_ended(name, value.get("base_url"))):
            reading.notes.append(f"{name}: {ended}")
        return provider_section(kind, name, environ).read(value, at)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema: one for each built-in adapter, and one for all others."""
        kinds = [
            adapter_section(catalogue.load(name), name).schema(definitions)
            for name in sorted(catalogue.BUILT_IN)
        ]
        presets = [name for name in PRESETS if name not in catalogue.BUILT_IN]
        kinds.append(adapter_section(OpenAICompatible, presets[0]).schema(definitions))
        definitions[_PRESET]["properties"]["adapter"] = {"enum": presets}
        definitions[_PRESET]["description"] = "A known service or server with an OpenAI-compatible API."
        common = {name: each.kind.schema(definitions) for name, each in _OF_EVERY.items()}
        adapter = {
            "description": f"The name of an entry point, or {_CLASS}.",
            "type": "string",
            "not": {"enum": sorted({*catalogue.BUILT_IN, *PRESETS})},
        }
        definitions["OtherAdapter"] = {
            "type": "object",
            "description": "An adapter of another package.",
            "properties": {"adapter": adapter, **common},
            "required": ["adapter"],
        }
        return {"oneOf": [*kinds, {"$ref": "#/definitions/OtherAdapter"}]}


def adapter_class(table: dict[str, Any], at: Position) -> Any:
    """Return the adapter class that a table names, or record a mistake and return `WRONG`."""
    name = table.get("adapter")
    if name is None:
        return missing("adapter", table, f"one of {', '.join(_names())}, or {_CLASS}", at)
    at /= "adapter"
    if not isinstance(name, str):
        return at.wrong(f"is {found(name)}; it must be text, such as {catalogue.names()[0]!r}")
    if catalogue.is_preset(name):
        return OpenAICompatible
    if name not in catalogue.BUILT_IN and ":" in name:
        return _class(name, at)
    if name not in catalogue.BUILT_IN and name not in catalogue.names():  # which looks at every package
        return at.wrong(_unknown(name))
    try:
        return catalogue.load(name)
    except Exception as error:  # noqa: BLE001 - an entry point runs the code of its package
        return at.wrong(f"cannot be loaded: {type(error).__name__}: {at.reading.masked(str(error))}")


def _unknown(name: str) -> str:
    """Return the sentence about an adapter that does not exist."""
    if name.lower() in AMBIGUOUS:
        return f"unknown adapter {name!r}; {unknown_preset(name)}"
    near = nearest_adapter(name)
    what = f" {name!r}" if re.fullmatch(r"[\w.-]{1,24}", name) else ""  # a longer one may be a secret
    hint = f"did you mean {near!r}?" if near else _COMPATIBLE
    module, _, last = name.rpartition(".")
    if last.isidentifier() and last[0].isupper() and all(part.isidentifier() for part in module.split(".")):
        return f"unknown adapter {name!r}; for a class of your own write {f'{module}:{last}'!r}"
    return f"unknown adapter{what}; {hint} There are: {', '.join(_names())}, and {_CLASS}"


def nearest_adapter(name: str) -> str | None:
    """Return the adapter or preset that a misspelt name means."""
    cutoff = 0.8 if len(name) > 3 else 0.6
    return next(iter(difflib.get_close_matches(name.lower(), _names(), n=1, cutoff=cutoff)), None)


def _names() -> tuple[str, ...]:
    """Return the names of all adapters, and then those of the presets."""
    return (*catalogue.names(), *catalogue.presets())


def _hint(name: str, module: object) -> str:
    """Return which adapter class of a module is meant, or which there are."""
    public = dict.fromkeys(
        (*vars(module), *getattr(module, "__all__", ()))
    )  # some load a name at its first use
    kinds = [own for own in public if _is_kind(module, own)]
    near = nearest(name, kinds)
    return near or (f"; there are: {', '.join(kinds)}" if kinds else ", nor any other adapter")


def _is_kind(module: object, name: str) -> bool:
    try:
        each = getattr(module, name)
    except Exception:  # noqa: BLE001 - loading it may run the code of another module; it is only a hint
        return False
    return isinstance(each, type) and issubclass(each, Adapter) and each is not Adapter


def _class(path: str, at: Position) -> Any:
    if not at.reading.trusted:
        return at.wrong(
            f"names a class ({_CLASS}), which runs code, but this file was found, not named; "
            "name it with --config, or use a short name"
        )
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        return at.wrong(f"cannot be read as {_CLASS}, such as 'my_package.my_module:MyAdapter'")
    try:
        made: Any = import_module(module)
        for part in name.split("."):
            if not hasattr(made, part):
                return at.wrong(f"{module} has no class {name}{_hint(part, made)}")
            made = getattr(made, part)
    except Exception as error:  # noqa: BLE001 - importing runs the code of the module
        hint = ""
        if isinstance(error, ModuleNotFoundError):
            hint = (
                f"; make {module} importable: from this folder with `PYTHONPATH=. chat-router …`, "
                "else install it"
            )
        said = at.reading.masked(str(error))
        return at.wrong(f"cannot be loaded: {type(error).__name__}: {said}{hint}")
    if not (isinstance(made, type) and issubclass(made, Adapter)):
        return at.wrong("leads to something that is not a class derived from Adapter")
    return made
