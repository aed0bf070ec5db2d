"""Races a second attempt against a slow first one. The task group is closed before it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def race(
    first: Callable[[], Awaitable[T | None]], second: Callable[[], Awaitable[T | None]], delay: float
) -> T | None:
    """Run `first`; where it is not done after `delay` seconds, run `second` beside it.

    The first result ends the race: the other is cancelled, and has cleaned up when this returns. None is no
    result. Where `first` ends without one before `delay`, `second` is not run: moving on is the caller's.

    Args:
        first: The attempt that begins.
        second: The one to back it up.
        delay: Seconds.

    Raises:
        Exception: What an attempt raised; the other is cancelled.
    """
    results: list[T] = []
    errors: list[Exception] = []
    first_done = anyio.Event()

    async def run(attempt: Callable[[], Awaitable[T | None]]) -> None:
        try:
            result = await attempt()
        except Exception as error:  # noqa: BLE001 - raised below, outside of the group, as itself
            errors.append(error)
            tasks.cancel_scope.cancel()
            return
        if result is not None:
            results.append(result)
            tasks.cancel_scope.cancel()

    async def lead() -> None:
        await run(first)
        first_done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        with anyio.move_on_after(delay):
            await first_done.wait()
        if not first_done.is_set():
            await run(second)
    if results:
        return results[0]
    if errors:
        raise errors[0]
    return None
