"""The clock of the running event loop, looked for once a request instead of at each glance at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable


def running_clock(usual: Callable[[], float]) -> Callable[[], float]:
    """Return the clock of the event loop that runs here: its own where that is known, else `usual`.

    Finding out which library runs the event loop costs ten times as much as its clock does.
    """
    own: Callable[[], float] = getattr(current_token().native_token, "time", usual)  # trio's has none
    return own
