"""What an error's own words mean: a table of phrases for each service, read in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.contract.errors import AdapterError

Row: TypeAlias = tuple[tuple[str, ...], "type[AdapterError]"]
"""Phrases in lower case that all stand in the words, and the class of error that they stand for."""

_READ: Final = 2000  # characters that are searched; the peer decides how many there are


def kind_in(words: str, table: Iterable[Row]) -> type[AdapterError] | None:
    """Return the class of the first row of `table` whose phrases all stand in `words`, or None."""
    low = words[:_READ].lower()
    return next((kind for phrases, kind in table if all(phrase in low for phrase in phrases)), None)
