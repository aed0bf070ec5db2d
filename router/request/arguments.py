"""What a caller gives a router, checked, with what to write instead of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from adapters.contract import ChatRequest


def refuse_misplaced(options: Mapping[str, Any]) -> None:
    """Refuse what belongs elsewhere, with what to write instead.

    Raises:
        TypeError: One of the options is no option, but close to another argument.
    """
    if "stream" in options:
        raise TypeError(
            "there is no option 'stream': router.stream(…) streams, "
            "and router.complete(…) returns the whole reply"
        )
    if "timeout" in options:
        raise TypeError(
            "there is no option 'timeout': a request has several clocks; "
            f"write timeouts=Timeouts({total_of(options['timeout'])}) for the whole request"
        )


def total_of(value: object) -> str:
    """Return what to write for a limit of the whole request, after a number that was given for it."""
    return f"total={value!r}" if isinstance(value, int | float) else "total=60"


async def built(steps: Generator[None, None, ChatRequest]) -> ChatRequest:
    """Return the request that is built in steps, letting others run between them."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            request: ChatRequest = done.value
            return request
        await anyio.lowlevel.checkpoint()
