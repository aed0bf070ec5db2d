"""The effective configuration as TOML: the given values, and the defaults for the rest.

What stands for a value (`{ env = "NAME" }`) is shown as it stands, so no secret can come out of here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.config import writing
from router.config.loading import POLICIES, Config
from router.config.providers import adapter_section
from router.config.sections import NOTHING, Section
from router.config.strategies import StrategyTable
from router.config.value_kinds import Number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.config.sections import Parameter


def shown(config: Config) -> str:
    """Return the configuration as TOML; it loads as the same configuration from the same folder."""
    document = config.document
    blocks = []
    for adapter, given in zip(config.providers, document["provider"], strict=True):
        head = ["[[provider]]", f"adapter = {writing.value(given['adapter'])}"]
        section = adapter_section(type(adapter), given["adapter"])
        blocks.append([*head, *_settings(section, given, adapter, "provider")])
    for name, kind in POLICIES.items():
        given, made = document.get(name, {}), getattr(config, name)
        if made is None:
            blocks.append([f"# [{name}] is not set: off"])
            continue
        head = [f"[{name}]"]
        if isinstance(kind, StrategyTable):
            word = given.get("kind", "priority")
            kind = kind.kinds[word]
            head.append(f"kind = {writing.value(word)}")
        if isinstance(kind, Section):
            blocks.append([*head, *_settings(kind, given, made, name)])
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _settings(section: Section, given: Mapping[str, Any], made: object, table: str) -> list[str]:
    """Return the lines of a table without its head; the tables in it come last, as TOML wants it."""
    lines, below = [], []
    for name, parameter in section.writable.items():
        value = given[name] if name in given else _default(name, parameter, made)
        path = f"{table}.{writing.key(name)}"
        if isinstance(parameter.kind, Section):
            if value is None:
                below += ["", f"# [{path}] is not set: off"]
            elif value is not NOTHING:
                inner = value if name in given else {}
                below += ["", f"[{path}]", *_settings(parameter.kind, inner, getattr(made, name, None), path)]
        elif value is not NOTHING:
            lines.append(_line(name, parameter, value))
    more = [name for name in given if name not in section.keys]  # of constructors that say `**settings`
    return [*lines, *(f"{writing.key(name)} = {writing.value(given[name])}" for name in more), *below]


def _default(name: str, parameter: Parameter, made: object) -> Any:
    """Return the value in effect without a key, or `NOTHING` where it is unknown."""
    peculiarities = getattr(made, "peculiarities", {})
    if name in peculiarities:
        return peculiarities[name]
    if parameter.kind.is_secret:
        return NOTHING
    if parameter.default is NOTHING or isinstance(parameter.kind, Section):
        return getattr(made, name, parameter.default)
    return parameter.default


def _line(name: str, parameter: Parameter, value: Any) -> str:
    name = writing.key(name)
    if value is None and not (isinstance(parameter.kind, Number) and parameter.kind.off):
        return f"# {name} is not set"
    try:
        return f"{name} = {writing.value(False if value is None else value)}"
    except TypeError:  # a default that only Python can write
        return f"# {name} is not set"
