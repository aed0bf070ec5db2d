"""Probes in the background of a blocking program, for as long as its `with` block runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from types import TracebackType

    from router.health.monitor import Monitor
    from router.health.report import HealthReport
    from router.sync.loop_thread import LoopThread


class SyncMonitor:
    """Probes the providers of a router again and again, and keeps the newest report; see `Monitor`.

    Its probes, and `on_report`, run in the thread of the router's event loop.
    """

    def __init__(self, router: object, loop: LoopThread, monitor: Monitor) -> None:
        self._router = router  # which is closed when it is dropped, and its monitors with it
        self._loop = loop
        self._monitor = monitor
        self._leaving: anyio.Event | None = None
        self._left: anyio.Event | None = None

    @property
    def report(self) -> HealthReport:
        """The newest report; before the first probes it is what was known without them."""
        return self._monitor.report

    @property
    def rounds(self) -> int:
        """How many rounds of probes were made."""
        return self._monitor.rounds

    def __enter__(self) -> SyncMonitor:
        if self._leaving is not None:
            raise RuntimeError("this monitor runs already, or did; make a new one with SyncRouter.monitor()")
        self._loop.call(self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop.is_running:
            self._loop.call(self._end)

    async def _begin(self) -> None:
        """Enter the monitor in a task of its own, which leaves it: a task group belongs to one task."""
        self._leaving, self._left = anyio.Event(), anyio.Event()
        entered = anyio.Event()
        failed: list[Exception] = []

        async def run(leaving: anyio.Event, left: anyio.Event) -> None:
            try:
                async with self._monitor:
                    entered.set()
                    await leaving.wait()
            except Exception as error:  # noqa: BLE001 - raised where it is entered
                failed.append(error)
            finally:
                entered.set()
                left.set()

        self._loop.running().tasks.start_soon(run, self._leaving, self._left)
        await entered.wait()
        if failed:
            raise failed[0]

    async def _end(self) -> None:
        assert self._leaving is not None
        assert self._left is not None
        self._leaving.set()
        await self._left.wait()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._monitor).removeprefix('<')}"
