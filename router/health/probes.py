"""Probes of many providers side by side: each is bounded, shared, and gives way to a request.

a second check meanwhile                     joins the running probe and gets its result
a request needs the slot of a probe          the probe ends without a finding
no free slot, no budget left                 no probe; the result says so, and the evidence stays as it is
no answer in time                            the finding is: not working
an adapter raises or returns nonsense        no finding; the other providers are probed
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract import ProbeResult
from router.provider.evidence import MAY_HAVE_COST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adapters.contract import ProbeLevel
    from router.events import Event
    from router.policy.retry import RetryPolicy
    from router.policy.timeouts import Timeouts
    from router.provider.concurrency import Slots
    from router.provider.limits import Admission
    from router.provider.provider import Provider

AT_ONCE: Final = 16
"""Probes of one router under way at the same time."""


@dataclass(slots=True, eq=False, repr=False)
class _Flight:
    """A probe under way.

    Attributes:
        landed: Set when it is over.
        result: What it found; None where it was cancelled.
    """

    landed: anyio.Event
    result: ProbeResult | None = None


class Probing:
    """The probes of one router.

    Args:
        providers: By name.
        slots: Provider -> its slots.
        timeouts: The router's.
        policy: What to remember of an error.
        notify: Tells an event to the observers.
        clock: Returns the time on the event loop's clock.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        slots: Mapping[str, Slots],
        timeouts: Timeouts,
        policy: RetryPolicy,
        notify: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        self._providers = providers
        self._slots_of = slots
        self._timeouts = timeouts
        self._policy = policy
        self._notify = notify
        self._clock = clock
        self._flights: dict[tuple[str, ProbeLevel], _Flight] = {}
        self._slots: anyio.Semaphore | None = None

    async def probe(self, names: Iterable[str], level: ProbeLevel) -> dict[str, ProbeResult]:
        """Probe the providers of these names; the adapters' `working` follows what is found."""
        results: dict[str, ProbeResult] = {}

        async def one(name: str) -> None:
            results[name] = await self._shared(self._providers[name], level)

        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(one, name)
        return results

    async def _shared(self, provider: Provider, level: ProbeLevel) -> ProbeResult:
        """Return what the probe under way finds, or else a new one."""
        key = (provider.name, level)
        while (flight := self._flights.get(key)) is not None:
            await flight.landed.wait()
            if flight.result is not None:
                return flight.result
        flight = self._flights[key] = _Flight(anyio.Event())
        if self._slots is None:
            self._slots = anyio.Semaphore(AT_ONCE)
        try:
            async with self._slots:
                found = self._reach(provider) if level == "reach" else self._answer(provider)
                flight.result = await found
        finally:
            del self._flights[key]
            flight.landed.set()
        return flight.result

    async def _reach(self, provider: Provider) -> ProbeResult:
        return await self._bounded(provider, "reach", self._timeouts.probe)

    async def _answer(self, provider: Provider) -> ProbeResult:
        """Probe in a slot that a request gets back at once when it needs it."""
        slots, budget = self._slots_of[provider.name], provider.probe_budget
        with slots.lent() as scope:
            if scope is None:
                said = f"all its {slots.limit} slots are taken; the probe would have to wait"
                return _kept_back(said)
            limits, now = provider.limits, self._clock()
            admission = None if limits is None or budget.left(now) < 1 else limits.admit(None, now)
            if limits is not None and admission is None and budget.left(now) >= 1:
                return _kept_back("it is at a limit that this side keeps; the newest evidence stands")
            if not budget.take(now):
                return _kept_back(f"{budget.refusal(now)}; the newest evidence stands")
            result = await self._bounded(provider, "answer", self._timeouts.probe_answer)
            self._book(provider, result, admission)
            return result
        return ProbeResult(None, "a request needed the slot of the probe", "answer")

    def _book(self, provider: Provider, result: ProbeResult, admission: Admission | None) -> None:
        """Book what a probe for an answer used, as an attempt's use is booked."""
        answered = result.working or isinstance(result.error, MAY_HAVE_COST)
        timed_out = result.working is False and result.error is None
        if not (answered or timed_out) or (provider.limits is None and provider.account is None):
            return
        if provider.limits is not None and admission is not None:
            provider.limits.counted(admission, result.usage, self._clock())
        model, cost = provider.adapter.model, None
        if provider.account is not None:
            cost = provider.account.cost((result.model, model), result.usage)
            provider.account.book(cost, wasted=False)
        from router.rare_events import CostBooked  # not in `import router`: many programs never probe

        named = result.model or model
        self._notify(CostBooked(None, provider.name, named, result.usage, cost, wasted=False))

    async def _bounded(self, provider: Provider, level: ProbeLevel, seconds: float) -> ProbeResult:
        started = self._clock()
        result = ProbeResult(False, f"no answer to the probe within {seconds:g} s", level)
        with anyio.move_on_after(seconds):
            result = await _found(provider, level)
        now = self._clock()
        if not result.seconds:
            result = replace(result, seconds=now - started)
        try:
            provider.probed(result, now, self._policy)
        except Exception as bug:  # noqa: BLE001 - one adapter must not end the check of the others
            said = f"the adapter has a bug: it raised {type(bug).__name__} when it was told of the probe"
            result = replace(result, working=None, reason=said)
        from router.rare_events import CleanUpFailed, ProbeEnded  # as above

        if result.leftover is not None:
            self._notify(CleanUpFailed(None, provider.name, result.leftover))
        self._notify(ProbeEnded(provider.name, result))
        return result


def _kept_back(reason: str) -> ProbeResult:
    return ProbeResult(None, reason, "answer", asked=False)


async def _found(provider: Provider, level: ProbeLevel) -> ProbeResult:
    try:
        found: object = await provider.adapter.probe(level)
    except Exception as error:  # noqa: BLE001 - a bug in one adapter must not end the check of the others
        return ProbeResult(None, f"the probe itself failed: {type(error).__name__}", level)
    if isinstance(found, ProbeResult):
        return found
    return ProbeResult(None, f"the probe returned {type(found).__name__}, no ProbeResult", level)
