"""Several processes that serve one socket, and the one that starts them.

Each of them loads the file by itself and reloads it by itself; they share nothing but the socket. One that
ends is started again. A signal is handed on to all.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import anyio

from router.gateway.access import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyio.abc import Process

_EARLY: Final = 3.0
"""A process that ends within so many seconds of its start cannot start at all."""
_PAUSE: Final = 0.5
"""Seconds before a process is started again."""


class Workers:
    """Processes that serve one socket.

    Args:
        command: Starts one of them.
        listener: The file descriptor of the socket, which they inherit.
        count: How many.
    """

    def __init__(self, command: Sequence[str], listener: int, count: int) -> None:
        self._command = list(command)
        self._listener = listener
        self._count = count
        self._running: set[Process] = set()
        self._ending = False
        self._code = 0

    async def run(self) -> int:
        """Keep them running until a signal; return the exit code."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._hand_on)
            async with anyio.create_task_group() as workers:
                for _ in range(self._count):
                    workers.start_soon(self._keep)
            group.cancel_scope.cancel()
        return self._code

    async def _hand_on(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    self._tell(signal.SIGHUP)
                else:
                    if number == signal.SIGINT:
                        self._code = 128 + number
                    self._end()

    def _end(self) -> None:
        self._ending = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._running:
            if process.returncode is None:
                process.send_signal(number)

    async def _keep(self) -> None:
        while not self._ending:
            began = anyio.current_time()
            # In a session of their own: Ctrl-C reaches them by this process alone, once.
            process = await anyio.open_process(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=None,
                stderr=None,
                start_new_session=True,
                pass_fds=[self._listener],
            )
            self._running.add(process)
            if self._ending:  # meanwhile
                process.send_signal(signal.SIGTERM)
            try:
                code = await process.wait()
            finally:
                self._running.discard(process)
            if self._ending:
                break
            if code == -signal.SIGHUP:
                continue  # told to reload before it could take signals; the next one reads the file anew
            log("error", "gateway.worker_ended", process=process.pid, code=code)
            if anyio.current_time() - began < _EARLY:
                self._code = 1
                self._end()
            else:
                await anyio.sleep(_PAUSE)


def while_parent_lives() -> Callable[[], bool]:
    """Return a function that tells whether the process that started this one still runs."""
    parent = os.getppid()
    return lambda: os.getppid() == parent
