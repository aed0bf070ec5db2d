"""Asking one candidate of a call: whether it may be asked, the tries, and what is learned from each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio
import anyio.lowlevel

from adapters.contract import Conditions
from adapters.contract.errors import ConnectionLost, Disposition, FirstContentTimeout
from router.errors import RequestAborted
from router.events import AdapterBroke, AttemptStarted, CleanUpFailed
from router.policy.timeouts import attempt_limit
from router.provider.provider import NO_EVIDENCE
from router.reply.generator import close_generator
from router.request.attempt import Trial, try_once
from router.request.selection import dropped_options, lacking_demands, reason_to_skip

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from adapters.contract import ChatRequest
    from adapters.contract.errors import AdapterError
    from router.events import Event
    from router.policy.breaker import Permit
    from router.policy.budget import RetryBudget
    from router.policy.interruption import Interruption
    from router.policy.retry import RetryPolicy, Rounds
    from router.policy.timeouts import Deadline, Timeouts
    from router.provider.concurrency import Places
    from router.provider.provider import Provider
    from router.request.ledger import Ledger

_NO_TIME: Final = "no time left before the deadline (Timeouts.total)"
_NO_BUDGET: Final = "the retry budget is used up (RetryPolicy.budget)"
_TRIAL_LOOK: Final = 1.0
"""Seconds until a request that waits looks again whether another's trial is over: mostly long before it
would count as lost."""
_SLOWER: Final = "another provider was quicker"


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one call.

    Attributes:
        request_id: Its id.
        request: What to ask.
        candidates: Whom to ask, in order.
        timeouts: Its clocks.
        deadline: Its end.
        policy: When to ask again.
        budget: Pays for what is asked again.
        interruption: What becomes of a reply that breaks off.
        random_source: For the jitter.
        clock: Returns the time.
        notify: Tells an event to the observers.
        places: Provider -> its places.
    """

    request_id: str
    request: ChatRequest
    candidates: tuple[Provider, ...]
    timeouts: Timeouts
    deadline: Deadline
    policy: RetryPolicy
    budget: RetryBudget
    interruption: Interruption
    random_source: random.Random
    clock: Callable[[], float]
    notify: Callable[[Event], None]
    places: Mapping[str, Places]


class Committed(NamedTuple):
    """A provider whose first content came, and the trial that holds it."""

    provider: Provider
    trial: Trial


@dataclass(slots=True)
class _Try:
    provider: Provider
    round: int
    behind: int  # candidates of this round still to be asked
    fresh: bool = False
    repeat: bool = False
    permit: Permit | None = None


class Asking:
    """Asks candidates of one call, one or two at a time; the first content wins.

    Args:
        terms: What holds for the call.
        ledger: Where each attempt is written.
        rounds: Which candidates may be asked again, and when.
        request: What to ask.
    """

    def __init__(self, terms: Terms, ledger: Ledger, rounds: Rounds, request: ChatRequest) -> None:
        self._terms = terms
        self._ledger = ledger
        self._rounds = rounds
        self._request = request
        self._by_name = {provider.name: provider for provider in terms.candidates}
        self._won = False
        self.out_of_time = False
        """Whether somebody was not asked for want of time."""

    async def ask(
        self, provider: Provider, number: int, behind: list[str], *, paid: bool = False
    ) -> Committed | None:
        """Ask one candidate, and stay with it as the policy allows.

        Args:
            provider: Whom to ask.
            number: The round.
            behind: The candidates of this round that come after it.
            paid: Whether the budget has paid for this already.

        Raises:
            RequestAborted: Its error forbids asking anybody else.
        """
        paid = paid or not self._ledger.asked(provider.name)  # the first attempt at each is free
        fresh = repeat = False
        while True:
            now = self._terms.clock()
            reason = self._reason_to_skip(provider, now) or self._reason_to_end(now, paid=paid)
            if reason is not None:
                self._skip(provider, number, reason, now)
                return None
            left = sum(self.would_be_asked(name, now) for name in behind)
            trial = await self._try_in_place(_Try(provider, number, left, fresh, repeat))
            if trial is None:
                return None
            if trial.error is None:
                return Committed(provider, trial)
            if self._terms.policy.disposition(trial.error) is Disposition.ABORT:
                raise self._aborted(provider, trial.error) from trial.error
            paid = False
            if _lost_on_reuse(trial.error) and self._rounds.may_repeat(provider.name):
                fresh = repeat = True
                continue
            now = self._terms.clock()
            earliest = self._rounds.failed(provider.name, trial.error, now)
            if number > 1 or earliest is None or not self._rounds.may_stay(provider.name):
                return None
            await anyio.sleep(max(0.0, earliest - now))
            repeat = False

    def would_be_asked(self, name: str, now: float) -> bool:
        """Whether a candidate could be asked now."""
        return self._reason_to_skip(self._by_name[name], now, tell=False) is None

    async def _try_in_place(self, it: _Try) -> Trial | None:
        """Try once in a place of the provider, which a committed reply keeps; None where there was none."""
        terms, places = self._terms, self._terms.places[it.provider.name]
        now = terms.clock()
        longest = min(terms.timeouts.place, terms.deadline.remaining(now))
        if not await places.take(0.0 if it.behind else longest, behind_probe=longest):
            full = f"all its {places.limit} places are taken (Adapter.concurrency)"
            self._skip(it.provider, it.round, full, terms.clock())
            return None
        now = terms.clock()
        reason = self._reason_to_skip(it.provider, now) or self._reason_to_end(now, paid=True)
        if reason is not None:  # it changed while the place was waited for
            places.give_back()
            self._skip(it.provider, it.round, reason, now)
            return None
        it.permit = it.provider.breaker.permit(now)
        trial: Trial | None = None
        try:
            trial = await self._try(it)
        finally:
            if trial is None or trial.error is not None:
                places.give_back()
        return trial

    async def _try(self, it: _Try) -> Trial | None:
        """Try once, and keep what it shows; None where another provider was quicker meanwhile."""
        terms, provider = self._terms, it.provider
        try:
            # The clean-up of the attempt before was shielded: who was cancelled meanwhile asks nobody else.
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            self._learn_nothing(it.permit)
            raise
        started = terms.clock()
        limit = attempt_limit(terms.timeouts, terms.deadline.remaining(started), it.behind + 1)
        line = self._ledger.begin(provider.name, it.round)
        line.dropped, line.repeat = dropped_options(provider, self._request), it.repeat
        terms.notify(AttemptStarted(terms.request_id, provider.name, line.number, it.round, limit))

        def report(error: Exception) -> None:
            terms.notify(CleanUpFailed(terms.request_id, provider.name, error))

        request = self._request.under(Conditions(it.behind > 0, it.fresh, report))
        close = terms.timeouts.close
        try:
            trial = await try_once(provider.adapter, request, limit=limit, close=close, report=report)
            if self._won and trial.generator is not None:
                await close_generator(trial.generator, close, report)
        except BaseException:
            self._learn_nothing(it.permit)
            line.end("cancelled", Trial(started, terms.clock()), _SLOWER if self._won else "")
            raise
        if self._won:
            self._learn_nothing(it.permit)
            line.end("cancelled", trial, _SLOWER)
            return None
        self._learn(provider, trial, it.permit)
        if trial.error is None:
            self._won = True
            line.end("committed", trial)
        else:
            line.end("failed", trial)
        return trial

    def _learn(self, provider: Provider, trial: Trial, permit: Permit | None) -> None:
        """Keep what a trial shows at the provider; a bug in its adapter must not end the chain."""
        policy, error = self._terms.policy, trial.error
        if trial.bug is not None:
            self._terms.notify(AdapterBroke(self._terms.request_id, provider.name, trial.bug))
        try:
            if error is None:
                provider.succeeded(trial.ended, trial.seconds)
            elif not _lost_on_reuse(error):
                if isinstance(error, FirstContentTimeout):
                    provider.pace.add(trial.ended, trial.seconds)  # it takes at least so long
                provider.failed(error, provider.adapter.model_for(self._request), trial.ended, policy)
        except Exception as bug:  # noqa: BLE001 - as the docstring says
            self._terms.notify(AdapterBroke(self._terms.request_id, provider.name, bug))
        if permit is None:
            return
        if error is None:
            permit.succeeded(trial.ended, trial.seconds)
        elif isinstance(error, NO_EVIDENCE) or _lost_on_reuse(error):
            permit.released()
        else:
            asked = policy.push_back(error)
            permit.failed(trial.ended, None if asked is None else min(asked, policy.remember))

    @staticmethod
    def _learn_nothing(permit: Permit | None) -> None:
        if permit is not None:
            permit.released()

    def _reason_to_skip(self, provider: Provider, now: float, *, tell: bool = True) -> str | None:
        try:
            return reason_to_skip(provider, self._request, now)
        except Exception as bug:  # noqa: BLE001 - a bug in an adapter must not end the chain
            if tell:
                self._terms.notify(AdapterBroke(self._terms.request_id, provider.name, bug))
            return f"the adapter has a bug: it raised {type(bug).__name__} when it was looked at"

    def _reason_to_end(self, now: float, *, paid: bool) -> str | None:
        if not self._terms.deadline.allows_attempt(now):
            self.out_of_time = True
            return _NO_TIME
        return None if paid or self._terms.budget.take(now) else _NO_BUDGET

    def _skip(self, provider: Provider, number: int, reason: str, now: float) -> None:
        line = self._ledger.begin(provider.name, number)
        line.lacks = lacking_demands(provider, self._request)
        line.end("skipped", Trial(now, now, phase="selection"), reason)
        wait = provider.come_back(now)
        if self._terms.policy.wait_for_held and wait is not None:
            if provider.held(now) is None and provider.breaker.state(now) == "half-open":
                wait = min(wait, _TRIAL_LOOK)
            self._rounds.held_back(provider.name, now, wait)

    def _aborted(self, provider: Provider, error: AdapterError) -> RequestAborted:
        return RequestAborted(
            f"{provider.name} ended the request ({type(error).__name__}: {error}); nobody else was asked. "
            "Where another provider may be, say so: "
            f"RetryPolicy(dispositions={{{type(error).__name__}: Disposition.FAILOVER}})",
            self._ledger.attempts,
        )


def _lost_on_reuse(error: AdapterError) -> bool:
    return isinstance(error, ConnectionLost) and error.reused
