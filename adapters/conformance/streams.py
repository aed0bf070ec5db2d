"""The rules about how a stream is opened, read, cancelled and closed.

Each rule is a function that raises `Violation` where an adapter breaks it; its name is that of the check.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from adapters.conformance.harness import Reading, Violation, told
from adapters.contract.errors import Busy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from adapters.conformance.harness import Harness
    from adapters.contract import Delta

MOMENTS: Final = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)
"""Checkpoints after which a reading is cancelled, each in a request of its own."""


async def holds_no_scope(harness: Harness) -> None:
    """No cancel scope and no task group stays open at a `yield`: each delta is read in a scope of its own."""
    async with harness.adapter() as adapter:
        stream = harness.open(adapter)

        async def read() -> None:
            for _ in range(3):
                scope = anyio.CancelScope().__enter__()
                try:
                    await anext(stream)
                except Exception:  # noqa: BLE001 - the end, or what the next check reports
                    return
                finally:
                    await _leave(scope, stream)
            with suppress(Exception):  # of the closing, the next checks report
                await stream.aclose()

        await _in_a_task(read, "reading")


async def _leave(scope: anyio.CancelScope, stream: AsyncGenerator[Delta, None]) -> None:
    """Leave `scope`, which is impossible while one that was entered in `stream` is open."""
    try:
        scope.__exit__(None, None, None)
    except RuntimeError as error:
        try:
            await stream.aclose()
        except* (Exception, GeneratorExit):  # noqa: BLE001 - it is broken, which is said below
            pass
        with suppress(RuntimeError):  # asyncio can leave it now, and must; trio has done so
            scope.__exit__(None, None, None)
        text = f"a cancel scope or a task group stays open at a `yield` ({error}); close it before"
        raise Violation(text) from error


async def closes_early(harness: Harness) -> None:
    """A stream closed after its first content is closed quickly, also twice, and leaves nothing."""
    async with harness.adapter() as adapter:
        stream = harness.open(adapter)
        await harness.first_content(stream)
        await harness.close(stream, "closed after the first content")
        await harness.close(stream, "closed twice")


async def can_be_cancelled(harness: Harness) -> None:
    """A cancellation inside `__anext__` leaves it at once, as a cancellation, and nothing stays behind."""
    whole = (await harness.reply()).seconds
    for checkpoints in MOMENTS:
        await _cancelled(harness, f"cancelled after {checkpoints} checkpoints", checkpoints=checkpoints)
    for part in (0.2, 0.5, 0.8):
        await _cancelled(harness, f"cancelled after {part:.0%} of the reply's time", seconds=whole * part)
    await _cancelled(harness, "cancelled after the first delta", after_delta=True)


async def _cancelled(
    harness: Harness, when: str, *, checkpoints: int = 0, seconds: float = 0.0, after_delta: bool = False
) -> None:
    reading, moment, done = Reading(), anyio.Event(), anyio.Event()
    scope = anyio.CancelScope()
    if after_delta:
        reading.on_delta = moment.set
    else:
        moment.set()

    async def read(stream: AsyncGenerator[Delta, None]) -> None:
        with scope:
            await reading.fill(stream)
        moment.set()
        done.set()

    async with harness.adapter() as adapter:
        stream = harness.open(adapter)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, stream)
            for _ in range(checkpoints):
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(seconds)
            await moment.wait()
            struck, over = anyio.current_time(), done.is_set()
            scope.cancel()
            await done.wait()
            late = anyio.current_time() - struck
        _look_at_the_end(reading, when, over=over)
        if late > harness.closing:
            raise Violation(f"{when}: it took {late:.1f} s to stop, more than {harness.closing:g} s")
        # Before aclose: a generator cancelled inside `__anext__` is over, and its `finally` has run.
        await harness.nothing_left(when)
        await harness.close(stream, when)


def _look_at_the_end(reading: Reading, when: str, *, over: bool) -> None:
    if reading.error is not None:
        raise Violation(f"{when}: reading raised {told(reading.error)} instead of the cancellation")
    if reading.ended and not over and not reading.proved:
        raise Violation(f"{when}: it swallowed the cancellation and ended as if the reply were over")


async def keeps_streams_apart(harness: Harness) -> None:
    """Two streams at once do not disturb each other, though one of them is closed early."""
    reading = Reading()
    async with harness.adapter() as adapter:

        async def glance() -> None:
            stream = harness.open(adapter)
            try:
                await harness.first_content(stream)
            except Busy:
                return  # a service that takes one conversation at a time may say so
            finally:
                await stream.aclose()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading.fill, harness.open(adapter))
            tasks.start_soon(glance)
        if not isinstance(reading.error, Busy) and reading.whole() and not reading.proved:
            raise Violation("closing one stream ended the other without proof of its end")
        await harness.nothing_left("two streams at once")


async def changes_tasks(harness: Harness) -> None:
    """A stream may be opened in one task, read in two others and closed in a fourth."""
    async with harness.adapter() as adapter:
        opened: list[AsyncGenerator[Delta, None]] = []

        async def open_it() -> None:
            opened.append(harness.open(adapter))

        async def read_on() -> None:
            await anext(opened[0], None)

        async def close_it() -> None:
            await harness.close(opened[0], "closed in a task of its own")

        for what, step in (
            ("opening", open_it),
            ("reading to the first content", lambda: harness.first_content(opened[0])),
            ("reading on", read_on),
            ("closing", close_it),
        ):
            await _in_a_task(step, what)


async def _in_a_task(step: Callable[[], Awaitable[None]], what: str) -> None:
    caught: list[Exception] = []

    async def run() -> None:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - shown below, outside the task group's own wrapping
            caught.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
    if caught:
        if isinstance(caught[0], Violation):
            raise caught[0]
        raise Violation(f"{what} in a task of its own raised {told(caught[0])}") from caught[0]
