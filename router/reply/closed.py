"""What is told to somebody who reads on after a reply was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from router.events import Verdict

_CLOSED_BY: Final = {
    "truncated": "it was truncated, which StreamInterrupted told",
    "failed": "its provider failed, which StreamInterrupted told",
    "refused": "its provider refused the rest, which StreamInterrupted told",
    "cancelled": "the task that read it was cancelled",
    "complete": "it was complete",
}
"""Who closed a reply, where nobody called a method for it."""


def was_closed(provider: str, seconds: float, by: str, verdict: Verdict | None) -> anyio.ClosedResourceError:
    """Return the error.

    Args:
        provider: Whose reply it was.
        seconds: How long ago.
        by: Who closed it; "" where nobody did by a method.
        verdict: How it ended.
    """
    by = by or _CLOSED_BY.get(verdict or "", "it ended")
    return anyio.ClosedResourceError(
        f"the reply of {provider!r} was closed {seconds:.1f} s ago: {by}; "
        "for another reply call router.stream(…) again"
    )
