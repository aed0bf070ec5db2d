"""One call: the rounds over its candidates, up to a committed stream or the error that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel

from adapters.contract import Switch
from adapters.contract.errors import ContentRefused, Disposition
from router.errors import AllProvidersFailed, RequestAborted
from router.events import RequestStarted, WaitStarted
from router.policy.retry import Rounds, in_rounds
from router.reply.commitment import Opening
from router.reply.stream import ReplyStream
from router.request.candidate import Asking, Committed, Terms
from router.request.ledger import Ledger
from router.request.race import race

if TYPE_CHECKING:
    from adapters.contract import ChatRequest
    from adapters.contract.errors import AdapterError
    from router.provider.provider import Provider
    from router.reply.transcript import Transcript

__all__ = ["Call", "Terms"]


class Call:
    """The way of one request up to its commit, and from an interruption to the provider that takes over.

    Args:
        terms: What holds for it.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._ledger = Ledger(terms.request_id, terms.clock(), terms.notify)
        self._by_name = {provider.name: provider for provider in terms.candidates}
        self._broke_off: list[str] = []
        self._begin(list(self._by_name), terms.request)

    def _begin(self, names: list[str], request: ChatRequest) -> None:
        terms = self._terms
        self._rounds = Rounds(names, terms.policy, terms.deadline, terms.random_source)
        self._asking = Asking(terms, self._ledger, self._rounds, request)

    async def open(self) -> ReplyStream:
        """Return the committed stream.

        Raises:
            AllProvidersFailed: Nobody delivered content.
            RequestAborted: An error forbade asking anybody else.
        """
        terms, request = self._terms, self._terms.request
        names = tuple(self._by_name)
        terms.notify(RequestStarted(terms.request_id, names, len(request.messages), request.model))
        try:
            terms.budget.deposit(terms.clock())
            committed = await in_rounds(self._round, self._rounds, terms.clock)
            if committed is None:
                # A cancellation during the last clean-up, which was shielded, is no failure of the providers.
                await anyio.lowlevel.checkpoint_if_cancelled()
                raise self._all_failed()
            return ReplyStream(self._opening(committed))
        except Exception as error:
            refused = isinstance(error, RequestAborted) and isinstance(error.__cause__, ContentRefused)
            self._ledger.end_without_reply("refused" if refused else "failed", error, terms.clock())
            raise
        except BaseException:
            self._ledger.end_without_reply("cancelled", None, terms.clock())
            raise

    async def take_over(self, left: str, transcript: Transcript, error: AdapterError) -> Opening | None:
        """Return the opening of the provider that takes over a reply that broke off, or None.

        Args:
            left: Who broke off.
            transcript: What came.
            error: Why it broke off.
        """
        terms, action = self._terms, self._terms.interruption.action
        disposition = terms.policy.disposition(error)
        if (
            action == "raise"
            or disposition is Disposition.ABORT
            or len(self._broke_off) >= terms.interruption.times
        ):
            return None
        if transcript.has_tool_calls or terms.request.options.get("tools"):
            return None  # a call may have been acted on already, and half of one cannot be gone on from
        self._broke_off.append(left)
        anew = action == "restart" or not transcript.text  # of reasoning alone there is nothing to go on from
        request = terms.request if anew else terms.request.carried_on(transcript.text)
        others = [name for name in self._by_name if name != left]
        names = sorted(others, key=self._broke_off.count) or [left]  # who broke off before comes last
        self._begin(names, request)
        try:
            committed = await self._pass_over(names, number=1)
        except RequestAborted:
            return None
        if committed is None:
            return None
        switch = Switch(action, left, committed.provider.name, transcript.characters)
        return self._opening(committed, switch)

    async def _round(self, number: int) -> Committed | None:
        """Play one round; where nobody commits, tell when the next one is."""
        names = list(self._by_name) if number == 1 else self._rounds.due(self._terms.clock())
        committed = await self._pass_over(names, number)
        next_at = self._rounds.next_at()
        if committed is None and next_at is not None:
            pause = max(0.0, next_at - self._terms.clock())
            self._terms.notify(WaitStarted(self._terms.request_id, number, pause))
        return committed

    async def _pass_over(self, names: list[str], number: int) -> Committed | None:
        """Ask each candidate in order; return the first that commits."""
        waiting = list(names)
        ask = self._asking.ask if self._terms.policy.hedge is None else self._ask_hedged
        while waiting:
            committed = await ask(self._by_name[waiting.pop(0)], number, waiting)
            if committed is not None:
                return committed
        return None

    async def _ask_hedged(self, provider: Provider, number: int, waiting: list[str]) -> Committed | None:
        """Ask one candidate, and the next one too where the first takes too long."""
        hedge, asking = self._terms.policy.hedge, self._asking
        assert hedge is not None
        on_trial = provider.breaker.state(self._terms.clock()) == "half-open"
        delay = hedge.wait(provider.pace.percentile(hedge.percentile), on_trial=on_trial)

        async def back_up() -> Committed | None:
            now = self._terms.clock()
            second = next((name for name in waiting if asking.would_be_asked(name, now)), None)
            if second is None or not self._terms.budget.take(now):
                return None
            waiting.remove(second)
            return await asking.ask(self._by_name[second], number, waiting, paid=True)

        async def abandon(committed: Committed) -> None:
            await self._opening(committed).let_go()

        return await race(lambda: asking.ask(provider, number, waiting), back_up, delay, abandon)

    def _opening(self, committed: Committed, switch: Switch | None = None) -> Opening:
        provider, trial = committed
        terms = self._terms
        assert trial.generator is not None
        return Opening(
            request_id=terms.request_id,
            provider=provider,
            generator=trial.generator,
            flow=trial.flow,
            early=tuple(trial.early),
            ledger=self._ledger,
            started=self._ledger.started,
            timeouts=terms.timeouts,
            deadline=terms.deadline,
            policy=terms.policy,
            notify=terms.notify,
            gone=terms.places[provider.name].give_back,
            take_over=self.take_over,
            switch=switch,
        )

    def _all_failed(self) -> AllProvidersFailed:
        now = self._terms.clock()
        waits = [wait for wait in (p.come_back(now) for p in self._terms.candidates) if wait is not None]
        attempts, out_of_time = self._ledger.attempts, self._asking.out_of_time
        errors = [attempt.error for attempt in attempts if attempt.error is not None]
        passing = any(self._terms.policy.disposition(e) is Disposition.RETRY for e in errors)
        return AllProvidersFailed(
            attempts,
            out_of_time=out_of_time,
            retryable=passing or bool(waits) or out_of_time,
            retry_after=min(waits, default=None),
        )
