"""A line on a terminal that says what takes so long, from two seconds on; nothing anywhere else."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from router.cli.output import is_plain, printable
from router.events import AttemptStarted, WaitStarted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from router.events import Event

_PATIENCE: Final = 2.0
"""Seconds without a word before there is a line."""
_ERASE: Final = "\r\x1b[K"


class Waiting:
    """The line; an observer of the router, which learns from it who is asked."""

    def __init__(self) -> None:
        self._on = not is_plain(sys.stderr)
        self._what = "an answer"
        self._is_over = True
        self._is_shown = False

    def __call__(self, event: Event) -> None:
        """Remember who is asked."""
        match event:
            case AttemptStarted():
                self._what = event.provider
            case WaitStarted():
                self._what = "the next round: all have failed once"
            case _:
                pass

    @asynccontextmanager
    async def over(self) -> AsyncGenerator[None, None]:
        """Show the line while this is open, until `end()`."""
        if not self._on:
            yield
            return
        self._is_over = False
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tick)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below: out of the group it would be in a group
                failure = error
            finally:
                self.end()
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _tick(self) -> None:
        started = anyio.current_time()
        await anyio.sleep(_PATIENCE)
        while not self._is_over:
            seconds = anyio.current_time() - started
            self._put(f"{_ERASE}waiting for {printable(self._what)}, {seconds:.0f} s")
            self._is_shown = True
            await anyio.sleep(1)

    def end(self) -> None:
        """Erase the line for good: something came."""
        self._is_over = True
        if self._is_shown:
            self._is_shown = False
            self._put(_ERASE)

    def _put(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
