"""Races a second attempt against a slow first one. The task group is closed before it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio

from router.errors import RequestAborted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def race(
    first: Callable[[], Awaitable[T | None]],
    second: Callable[[], Awaitable[T | None]],
    delay: float,
    abandon: Callable[[T], Awaitable[None]],
) -> T | None:
    """Run `first`; where it is not done after `delay` seconds, run `second` beside it.

    A `second` that aborts the request does so only once `first` has ended without a result.

    The first result ends the race: the other is cancelled, and has cleaned up when this returns. None is no
    result. Where `first` ends without one before `delay`, `second` is not run: moving on is the caller's.

    Args:
        first: The attempt that begins.
        second: The one to back it up.
        delay: Seconds.
        abandon: Lets go of a result that nobody will get: the race was cancelled while its loser cleaned up.

    Raises:
        BaseException: What an attempt raised, as itself; the other is cancelled.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    first_done = anyio.Event()

    async def run(attempt: Callable[[], Awaitable[T | None]]) -> None:
        try:
            result = await attempt()
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - raised below, outside of the group, as itself
            errors.append(error)
            if attempt is first or not isinstance(error, RequestAborted):
                tasks.cancel_scope.cancel()
            return
        if result is not None:
            results.append(result)
            tasks.cancel_scope.cancel()

    async def follow() -> None:
        with anyio.move_on_after(delay):
            await first_done.wait()
        if not first_done.is_set():
            await run(second)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await run(first)  # in this task, so that it begins first even where there is no delay
            first_done.set()
    except BaseException:
        for result in results:
            await abandon(result)
        raise
    if results:
        return results[0]
    if errors:
        raise errors[0]
    return None
