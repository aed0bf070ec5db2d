"""Finds a preset by its name, however people write it."""

from __future__ import annotations

import difflib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from adapters.openai.presets.hosted import HOSTED
from adapters.openai.presets.local import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.openai.presets.preset import Preset

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({each.name: each for each in (*HOSTED, *LOCAL)})
"""Name -> preset, hosted ones first."""

AMBIGUOUS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"grok": ("xai", "groq")})
"""A name that may mean several -> these, the likelier one first."""


def _plain(name: str) -> str:
    """Return a name without what makes no difference."""
    return re.sub(r"[\s._-]+", "", name.lower())


_SPELLINGS: Final = MappingProxyType({
    _plain(spelling): each.name
    for each in PRESETS.values()
    for spelling in (each.name, each.title, *each.spellings)
})  # fmt: skip


def known(name: str) -> Preset | None:
    """Return the preset of a name in any usual spelling, such as `Open-AI` or `llama.cpp`, or None."""
    found = _SPELLINGS.get(_plain(name))
    return None if found is None else PRESETS[found]


def named(name: str) -> Preset:
    """Return the preset of a name in any usual spelling.

    Raises:
        LookupError: No preset has this name; the message shows the nearest one, and the way without.
    """
    preset = known(name) if isinstance(name, str) else None
    if preset is None:
        raise LookupError(f"no preset is called {str(name)[:40]!r}; {unknown(str(name))}")
    return preset


def unknown(name: str) -> str:
    """Return what to do about a name that no preset has."""
    if _plain(name) in AMBIGUOUS:
        first, second = AMBIGUOUS[_plain(name)]
        return f"did you mean {first!r} or {second!r}?"
    close = difflib.get_close_matches(_plain(name), _SPELLINGS, n=1, cutoff=0.8)
    hint = f"did you mean {_SPELLINGS[close[0]]!r}? For" if close else "for"
    return f"{hint} another service write OpenAICompatible(base_url=…). There are: {', '.join(PRESETS)}"
