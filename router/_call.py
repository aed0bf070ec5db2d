"""One call: the rounds over its candidates, up to a committed stream or the error that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from adapters.contract import Conditions
from adapters.errors import ConnectionLost, ContentRefused, Disposition
from router._attempt import Trial, try_once
from router._stream import Opening, ReplyStream
from router.errors import AllProvidersFailed, RequestAborted
from router.events import (
    AdapterBroke,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    RequestEnded,
    RequestStarted,
    WaitStarted,
)
from router.retry import Rounds, in_rounds
from router.selection import dropped_options, reason_to_skip
from router.timeouts import attempt_limit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from adapters.contract import ChatRequest
    from adapters.errors import AdapterError
    from router.events import AttemptOutcome, Event, Verdict
    from router.health import Provider
    from router.retry import RetryPolicy
    from router.timeouts import Deadline, Timeouts

_NO_TIME: Final = "no time left before the deadline (Timeouts.total)"


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
        random_source: For the jitter.
        clock: Returns the time.
        notify: Tells an event to the observers.
    """

    request_id: str
    request: ChatRequest
    candidates: tuple[Provider, ...]
    timeouts: Timeouts
    deadline: Deadline
    policy: RetryPolicy
    random_source: random.Random
    clock: Callable[[], float]
    notify: Callable[[Event], None]


class Call:
    """The way of one request up to its commit.

    Args:
        terms: What holds for it.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._started = terms.clock()
        self._ledger: list[Attempt] = []
        self._by_name = {provider.name: provider for provider in terms.candidates}
        self._rounds = Rounds(self._by_name, terms.policy, terms.deadline, terms.random_source)
        self._out_of_time = False

    async def open(self) -> ReplyStream:
        """Return the committed stream.

        Raises:
            AllProvidersFailed: Nobody delivered content.
            RequestAborted: An error forbade asking anybody else.
        """
        terms = self._terms
        terms.notify(
            RequestStarted(
                terms.request_id, tuple(self._by_name), len(terms.request.messages), terms.request.model
            )
        )
        try:
            stream = await in_rounds(self._round, self._rounds, terms.clock)
            if stream is not None:
                return stream
            raise self._all_failed()
        except Exception as error:
            self._tell_end("refused" if self._was_refused(error) else "failed", error)
            raise
        except BaseException:
            self._tell_end("cancelled", None)
            raise

    async def _round(self, number: int) -> ReplyStream | None:
        """Ask each candidate of the round in order; return the first stream that commits."""
        now = self._terms.clock()
        waiting = list(self._by_name) if number == 1 else self._rounds.due(now)
        while waiting:
            provider = self._by_name[waiting.pop(0)]
            stream = await self._ask(provider, number, waiting)
            if stream is not None:
                return stream
        next_at = self._rounds.next_at()
        if next_at is not None:
            pause = max(0.0, next_at - self._terms.clock())
            self._terms.notify(WaitStarted(self._terms.request_id, number, pause))
        return None

    async def _ask(self, provider: Provider, number: int, behind: list[str]) -> ReplyStream | None:
        """Ask one candidate, and stay with it as the policy allows."""
        fresh = repeat = False
        while True:
            now = self._terms.clock()
            reason = self._reason_to_skip(provider, now)
            if reason is None and not self._terms.deadline.allows_attempt(now):
                reason, self._out_of_time = _NO_TIME, True
            if reason is not None:
                self._record(provider, number, "skipped", Trial(now, now), reason=reason)
                return None
            others = [n for n in behind if self._would_be_asked(n, now)]
            trial = await self._try(provider, number, others, fresh=fresh, repeat=repeat)
            if trial.error is None:
                return self._commit(provider, trial)
            if self._terms.policy.disposition(trial.error) is Disposition.ABORT:
                raise self._aborted(provider, trial.error) from trial.error
            if _lost_on_reuse(trial.error) and self._rounds.may_repeat(provider.name):
                fresh = repeat = True
                continue
            now = self._terms.clock()
            earliest = self._rounds.failed(provider.name, trial.error, now)
            if number > 1 or earliest is None or not self._rounds.may_stay(provider.name):
                return None
            await anyio.sleep(max(0.0, earliest - now))
            repeat = False

    async def _try(
        self, provider: Provider, number: int, others: list[str], *, fresh: bool, repeat: bool
    ) -> Trial:
        """Try once, and keep what it shows: in the ledger, in events, and at the provider."""
        terms = self._terms
        # The clean-up of the attempt before was shielded: who was cancelled meanwhile asks nobody else.
        await anyio.lowlevel.checkpoint_if_cancelled()
        started = terms.clock()
        limit = attempt_limit(terms.timeouts, terms.deadline.remaining(started), len(others) + 1)
        terms.notify(AttemptStarted(terms.request_id, provider.name, len(self._ledger) + 1, number, limit))

        def report(error: Exception) -> None:
            terms.notify(CleanUpFailed(terms.request_id, provider.name, error))

        conditions = Conditions(bool(others), fresh, report)
        try:
            trial = await try_once(
                provider.adapter,
                terms.request.under(conditions),
                limit=limit,
                close=terms.timeouts.close,
                report=report,
            )
        except BaseException:
            self._record(provider, number, "cancelled", Trial(started, terms.clock()), repeat=repeat)
            raise
        if trial.bug is not None:
            terms.notify(AdapterBroke(terms.request_id, provider.name, trial.bug))
        try:
            self._learn(provider, trial)
        except Exception as bug:  # noqa: BLE001 - a bug in an adapter must not end the chain
            terms.notify(AdapterBroke(terms.request_id, provider.name, bug))
        outcome: AttemptOutcome = "committed" if trial.error is None else "failed"
        self._record(provider, number, outcome, trial, repeat=repeat)
        return trial

    def _learn(self, provider: Provider, trial: Trial) -> None:
        if trial.error is None:
            provider.succeeded(trial.ended)
        elif not _lost_on_reuse(trial.error):
            model = provider.adapter.model_for(self._terms.request)
            provider.failed(trial.error, model, trial.ended, self._terms.policy)

    def _commit(self, provider: Provider, trial: Trial) -> ReplyStream:
        assert trial.generator is not None
        terms = self._terms
        return ReplyStream(
            Opening(
                request_id=terms.request_id,
                provider=provider,
                generator=trial.generator,
                flow=trial.flow,
                early=tuple(trial.early),
                attempts=tuple(self._ledger),
                started=self._started,
                timeouts=terms.timeouts,
                deadline=terms.deadline,
                notify=terms.notify,
            )
        )

    def _would_be_asked(self, name: str, now: float) -> bool:
        return self._reason_to_skip(self._by_name[name], now, tell=False) is None

    def _reason_to_skip(self, provider: Provider, now: float, *, tell: bool = True) -> str | None:
        try:
            return reason_to_skip(provider, self._terms.request, now)
        except Exception as bug:  # noqa: BLE001 - a bug in an adapter must not end the chain
            if tell:
                self._terms.notify(AdapterBroke(self._terms.request_id, provider.name, bug))
            return f"the adapter has a bug: it raised {type(bug).__name__} when it was looked at"

    def _record(
        self,
        provider: Provider,
        number: int,
        outcome: AttemptOutcome,
        trial: Trial,
        *,
        reason: str = "",
        repeat: bool = False,
    ) -> None:
        attempt = Attempt(
            provider=provider.name,
            number=len(self._ledger) + 1,
            round=number,
            phase="selection" if outcome == "skipped" else trial.phase,
            outcome=outcome,
            error=trial.error,
            reason=reason or str(trial.error or ""),
            started=trial.started - self._started,
            seconds=trial.seconds,
            dropped=() if outcome == "skipped" else dropped_options(provider, self._terms.request),
            repeat=repeat,
        )
        self._ledger.append(attempt)
        self._terms.notify(AttemptEnded(self._terms.request_id, attempt))

    def _aborted(self, provider: Provider, error: AdapterError) -> RequestAborted:
        return RequestAborted(
            f"{provider.name} ended the request ({type(error).__name__}: {error}); nobody else was asked. "
            "Where another provider may be, say so: "
            f"RetryPolicy(dispositions={{{type(error).__name__}: Disposition.FAILOVER}})",
            tuple(self._ledger),
        )

    def _all_failed(self) -> AllProvidersFailed:
        now = self._terms.clock()
        held = [wait for wait in (p.held(now) for p in self._terms.candidates) if wait is not None]
        errors = [attempt.error for attempt in self._ledger if attempt.error is not None]
        passing = any(self._terms.policy.disposition(e) is Disposition.RETRY for e in errors)
        return AllProvidersFailed(
            tuple(self._ledger),
            out_of_time=self._out_of_time,
            retryable=passing or bool(held) or self._out_of_time,
            retry_after=min(held, default=None),
        )

    @staticmethod
    def _was_refused(error: Exception) -> bool:
        return isinstance(error, RequestAborted) and isinstance(error.__cause__, ContentRefused)

    def _tell_end(self, verdict: Verdict, error: Exception | None) -> None:
        terms = self._terms
        terms.notify(
            RequestEnded(
                request_id=terms.request_id,
                verdict=verdict,
                provider=None,
                model=None,
                attempts=tuple(self._ledger),
                first_content=None,
                seconds=terms.clock() - self._started,
                deltas=0,
                characters=0,
                error=error,
            )
        )


def _lost_on_reuse(error: AdapterError) -> bool:
    return isinstance(error, ConnectionLost) and error.reused
