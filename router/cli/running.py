"""Runs a command on an event loop, and ends it cleanly on Ctrl-C or SIGTERM.

A signal cancels the work; what it has opened is closed, and what it has created at a service is deleted, each
within its own limit. A second signal does not wait for that.
"""

from __future__ import annotations

import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import anyio
from anyio import TASK_STATUS_IGNORED

from router.cli.mistakes import Mistake, choice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskStatus

BACKENDS: Final = ("asyncio", "trio")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_work(work: Callable[[], Awaitable[int]], backend: str) -> int:
    """Run `work`, and return its exit code, or 128 and the number of the signal that ended it.

    Raises:
        Mistake: There is no such backend, or it is not installed.
    """
    check_backend(backend)
    try:
        return anyio.run(_until_signal, work, backend=backend)
    except BaseExceptionGroup as group:
        raise alone(group) from None


def check_backend(backend: str) -> None:
    """Look whether there is such an event loop.

    Raises:
        Mistake: There is not, or it is not installed.
    """
    choice("backend", backend, BACKENDS)
    if find_spec(backend) is None:
        raise Mistake(f"the backend {backend!r} is not installed; install it with: pip install {backend}")


def alone(error: BaseException) -> BaseException:
    """Return the error that ends a command, out of the task groups that it came through.

    Where several tasks failed, one that says how to end goes first: Ctrl-C, a mistake, a reader that went
    away. A group of other errors stays as it is.
    """
    if not isinstance(error, BaseExceptionGroup):
        return error
    for kind in (KeyboardInterrupt, Mistake, OSError):
        found: BaseException | None = error.subgroup(kind)
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        if found is not None:
            return found
    return alone(error.exceptions[0]) if len(error.exceptions) == 1 else error


async def _until_signal(work: Callable[[], Awaitable[int]]) -> int:
    code = 0
    failure: Exception | None = None
    scope = anyio.CancelScope()

    async def watch(*, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        nonlocal code
        try:
            with anyio.open_signal_receiver(*_SIGNALS) as signals:
                task_status.started()
                async for number in signals:
                    code = 128 + number
                    scope.cancel()
                    return
        except NotImplementedError:  # Windows has no such receiver; Ctrl-C is a KeyboardInterrupt there
            task_status.started()

    async with anyio.create_task_group() as tasks:
        await tasks.start(watch)
        with scope:
            try:
                code = await work()
            except Exception as error:  # noqa: BLE001 - raised below: out of the group it would be in a group
                failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise alone(failure)
    return code
