"""Which adapters there are, by short name; imported only when one is asked for.

Third parties add theirs as entry points of the group `chat_router.adapters`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from typing import Final

from adapters.contract import Adapter
from adapters.contract.message import nearest
from adapters.openai.presets import PRESETS, known

BUILT_IN: Final = {
    "anthropic": "adapters.anthropic:Anthropic",
    "aura": "adapters.aura:Aura",
    "chat_anywhere": "adapters.chat_anywhere:ChatAnywhere",
    "h2o": "adapters.h2o:H2o",
    "open_assistant": "adapters.open_assistant:OpenAssistant",
    "openai": "adapters.openai:OpenAICompatible",
    "opchatgpts": "adapters.opchatgpts:Opchatgpts",
}
GROUP: Final = "chat_router.adapters"


@cache
def installed() -> EntryPoints:
    """Return the adapters of third parties that are installed.

    A look at all installed packages takes up to 30 ms, and a file of settings asks for each of its providers:
    one look is enough. What is installed later is found by the next process.
    """
    return entry_points(group=GROUP)


def names() -> tuple[str, ...]:
    """Return the short names of all adapters, built in and installed, sorted."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in installed())}))


def presets() -> tuple[str, ...]:
    """Return the names of the presets that can be named where an adapter can: all but the adapters' names."""
    return tuple(name for name in PRESETS if name not in BUILT_IN)


def is_preset(name: str) -> bool:
    """Whether a name, in any usual spelling, is a preset's and no adapter's."""
    return name not in BUILT_IN and known(name) is not None and name not in names()


def load(name: str) -> type[Adapter]:
    """Return the adapter class of a short name, or of a preset's.

    Raises:
        LookupError: No adapter has this name; the message says which there are.
        TypeError: The name leads to something that is no adapter class.
    """
    if is_preset(name):
        name = "openai"
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found = getattr(import_module(module), attribute)
    else:
        entry = next((entry for entry in installed() if entry.name == name), None)
        if entry is None:
            raise LookupError(
                f"no adapter is called {name!r}{nearest(name, names()) or '.'} "
                f"There are: {', '.join(names())}"
            )
        found = entry.load()
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise TypeError(f"adapter {name!r} leads to {found!r}, which is not a class derived from Adapter")
    return found
