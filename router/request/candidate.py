"""Asking one candidate of a request: whether it may be asked, its attempts, and what is learned from each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract import Conditions, Flow
from adapters.contract.errors import ConnectionLost, Disposition
from adapters.contract.message import EMPTY
from adapters.contract.reader import reader
from adapters.generator import bad_reply, close_generator
from router.errors import RequestAborted
from router.events import AttemptStarted
from router.policy.timeouts import MINIMUM, attempt_limit
from router.provider.record import Refusal
from router.reply.commitment import Commitment
from router.request.attempt import AttemptResult, ascribe, run_attempt
from router.request.bill import Bill
from router.request.selection import dropped_options, lacking_demands, refusal_of, rewritten_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import ChatRequest
    from adapters.contract.errors import AdapterError
    from router.provider.concurrency import Slots
    from router.provider.limits import Admission, Limits
    from router.provider.provider import Provider
    from router.provider.turn import Turn
    from router.request.context import RequestContext
    from router.request.ledger import Entry
    from router.request.rounds import Rounds

_NO_BUDGET: Final = "the retry budget is used up (RetryPolicy.budget)"
_TRIAL_LOOK: Final = 1.0
"""Seconds until a request that waits looks again whether another's trial is over: mostly long before it
would count as lost."""
_MOST_KEYS: Final = 64
"""Repeats with another key in one go, whatever an adapter says."""
_SLOWER: Final = "another provider was quicker"


@dataclass(slots=True, eq=False, repr=False)
class _Plan:
    """How one attempt is to be made.

    Attributes:
        provider: Whom to ask.
        round: The pass over the candidates.
        behind: How many candidates of this round may be asked after it; 1 for any, where no limit differs.
        repeat: Whether it repeats one whose kept-alive connection was lost.
        fresh: Whether it needs a connection of its own: after such a loss the idle ones are suspect.
        paid: Whether the budget need not pay for it.
        backs_up: Whether it was begun beside a slow first one.
        later: The names of all candidates of this round that come after it.
        key_repeats: How often it was repeated already because another key of the provider may serve.
        turn: At the provider, once it is begun.
        admission: What it took of the limits of this side, where the provider has some.
        bill: Books what it used, where the provider has prices or limits.
    """

    provider: Provider
    round: int
    behind: int
    repeat: bool = False
    fresh: bool = False
    paid: bool = False
    backs_up: bool = False
    later: tuple[str, ...] = ()
    key_repeats: int = 0
    turn: Turn | None = None
    admission: Admission | None = None
    bill: Bill | None = None


class Candidates:
    """The candidates of one request, asked one or two at a time; the first content wins.

    Args:
        context: Of the request.
        rounds: Which candidates may be asked again, and when.
        request: What to ask: that of the context, or what carries it on.
        by_name: The candidates by name.
    """

    __slots__ = ("_by_name", "_context", "_ledger", "_request", "_rounds", "_won", "full", "out_of_time")

    def __init__(
        self, context: RequestContext, rounds: Rounds, request: ChatRequest, by_name: Mapping[str, Provider]
    ) -> None:
        self._context = context
        self._ledger = context.ledger
        self._rounds = rounds
        self._request = request
        self._by_name = by_name
        self._won = False
        self.out_of_time = False
        """Whether somebody was not asked for want of time."""
        self.full = False
        """Whether somebody was not asked for want of a slot, though it was waited for."""

    async def ask(
        self, provider: Provider, number: int, behind: list[str], *, backs_up: bool = False
    ) -> Commitment | None:
        """Ask one candidate, and stay with it as the policy allows.

        Args:
            provider: Whom to ask.
            number: The round.
            behind: The candidates of this round that come after it.
            backs_up: Whether it is asked beside a slow first one, which the budget pays for.

        Raises:
            RequestAborted: Its error forbids asking anybody else.
        """
        # The first attempt at each is free.
        paid = not backs_up and not self._ledger.asked(provider.name)
        fresh = repeat = False
        key_repeats = 0
        while True:
            now = self._context.clock()
            left = self._left(provider, behind, now) if behind else 0
            plan = _Plan(provider, number, left, repeat, fresh, paid, backs_up, tuple(behind), key_repeats)
            if self._is_skipped(plan, now):
                return None
            result = await self._attempt_in_slot(plan, now)
            if result is None:
                return None
            if result.error is None:
                return Commitment(self._context, provider, result, None, False, plan.bill)
            if self._context.policy.disposition(result.error) is Disposition.ABORT:
                raise self._aborted(provider, result.error) from result.error
            if result.error.other_key and key_repeats < _MOST_KEYS:
                key_repeats += 1  # free, like the first one: no key is asked twice
                continue
            paid = False
            if _lost_on_reuse(result.error) and self._rounds.may_repeat(provider.name):
                fresh = repeat = True
                continue
            now = self._context.clock()
            earliest = self._rounds.failed(provider.name, result.error, now)
            if number > 1 or earliest is None or not self._rounds.may_stay(provider.name):
                return None
            self._context.work.guard()
            await anyio.sleep(max(0.0, earliest - now))
            repeat = False

    def _left(self, provider: Provider, behind: list[str], now: float) -> int:
        """Return how many of the candidates behind one would be asked; 1 for any, where no limit differs.

        Args:
            provider: Who is asked first.
            behind: The names of those that come after it.
            now: On the event loop's clock.
        """
        if len(behind) == 1:
            return int(self.would_be_asked(behind[0], now))
        context = self._context
        clocks, remaining = context.clocks_at(provider), context.deadline.remaining(now)
        usual = context.timeouts is context.usual
        asked = (self.would_be_asked(name, now) for name in behind)
        if usual and attempt_limit(clocks, remaining, len(behind) + 1) == attempt_limit(clocks, remaining, 1):
            return int(any(asked))
        return sum(asked)

    def would_be_asked(self, name: str, now: float) -> bool:
        """Whether a candidate could be asked now."""
        return self.refusal(self._by_name[name], now, tell=False) is None

    def on_trial(self, provider: Provider, now: float) -> bool:
        """Whether asking a provider now is the trial of a half-open breaker."""
        return self.refusal(provider, now, tell=False) is None and provider.standing.on_trial(
            provider.adapter.model_for(self._request), now
        )

    async def _attempt_in_slot(self, plan: _Plan, now: float) -> AttemptResult | None:
        """Make an attempt in a slot of the provider, which a committed reply keeps; None without a slot."""
        slots = self._context.slots[plan.provider.name]
        waited = not slots.take_now()
        if waited:
            if not await self._waited_for_slot(plan, slots):
                return None
            now = self._context.clock()
        # What stops it may have changed while the slot was waited for; only who has a slot is paid for.
        result: AttemptResult | None = None
        try:
            if plan.provider.limits is not None:
                result = await self._attempt_admitted(plan, plan.provider.limits)
            elif not ((waited or not plan.paid) and self._is_skipped(plan, now, pay=True)):
                plan.turn = plan.provider.turn(self._request, now)
                result = await self._attempt(plan, now)
        finally:
            if result is None or result.error is not None:
                slots.release()
        return result

    async def _waited_for_slot(self, plan: _Plan, slots: Slots) -> bool:
        """Wait for a slot as long as it is worth it; return whether there was one."""
        context = self._context
        now = context.clock()
        longest, setting = max(0.0, context.deadline.remaining(now) - MINIMUM), reader().total()
        if context.timeouts.slot is not None and context.timeouts.slot < longest:
            longest, setting = context.timeouts.slot, "Timeouts.slot"
        leave = min(longest, context.timeouts.close)
        context.work.guard()
        if not await slots.acquire(0.0 if plan.behind else longest, behind_probe=leave):
            self._skip_full(plan, slots.limit, None if plan.behind else f"within {longest:.3g} s ({setting})")
            return False
        return True

    async def _attempt_admitted(self, plan: _Plan, limits: Limits) -> AttemptResult | None:
        """Make an attempt once the limits of this side have room; None where they have none in time."""
        context, now = self._context, self._context.clock()
        plan.admission = limits.admit(self._request, now)
        if plan.admission is None and not self._is_skipped(plan, now):
            context.work.guard()
            plan.admission = await limits.wait(self._request, context.deadline.at - MINIMUM, context.clock)
            now = context.clock()
            if plan.admission is None:
                self._skip(plan, limits.refusal(self._request, now) or _no_time(), now)
        if plan.admission is None:
            return None
        sent = False
        try:
            if self._is_skipped(plan, now, pay=True):
                return None
            plan.turn = plan.provider.turn(self._request, now)
            sent = True
            result = await self._attempt(plan, now)
        finally:
            if not sent:
                limits.give_back(plan.admission, now)
        if result is not None and result.error is not None:
            limits.failed(plan.admission, result.error, result.ended)
        return result

    def _is_waited_for(self, plan: _Plan, refusal: Refusal, now: float) -> bool:
        """Whether an attempt waits for room in the limits of this side, or has it already.

        It does where nobody else would be asked, and nobody behind it has room earlier, in time.
        """
        if not refusal.limited:
            return False
        if plan.admission is not None:
            return True
        if plan.behind or plan.backs_up or refusal.back_in is None:
            return False
        if now + refusal.back_in + MINIMUM > self._context.deadline.at:
            return False
        others = (self.refusal(self._by_name[name], now, tell=False) for name in plan.later)
        return not any(
            each is not None and each.limited and each.back_in is not None and each.back_in < refusal.back_in
            for each in others
        )

    def _skip_full(self, plan: _Plan, slots: int | None, waited: str | None) -> None:
        """Go on without a provider that has no slot; where nobody answers, a later round waits for one."""
        now, name = self._context.clock(), plan.provider.name
        full = f"all its {slots} slots are taken (Adapter.concurrency; of an HTTP adapter Limits.connections)"
        if waited is not None:
            full += f", and none became free {waited}"
            self.full = True
        self._skip(plan, Refusal(full, None), now)
        if waited is None:
            self._rounds.held_back(name, now, 0.0)

    async def _attempt(self, plan: _Plan, now: float) -> AttemptResult | None:
        """Make an attempt, and keep what it shows; None where another provider was quicker meanwhile."""
        context, provider, work = self._context, plan.provider, self._context.work
        work.guard_if_cancelled()
        try:
            # The clean-up of the attempt before was shielded: who was cancelled meanwhile asks nobody else.
            await context.loop.checkpoint_if_cancelled()
        except BaseException:
            self._learn_nothing(plan)
            raise
        clocks = context.clocks_at(provider)
        limit = attempt_limit(clocks, context.deadline.remaining(now), plan.behind + 1)
        entry = self._begun(plan, limit)
        report = entry.clean_up_failed
        model = None if plan.turn is None else plan.turn.model
        asked, entry.rewritten = rewritten_for(provider, self._request, model)
        conditions = Conditions(
            plan.behind > 0, plan.fresh, report, Flow(), True, model, EMPTY, None, plan.key_repeats
        )
        try:
            request = asked.under(conditions, provider.name)
            result = await run_attempt(
                provider.adapter, request, clocks, work, report, context.clock, now, limit=limit
            )
            if result.error is not None:
                usual = context.is_usual(provider, limit, now, plan.behind + 1)
                ascribe(result.error, result, provider.adapter, request, usual=usual)
            if self._won and result.generator is not None:
                await close_generator(result.generator, clocks.close, report)
        except BaseException:
            self._learn_nothing(plan)
            entry.end("cancelled", AttemptResult(now, context.clock()), _SLOWER if self._won else "")
            raise
        if self._won:
            self._learn_nothing(plan)
            entry.end("cancelled", result, _SLOWER)
            return None
        self._learn(plan, result)
        self._won = result.error is None
        entry.end("committed" if self._won else "failed", result)
        return result

    def _bill(self, plan: _Plan, number: int) -> Bill:
        """Return what books an attempt, where the provider has prices or limits."""
        provider = plan.provider
        model = provider.adapter.model_for(self._request)
        return Bill(provider, model, self._ledger, number, plan.admission)

    def _begun(self, plan: _Plan, limit: float) -> Entry:
        """Return the entry of an attempt that begins, and tell of it where somebody listens."""
        ledger, provider = self._ledger, plan.provider
        entry = ledger.begin(provider.name, plan.round)
        if provider.account is not None or provider.limits is not None:
            plan.bill = entry.bill = self._bill(plan, entry.number)
        if self._request.options:
            entry.dropped = dropped_options(provider, self._request)
        entry.repeat = plan.repeat
        if ledger.wants(AttemptStarted):
            ledger.tell(AttemptStarted(ledger.request_id, provider.name, entry.number, plan.round, limit))
        return entry

    def _learn(self, plan: _Plan, result: AttemptResult) -> None:
        """Keep what an attempt shows at the provider; a bug in its adapter must not end the request."""
        provider, turn, error = plan.provider, plan.turn, result.error
        assert turn is not None
        if result.bug is not None:
            self._ledger.adapter_broke(provider.name, result.bug)
        try:
            if error is None:
                provider.succeeded(turn, result.ended, result.seconds)
            elif not _lost_on_reuse(error):
                provider.failed(error, turn, result.ended, self._context.policy, result.seconds)
        except Exception as bug:  # noqa: BLE001 - as the docstring says
            self._ledger.adapter_broke(provider.name, bug)
        turn.released()

    def _learn_nothing(self, plan: _Plan) -> None:
        """Let a cancelled attempt be no evidence; only a trial that its back-up outran counts as slow."""
        if plan.turn is None:
            return
        if self._won and not plan.backs_up:
            plan.turn.outrun(self._context.clock())
        plan.turn.released()

    def refusal(self, provider: Provider, now: float, *, tell: bool = True) -> Refusal | None:
        """Return why `provider` is not asked now and until when, or None where it is.

        Args:
            provider: To look at.
            now: On the event loop's clock.
            tell: Whether to tell of a bug in its adapter.
        """
        try:
            return refusal_of(provider, self._request, now)
        except Exception as bug:  # noqa: BLE001 - a bug in an adapter must not end the request
            reason = f"{bad_reply(bug)} when it was looked at"
            if tell and not provider.bug_told:
                provider.bug_told = True
                self._ledger.adapter_broke(provider.name, bug)
            return Refusal(reason, None)

    def _is_skipped(self, plan: _Plan, now: float, *, pay: bool = False) -> bool:
        """Skip the candidate where it is not asked now; whether it was skipped.

        Args:
            plan: Of the attempt.
            now: On the event loop's clock.
            pay: Whether to take the token that an extra attempt costs, not only to look for it.
        """
        refusal, budget = self.refusal(plan.provider, now), self._context.budget
        if refusal is None or self._is_waited_for(plan, refusal, now):
            if not self._context.deadline.allows_attempt(now):
                self.out_of_time = True
                refusal = _no_time()
            elif plan.paid or (budget.take(now) if pay else budget.allows(now)):
                return False
            else:
                refusal = Refusal(_NO_BUDGET, None)
        self._skip(plan, refusal, now)
        return True

    def _skip(self, plan: _Plan, refusal: Refusal, now: float) -> None:
        """Write the candidate down as skipped; it may join a later round once it may be asked."""
        entry = self._ledger.begin(plan.provider.name, plan.round)
        entry.lacks = lacking_demands(plan.provider, self._request)
        if refusal.context is not None:
            entry.too_large = refusal.context, refusal.tokens
        entry.end("skipped", AttemptResult(now, now, phase="selection"), refusal.reason)
        wait = refusal.back_in
        if (self._context.policy.wait_for_held or refusal.limited) and wait is not None:
            wait = min(wait, _TRIAL_LOOK) if refusal.on_trial else wait
            self._rounds.held_back(plan.provider.name, now, wait)

    def _aborted(self, provider: Provider, error: AdapterError) -> RequestAborted:
        return RequestAborted(
            f"{provider.name} ended the request ({type(error).__name__}: {error}); nobody else was asked. "
            f"To allow failover, {reader().failover(type(error).__name__)}",
            self._ledger.attempts,
            request_id=self._ledger.request_id,
        )


def _no_time() -> Refusal:
    return Refusal(f"no time left before the deadline ({reader().total()})", None)


def _lost_on_reuse(error: AdapterError) -> bool:
    return isinstance(error, ConnectionLost) and error.reused
