"""A step that is finished even when cancelled meanwhile, since what it does at the service must be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def run_shielded(step: Callable[[], Awaitable[None]], grace: float) -> None:
    """Run `step`; where it is cancelled meanwhile, it has `grace` seconds left, and the cancellation follows.

    Creating something remote is such a step: only its answer tells the id that a clean-up needs. The step
    runs in a task of its own, so that asyncio's own cancellation of a task leaves it alone, too.

    Raises:
        Exception: What `step` raised, as it is.
    """
    failure: list[Exception] = []
    shielded = anyio.CancelScope(shield=True)

    async def run() -> None:
        with shielded:
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - raised again below, without the group around it
                failure.append(error)
        group.cancel_scope.cancel()

    async def hurry() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            shielded.deadline = anyio.current_time() + grace

    async with anyio.create_task_group() as group:
        group.start_soon(hurry)
        group.start_soon(run)
    if failure:
        raise failure[0]
