"""One request: the rounds over its candidates, up to a committed stream or the error that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import anyio.lowlevel

from adapters.contract.errors import ContentRefused, Disposition
from adapters.contract.message import cut_name
from router.errors import AllProvidersFailed, RequestAborted
from router.events import RequestStarted
from router.reply.commitment import Commitment
from router.reply.stream import ReplyStream
from router.request.candidate import Candidates
from router.request.race import race
from router.request.rounds import Rounds, later_rounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.contract import ChatRequest
    from adapters.contract.errors import AdapterError
    from router.provider.provider import Provider
    from router.reply.transcript import Transcript
    from router.request.context import RequestContext


class Call:
    """The way of one request up to its commit, and from an interruption to the provider that takes over.

    Args:
        context: Of the request.
    """

    __slots__ = ("_broke_off", "_by_name", "_candidates", "_context", "_ledger", "_rounds")

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self._ledger = context.ledger
        self._by_name = context.candidates
        self._broke_off: tuple[str, ...] = ()
        self._begin(self._by_name, context.request)

    def _begin(self, names: Iterable[str], request: ChatRequest) -> None:
        context = self._context
        self._rounds = Rounds(names, context.policy, context.deadline, context.random_source)
        self._candidates = Candidates(context, self._rounds, request, self._by_name)

    async def open(self) -> ReplyStream:
        """Return the committed stream.

        Raises:
            AllProvidersFailed: Nobody delivered content.
            RequestAborted: An error forbade asking anybody else.
        """
        context, request = self._context, self._context.request
        if self._ledger.wants(RequestStarted):
            names = tuple(self._by_name)
            model = request.model and cut_name(request.model)
            self._ledger.tell(RequestStarted(context.request_id, names, len(request.messages), model))
        try:
            context.budget.deposit(self._ledger.started)
            committed = await self._round(1)
            if committed is None:
                committed = await later_rounds(self._round, self._rounds, context.clock)
            if committed is None:
                context.work.guard_if_cancelled()
                # A cancellation during the last clean-up, which was shielded, is no failure of the providers.
                await anyio.lowlevel.checkpoint_if_cancelled()
                raise self._all_failed()
            request.forget_encoded()
            del self._rounds, self._candidates  # who takes over begins anew
            return ReplyStream(committed, None if context.interruption.action == "raise" else self)
        except Exception as error:
            refused = isinstance(error, RequestAborted) and isinstance(error.__cause__, ContentRefused)
            self._ledger.end("refused" if refused else "failed", context.clock(), error)
            raise
        except BaseException:
            self._ledger.end("cancelled", context.clock())
            raise

    async def take_over(
        self, broken: Commitment, transcript: Transcript, error: AdapterError
    ) -> Commitment | None:
        """Return the commitment of the provider that goes on, with its `switch`, or None where none does.

        Args:
            broken: The reply that broke off.
            transcript: What came of it.
            error: Why it broke off.
        """
        context, left = self._context, broken.provider.name
        action = context.interruption.action
        if action == "raise" or not self._may_take_over(error, transcript):
            return None
        self._broke_off += (left,)
        anew = action == "restart" or not transcript.text  # of reasoning alone there is nothing to go on from
        request = context.request if anew else context.request.carried_on(transcript.text)
        others = [name for name in self._by_name if name != left]
        names = sorted(others, key=self._broke_off.count) or [left]  # who broke off before comes last
        self._begin(names, request)
        try:
            committed = await self._pass_over(names, number=1)
        except RequestAborted:
            return None
        if committed is not None:
            from adapters.contract.switch import Switch  # not in `import router`: few replies break off

            kind: Literal["restart", "continue"] = "restart" if anew else "continue"
            committed.switch = Switch(kind, left, committed.provider.name, transcript.characters)
        return committed

    def _may_take_over(self, error: AdapterError, transcript: Transcript) -> bool:
        """Whether another provider may go on with a reply that broke off."""
        if self._context.policy.disposition(error) is Disposition.ABORT:
            return False
        if transcript.has_tool_calls or self._context.request.options.get("tools"):
            return False  # a call may have been acted on already, and half of one cannot be gone on from
        return len(self._broke_off) < self._context.interruption.times

    async def _round(self, number: int) -> Commitment | None:
        """Play one round; where nobody commits, tell when the next one is."""
        names = list(self._by_name) if number == 1 else self._rounds.due(self._context.clock())
        committed = await self._pass_over(names, number)
        if committed is not None:
            return committed
        next_at = self._rounds.next_at()
        if next_at is not None:
            from router.rare_events import WaitStarted  # not in `import router`; a pause follows

            self._context.work.guard()
            pause = max(0.0, next_at - self._context.clock())
            self._ledger.tell(WaitStarted(self._context.request_id, number, pause))
        return None

    async def _pass_over(self, waiting: list[str], number: int) -> Commitment | None:
        """Ask each candidate in order, and take it from the list; return the first that commits."""
        ask = self._candidates.ask if self._context.policy.hedge is None else self._ask_hedged
        while waiting:
            committed = await ask(self._by_name[waiting.pop(0)], number, waiting)
            if committed is not None:
                return committed
        return None

    async def _ask_hedged(self, provider: Provider, number: int, waiting: list[str]) -> Commitment | None:
        """Ask one candidate, and the next one too where the first takes too long."""
        hedge, candidates = self._context.policy.hedge, self._candidates
        assert hedge is not None
        self._context.work.guard()
        on_trial = candidates.on_trial(provider, self._context.clock())
        delay = hedge.wait(provider.pace.percentile(hedge.percentile), on_trial=on_trial)

        async def back_up() -> Commitment | None:
            now = self._context.clock()
            second = next((name for name in waiting if candidates.would_be_asked(name, now)), None)
            if second is None or not self._context.budget.allows(now):
                return None
            waiting.remove(second)
            return await candidates.ask(self._by_name[second], number, waiting, backs_up=True)

        async def first() -> Commitment | None:
            return await candidates.ask(provider, number, waiting)

        return await race(first, back_up, delay, abandon=Commitment.abandon)

    def _all_failed(self) -> AllProvidersFailed:
        now = self._context.clock()
        refusals = [self._candidates.refusal(each, now, tell=False) for each in self._by_name.values()]
        waits = [each.back_in for each in refusals if each is not None and each.back_in is not None]
        attempts, out_of_time = self._ledger.attempts, self._candidates.out_of_time
        errors = [attempt.error for attempt in attempts if attempt.error is not None]
        waits += [e.retry_after for e in errors if e.own_account and e.retry_after is not None]
        passing = any(self._context.policy.disposition(e) is Disposition.RETRY for e in errors)
        return AllProvidersFailed(
            attempts,
            out_of_time=out_of_time,
            retryable=passing or bool(waits) or out_of_time or self._candidates.full,
            retry_after=min(waits, default=None),
            request_id=self._ledger.request_id,
        )
