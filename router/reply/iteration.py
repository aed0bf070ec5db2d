"""The generator behind `async for` over a reply: it costs a third of what a call for each delta does.

It is kept, for two reasons. Who leaves the loop by `break` drops it, which is a ResourceWarning on trio; and
a generator that has raised ends in silence when it is asked again, so that what failed would look whole.
"""

from __future__ import annotations

from sys import getrefcount
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import Delta


_OURS: Final = 3
"""References to a generator that nobody else holds: the attribute, the variable, the argument."""


class Iteration:
    """Keeps the generator of one reply."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: AsyncGenerator[Delta, None] | None = None

    def of(self, make: Callable[[], AsyncGenerator[Delta, None]]) -> AsyncGenerator[Delta, None]:
        """Return the generator that rests at its `yield`, or a new one.

        Args:
            make: Returns a new one.
        """
        kept = self._kept
        if not isinstance(kept, AsyncGeneratorType) or kept.ag_frame is None or kept.ag_running:
            kept = self._kept = make()
        return kept

    def close(self) -> None:
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
