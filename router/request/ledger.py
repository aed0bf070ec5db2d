"""The ledger of a request: its attempts and its end, told to the observers as they happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.contract.errors import ContextTooLong
from router.events import Attempt, AttemptEnded, RequestEnded, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Usage
    from router.events import AttemptOutcome, Event, Verdict
    from router.policy.prices import Cost
    from router.reply.transcript import Transcript
    from router.request.attempt import AttemptResult
    from router.request.bill import Bill


class Ledger:
    """The attempts of one request, and whom to tell of them.

    Args:
        request_id: Of the request.
        started: When it started, on the event loop's clock.
        tell: Tells an event to the observers.
        wants: Whether anybody listens to events of a class; what nobody wants need not be made.
    """

    __slots__ = ("_attempts", "_begun", "cost", "request_id", "started", "tell", "wants")

    def __init__(
        self,
        request_id: str,
        started: float,
        tell: Callable[[Event], None],
        wants: Callable[[type[Event]], bool] = lambda _: True,
    ) -> None:
        self.request_id = request_id
        self.started = started
        self.tell = tell
        self.wants = wants
        self._attempts: list[Attempt] = []
        self._begun = 0
        self.cost: Cost | None = None
        """What the reply cost so far, where prices are known."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts so far, in the order in which they came to their outcomes."""
        return tuple(self._attempts)

    def asked(self, provider: str) -> bool:
        """Whether a provider was asked before in this request."""
        if not self._attempts:
            return False
        return any(a.provider == provider and a.outcome != "skipped" for a in self._attempts)

    def begin(self, provider: str, round_number: int) -> Entry:
        """Return the entry of an attempt that begins; two may run side by side."""
        self._begun += 1
        return Entry(self, provider, self._begun, round_number)

    def add(self, attempt: Attempt) -> None:
        """Add an attempt that came to its outcome, and tell the observers."""
        self._attempts.append(attempt)
        self.tell(AttemptEnded(self.request_id, attempt))

    def book(
        self,
        provider: str,
        number: int,
        model: str | None,
        usage: Usage | None,
        cost: Cost | None,
        *,
        wasted: bool,
    ) -> None:
        """Write what an attempt used and cost, and tell the observers.

        Args:
            provider: Who was asked.
            number: Of the attempt.
            model: That answered.
            usage: What the provider counted, where it did.
            cost: Where it is known.
            wasted: Whether the attempt brought nothing to the reply.
        """
        self._attempts = [
            replace(each, usage=usage, cost=cost, wasted=wasted) if each.number == number else each
            for each in self._attempts
        ]
        costs = [each.cost for each in self._attempts if each.outcome == "committed" and not each.wasted]
        known = [each for each in costs if each is not None]
        # A part whose cost is not known leaves the whole unknown.
        self.cost = sum(known[1:], known[0]) if known and len(known) == len(costs) else None
        from router.rare_events import CostBooked  # where prices are kept

        self.tell(CostBooked(self.request_id, provider, model, usage, cost, wasted))

    def adapter_broke(self, provider: str, bug: Exception) -> None:
        """Tell the observers of a bug in an adapter, whose frames are let go first."""
        from router.rare_events import AdapterBroke  # not in `import router`: few programs meet one

        self.tell(AdapterBroke(self.request_id, provider, without_frames(bug)))

    def clean_up_failed(self, provider: str, error: Exception) -> None:
        """Tell the observers of a clean-up that failed."""
        from router.rare_events import CleanUpFailed  # as above

        self.tell(CleanUpFailed(self.request_id, provider, without_frames(error)))

    def end(
        self,
        verdict: Verdict,
        now: float,
        error: Exception | None = None,
        *,
        provider: str | None = None,
        first_content: float | None = None,
        reply: Transcript | None = None,
    ) -> None:
        """Tell the observers that the request ended.

        Args:
            verdict: How.
            now: When, on the event loop's clock.
            error: What it ended with, where it was not complete.
            provider: Who answered, where a provider did.
            first_content: When the first content came, where it did.
            reply: What came, where something did.
        """
        self.tell(
            RequestEnded(  # by place, as below
                self.request_id,
                verdict,
                provider,
                None if reply is None else reply.model,
                self.attempts,
                None if first_content is None else first_content - self.started,
                now - self.started,
                0 if reply is None else reply.deltas,
                0 if reply is None else reply.characters,
                error,
                None if reply is None else reply.finish_reason,
                None if reply is None else reply.usage,
                reply is not None and reply.final_text is not None,
                self.cost,
            )
        )


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """The entry of one attempt that runs; its outcome goes into the ledger.

    Attributes:
        ledger: Where it belongs.
        provider: Who is asked.
        number: Of the attempt.
        round: The pass over the candidates.
        dropped: Options that the provider does not take.
        repeat: Whether it repeats one whose kept-alive connection was lost.
        lacks: Demands of the request that the provider cannot meet.
        rewritten: What was changed in the messages for the provider.
        too_large: Where the request is too large: the most tokens that the provider takes, or 0, and those
            of the request.
        bill: Books what the attempt used, where the provider has prices or limits.
    """

    ledger: Ledger
    provider: str
    number: int
    round: int
    dropped: tuple[str, ...] = ()
    repeat: bool = False
    lacks: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    too_large: tuple[int, int] | None = None
    bill: Bill | None = None

    def clean_up_failed(self, error: Exception) -> None:
        """Tell the observers of a clean-up after the attempt that failed."""
        self.ledger.clean_up_failed(self.provider, error)

    def end(self, outcome: AttemptOutcome, result: AttemptResult, reason: str = "") -> None:
        """Write the outcome."""
        error = None if outcome == "cancelled" else result.error
        large, flow = self.too_large, result.flow
        if isinstance(error, ContextTooLong):
            large = (0 if error.per_minute else error.limit or 0, error.tokens or 0)
        self.ledger.add(
            Attempt(  # by place: names cost more than all the rest of it
                self.provider,
                self.number,
                self.round,
                result.phase,
                outcome,
                error,
                reason or ("" if error is None else str(error)),
                result.started - self.ledger.started,
                result.seconds,
                self.dropped,
                self.repeat,
                self.lacks,
                flow.request_id or (error.request_id if error else None),
                dict(flow.rate_limits) if flow.rate_limits else {},
                self.rewritten,
                None if large is None else large[0],
                0 if large is None else large[1],
                None,  # usage, cost and waste are told later: `Ledger.book`
                None,
                False,
                flow.key,
            )
        )
        if self.bill is not None and outcome != "committed":
            self.bill.in_vain(result, cancelled=outcome == "cancelled")
