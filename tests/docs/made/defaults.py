"""Every setting with its default, read from the signatures and docstrings."""

from __future__ import annotations

import inspect
import pkgutil
from typing import TYPE_CHECKING, Any, Final

import griffe

from adapters import Adapter, HTTPAdapter, OpenAICompatible
from tests.docs.api import found
from tests.docs.made.table import table

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN: Final = (
    "router.Timeouts", "router.RetryPolicy", "router.BreakerPolicy", "router.RetryBudget",
    "router.HedgePolicy", "router.Interruption", "router.Fastest", "router.Router.monitor",
    "router.history.History", "router.replicas.Replicas", "adapters.Adapter", "adapters.HTTPAdapter",
    "adapters.Limits", "adapters.check_adapter", "router.gateway.GatewaySettings",
)  # fmt: skip
"""What has settings, by its path."""

_TIMES: Final = (
    "Seconds",
    "From ",
    "For ",
    "How long",
    "The longest",
    "The shortest",
    "What an attempt leaves",
)
"""How a description of seconds begins."""
_NOT_SET: Final = frozenset(("name", "capabilities", "models", "owner", "cautions", "per_request", "clock"))
"""What a user leaves alone, or always gives."""


def _defaults(path: str) -> Mapping[str, Any]:
    thing = pkgutil.resolve_name(path)
    if thing is HTTPAdapter:
        made = vars(OpenAICompatible("http://127.0.0.1:9"))
        return {name: made[name] for name in ("connect_timeout", "cleanup_timeout")}
    if thing is Adapter:  # its settings are attributes of the class
        return vars(Adapter)
    parameters = inspect.signature(thing).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def _sentences(path: str) -> dict[str, str]:
    """What the docstring says of each parameter or attribute."""
    docstring = found(path).docstring
    if docstring is None:
        return {}
    sections = (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes)
    return {
        each.name: each.description
        for section in docstring.parse("google")
        if section.kind in sections
        for each in section.value
    }


def shown(value: object, about: str) -> str:
    """Return a default as a reader takes it in.

    Args:
        value: The default.
        about: What the setting is: it begins with its unit.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f'"{value}"' if value else "none"
    if not isinstance(value, int | float):
        return "none"  # None, an empty collection, or what makes one
    of_bytes, of_characters = about.startswith(("Bytes", "The most bytes")), about.startswith("Characters")
    for unit, size in (("Mi", 1 << 20), ("Ki", 1 << 10)):
        if (of_bytes or of_characters) and not value % size:
            return f"{value // size:g} {unit}{'B' if of_bytes else ''}"
    text = f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"
    return f"{text} s" if about.startswith(_TIMES) else text


def _once(sentence: str, value: object) -> str:
    """Return a sentence without the default that it ends with or holds in brackets: a column tells it."""
    if not isinstance(value, int | float):
        return sentence
    hours = f"{value // 3600:g} hour"
    for told in (f"{value:g}", shown(value, sentence), hours):
        sentence = sentence.replace(f" ({told})", "")
    return sentence


def tables() -> str:
    """A table for each."""
    parts = []
    for path in SHOWN:
        name = (
            path.partition(".")[2]
            .rpartition("history.")[2]
            .removeprefix("replicas.")
            .removeprefix("gateway.")
        )
        sentences = _sentences(path)
        rows = [
            (f"`{setting}`", shown(value, sentences[setting]), _once(sentences[setting], value))
            for setting, value in _defaults(path).items()
            if setting in sentences and setting not in _NOT_SET
        ]
        parts.append(f"## {name}\n\n{table(('setting', 'default', 'what it is'), rows)}")
    return "\n".join(parts)
