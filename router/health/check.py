"""What a router says of its health: the report from memory, and the one after probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.policy.strategy import Priority
from router.provider.chain import foreseen

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping

    from adapters.contract import ProbeLevel, ProbeResult
    from router.events import Observers
    from router.health.probes import Probing
    from router.health.report import HealthReport, Keeper
    from router.health.traffic import TrafficObserver
    from router.policy.budget import RetryBudget
    from router.policy.strategy import Strategy
    from router.provider.provider import Provider


@dataclass(slots=True, eq=False, repr=False)
class CheckUp:
    """The health of the providers of one router.

    Attributes:
        providers: By name, in priority order.
        traffic: What requests showed of them.
        probing: Probes them.
        budget: Of the retries.
        strategy: In which order a request asks them.
        random_source: Which the strategy draws from; only looked at.
        keeper: Keeps each report that probes were made for.
        notify: Tells an event to the observers.
        clock: Returns the time on the event loop's clock.
    """

    providers: Mapping[str, Provider]
    traffic: TrafficObserver
    probing: Probing
    budget: RetryBudget
    strategy: Strategy
    random_source: random.Random
    keeper: Keeper | None
    notify: Observers
    clock: Callable[[], float]

    def report(
        self, level: ProbeLevel | None = None, probes: Mapping[str, ProbeResult] | None = None
    ) -> HealthReport:
        """Return what is known now, without I/O."""
        # Not every program asks for a report, and its classes take a tenth of `import router` to make.
        from router.health.report import HealthReport, RetryAllowance
        from router.health.snapshot import entry_of

        now, probes = self.clock(), probes or {}
        entries = [
            entry_of(provider, self.traffic, now, probes.get(name))
            for name, provider in self.providers.items()
        ]
        order = None
        if not isinstance(self.strategy, Priority):
            chain, broke = list(self.providers.values()), self.notify.broke
            order = foreseen(chain, self.strategy, now, self.random_source, broke)
        allowance = RetryAllowance(self.budget.left(now), self.budget.capacity)
        return HealthReport(tuple(entries), level, allowance, order)

    async def check(self, level: ProbeLevel, names: Iterable[str] | None = None) -> HealthReport:
        """Probe the providers of these names, by default all, and return the report."""
        probes = await self.probing.probe(self.providers if names is None else names, level)
        report = self.report(level, probes)
        if self.keeper is not None:
            try:
                await self.keeper.keep(report, self.notify)
            except Exception as bug:  # noqa: BLE001 - it is the application's, and must not end a check
                self.notify.broke(f"{type(self.keeper).__qualname__}.keep", bug)
        return report
