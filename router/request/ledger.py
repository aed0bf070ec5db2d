"""The ledger of a request: every attempt as it comes to its outcome, told to the observers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.events import Attempt, AttemptEnded, RequestEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.events import AttemptOutcome, Event, Verdict
    from router.request.attempt import Trial


class Ledger:
    """The attempts of one request.

    Args:
        request_id: Of the request.
        started: When it started, on the event loop's clock.
        notify: Tells an event to the observers.
    """

    __slots__ = ("_attempts", "_begun", "notify", "request_id", "started")

    def __init__(self, request_id: str, started: float, notify: Callable[[Event], None]) -> None:
        self.request_id = request_id
        self.started = started
        self.notify = notify
        self._attempts: list[Attempt] = []
        self._begun = 0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts so far, in the order in which they came to their outcomes."""
        return tuple(self._attempts)

    def asked(self, provider: str) -> bool:
        """Whether a provider was asked before in this request."""
        return any(a.provider == provider and a.outcome != "skipped" for a in self._attempts)

    def begin(self, provider: str, round_number: int) -> Line:
        """Return the line of an attempt that begins; side by side several may be under way."""
        self._begun += 1
        return Line(self, provider, self._begun, round_number)

    def add(self, attempt: Attempt) -> None:
        """Add an attempt that came to its outcome, and tell the observers."""
        self._attempts.append(attempt)
        self.notify(AttemptEnded(self.request_id, attempt))

    def end_without_reply(self, verdict: Verdict, error: Exception | None, now: float) -> None:
        """Tell the observers that the request ended before any content."""
        self.notify(
            RequestEnded(
                request_id=self.request_id,
                verdict=verdict,
                provider=None,
                model=None,
                attempts=self.attempts,
                first_content=None,
                seconds=now - self.started,
                deltas=0,
                characters=0,
                error=error,
            )
        )


@dataclass(slots=True)
class Line:
    """One attempt under way.

    Attributes:
        ledger: Where it belongs.
        provider: Who is asked.
        number: Of the attempt.
        round: The pass over the candidates.
        dropped: Options that the provider does not take.
        repeat: Whether it repeats one whose kept-alive connection was lost.
        lacks: Demands of the request that the provider cannot meet.
    """

    ledger: Ledger
    provider: str
    number: int
    round: int
    dropped: tuple[str, ...] = ()
    repeat: bool = False
    lacks: tuple[str, ...] = ()

    def end(self, outcome: AttemptOutcome, trial: Trial, reason: str = "") -> None:
        """Write the outcome."""
        error = None if outcome == "cancelled" else trial.error
        self.ledger.add(
            Attempt(
                provider=self.provider,
                number=self.number,
                round=self.round,
                phase=trial.phase,
                outcome=outcome,
                error=error,
                reason=reason or str(error or ""),
                started=trial.started - self.ledger.started,
                seconds=trial.seconds,
                dropped=self.dropped,
                repeat=self.repeat,
                lacks=self.lacks,
                provider_request_id=trial.flow.request_id or (error.request_id if error else None),
                rate_limits=dict(trial.flow.rate_limits),
            )
        )
