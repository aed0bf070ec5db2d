"""Probes in the background, for as long as its `async with` block runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

from router.health.level import checked_level

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from types import TracebackType

    from anyio.abc import TaskGroup

    from adapters.contract import ProbeLevel
    from router.health.check import CheckUp
    from router.health.report import HealthReport
    from router.request.in_flight import InFlight

    OnReport: TypeAlias = Callable[[HealthReport], object]

_ASKED: Final = 0.1
"""Seconds that a round waits to learn which process probes; who does not know it by then probes."""


class Monitor:
    """Probes the providers of a router again and again, and keeps the newest report.

    A round leaves out the providers with traffic since the last interval: requests cost no probe and show
    more. The monitor ends when its block is left or the router is closed. It does not end when an adapter or
    an observer raises.

    Attributes:
        report: The newest report; before the first probes it is what was known without them.
        rounds: How many rounds of probes were made.
    """

    def __init__(
        self,
        check_up: CheckUp,
        underway: InFlight,
        random_source: random.Random,
        interval: float,
        level: ProbeLevel,
        jitter: float,
        on_report: OnReport | None,
    ) -> None:
        from router.health.report import HealthReport  # not every program wants one; see `CheckUp.report`

        if not 0 < interval < math.inf:
            raise ValueError(f"monitor(interval={interval!r}): it must be a number of seconds above 0")
        if not 0 <= jitter < 1:
            raise ValueError(f"monitor(jitter={jitter!r}): it must be a share from 0 to less than 1")
        self._check_up = check_up
        self._underway = underway
        self._random = random_source
        self._interval = interval
        self._level = checked_level(level)
        self._jitter = jitter
        self._on_report = on_report
        self._tasks: TaskGroup | None = None
        self.report = HealthReport(())
        self.rounds = 0

    async def __aenter__(self) -> Monitor:
        self._underway.open()
        if self._tasks is not None:
            raise RuntimeError("this monitor runs already, or did; make a new one with Router.monitor()")
        self.report = self._check_up.report()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        # What the block raised is not this group's affair: told of it, the group would wrap it into a group.
        await self._tasks.__aexit__(None, None, None)

    async def _run(self) -> None:
        try:
            with self._underway.work():
                while True:
                    started = self._check_up.clock()
                    try:
                        await self._round(started)
                    except Exception as bug:  # noqa: BLE001 - whose ever it is, the next round may do better
                        self._check_up.notify.broke("Monitor", bug)
                    share = self._random.uniform(1 - self._jitter, 1 + self._jitter)
                    await anyio.sleep(max(0.0, started + self._interval * share - self._check_up.clock()))
        except anyio.ClosedResourceError:  # the router was closed: nothing is left to look at
            return

    async def _round(self, now: float) -> None:
        providers = self._check_up.providers
        names = [
            name for name, provider in providers.items() if not provider.heard_since(now - self._interval)
        ]
        sharing = {name: shared for name in names if (shared := providers[name].sharing) is not None}
        if any(shared.may_probe(now) is None for shared in sharing.values()):
            await anyio.sleep(_ASKED)
        names = [n for n in names if n not in sharing or sharing[n].may_probe(now) is not False]
        self.report = await self._check_up.check(self._level, names)
        self.rounds += 1
        if self._on_report is None:
            return
        try:
            self._on_report(self.report)
        except Exception as bug:  # noqa: BLE001 - it must not end the monitor
            name = getattr(self._on_report, "__qualname__", type(self._on_report).__qualname__)
            self._check_up.notify.broke(name, bug)

    def __repr__(self) -> str:
        every = f"every {self._interval:g} s at {self._level}"
        return f"<Monitor {every}: {self.rounds} rounds, {self.report.verdict}>"
