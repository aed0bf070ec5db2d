"""The generator behind `async for` over a reply: it costs a third of what a call for each delta does.

It is kept, for two reasons. Who leaves the loop by `break` drops it, which is a ResourceWarning on trio; and
a generator that has raised ends in silence when it is asked again, so that what failed would look whole.
"""

from __future__ import annotations

from sys import getrefcount
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import Delta


_OURS: Final = 3
"""References to a generator that nobody else holds: the attribute, the variable, the argument."""


class Iteration:
    """What a reply needs to be iterated over."""

    _kept: AsyncGenerator[Delta, None] | None

    def __aiter__(self) -> AsyncGenerator[Delta, None]:
        """Return the iterator over the deltas. Who leaves the loop may go on later with another."""
        kept = self._kept
        if not isinstance(kept, AsyncGeneratorType) or kept.ag_frame is None or kept.ag_running:
            kept = self._kept = self._iterate()
        return kept

    def _iterate(self) -> AsyncGenerator[Delta, None]:
        """Return a new generator of the deltas from here on."""
        raise NotImplementedError

    def _close_iteration(self) -> None:
        """Close the generator where it rests at its `yield` and no loop holds it: it waits for nothing there.

        A loop that goes on over it is told by an error that the reply was closed: a closed generator would
        end it as if the reply were whole.
        """
        kept = self._kept
        if not isinstance(kept, AsyncGeneratorType) or kept.ag_running or getrefcount(kept) > _OURS:
            return
        self._kept = None
        if kept.ag_frame is None:
            return  # it has run to its end
        try:
            kept.aclose().send(None)
        except StopIteration:
            return
