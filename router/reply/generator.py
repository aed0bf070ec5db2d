"""An adapter's generator, which may be anybody's code: made, stepped and closed without trusting it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio

from adapters.contract import Delta
from adapters.contract.errors import BadReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Adapter, ChatRequest


class Misbehaved(TypeError):
    """An adapter does what its contract excludes. The text is ours, so it may be shown."""


def bad_reply(bug: Exception) -> BadReply:
    """Return what stands for a bug in an adapter: anything that it raised besides an AdapterError.

    What a foreign exception says may hold secrets; it stays in the `__cause__`.
    """
    what = str(bug) if isinstance(bug, Misbehaved) else f"it raised {type(bug).__name__}"
    error = BadReply(f"the adapter has a bug: {what}")
    error.__cause__ = bug
    return error


def made_by(adapter: Adapter, request: ChatRequest) -> AsyncGenerator[Delta, None]:
    """Return the generator that `adapter` answers with, or raise where it made something else."""
    made: object = adapter.stream(request)
    if isinstance(made, AsyncGenerator):
        return made
    if inspect.iscoroutine(made):
        made.close()  # or Python warns that nobody awaited it
    kind = type(made).__name__
    raise Misbehaved(f"stream() returned a {kind} instead of an async generator; is its `yield` missing?")


def checked(delta: object) -> Delta:
    """Return `delta`, or raise where an adapter yielded anything else."""
    if isinstance(delta, Delta):
        return delta
    raise Misbehaved(f"stream() yielded {type(delta).__name__} instead of Delta")


async def close_generator(
    generator: AsyncGenerator[Delta, None], seconds: float, report: Callable[[Exception], None]
) -> None:
    """Close an adapter's generator that rests at a `yield`: shielded, bounded, its failure only reported."""
    with anyio.move_on_after(seconds, shield=True) as scope:
        try:
            await generator.aclose()
        except Exception as error:  # noqa: BLE001 - a failing clean-up must not change the outcome
            report(error)
    if scope.cancelled_caught:
        report(TimeoutError(f"the clean-up was not done after {seconds:g} s (Timeouts.close)"))
