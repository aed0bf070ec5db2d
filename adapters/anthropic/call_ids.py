"""Ids of tool calls, in the letters that Anthropic takes, the same in a call and in its result. Pure.

Anthropic wants `^[a-zA-Z0-9_-]+$`, and no id twice in a history. Other services write `call:0`, or number the
calls of each turn from 0 again.
"""

from __future__ import annotations

import re
from typing import Final

_WRONG: Final = re.compile(r"[^a-zA-Z0-9_-]")


class CallIds:
    """Gives each call of a history its id, in the order of the messages.

    Args:
        given: All ids of the history's calls. One that Anthropic takes is kept, and given to nobody else.
    """

    __slots__ = ("_current", "_kept", "_used")

    def __init__(self, given: list[str]) -> None:
        self._kept = {each for each in given if each and not _WRONG.search(each)}
        self._used: set[str] = set()
        self._current: dict[str, str] = {}

    def of_call(self, given: object) -> str:
        """Return the id of the next call.

        Args:
            given: What the history calls it; it may be missing.
        """
        said = given if isinstance(given, str) else ""
        if said in self._kept and said not in self._used:
            chosen = said
        else:
            stem = _WRONG.sub("_", said) or "call"
            chosen, number = stem, 1
            while chosen in self._used or chosen in self._kept:
                number += 1
                chosen = f"{stem}_{number}"
        self._used.add(chosen)
        self._current[said] = chosen
        return chosen

    def of_result(self, given: object) -> str:
        """Return the id of the newest call that the history calls `given`."""
        said = given if isinstance(given, str) else ""
        return self._current.get(said) or _WRONG.sub("_", said) or "call"
