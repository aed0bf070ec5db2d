"""What a committed stream is made of, and the one end record that it owes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import AdapterError, Truncated
from router._generator import bad_reply
from router.events import AdapterBroke, CleanUpFailed, RequestEnded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from adapters.contract import Delta, Flow, Switch
    from router.events import Attempt, Event, Verdict
    from router.health import Provider
    from router.reply import Transcript
    from router.timeouts import Deadline, Timeouts


@dataclass(frozen=True, slots=True)
class Opening:
    """What a stream is made of when a provider has committed.

    Attributes:
        request_id: Of the request.
        provider: Who answers.
        generator: The adapter's, at rest at a `yield`.
        flow: Where the adapter tells which deltas come without waiting.
        early: The deltas read so far, the first content last.
        attempts: The ledger.
        started: When the request started, on the event loop's clock.
        timeouts: Of the request.
        deadline: Of the request.
        notify: Tells an event to the observers.
        take_over: Returns the opening of the provider that takes over when this one breaks off, or None.
        switch: Announces that this provider took over.
    """

    request_id: str
    provider: Provider
    generator: AsyncGenerator[Delta, None]
    flow: Flow
    early: tuple[Delta, ...]
    attempts: tuple[Attempt, ...]
    started: float
    timeouts: Timeouts
    deadline: Deadline
    notify: Callable[[Event], None]
    take_over: Callable[[str, Transcript, AdapterError], Awaitable[Opening | None]]
    switch: Switch | None = None

    def report(self, error: Exception) -> None:
        """Tell the observers of a clean-up that failed."""
        self.notify(CleanUpFailed(self.request_id, self.provider.name, error))

    def judged(self, raised: Exception) -> AdapterError:
        """Return the error of the provider; one that is none of ours is a bug, and told."""
        if isinstance(raised, StopAsyncIteration):
            error: AdapterError = Truncated("the reply ended without the proof of its end")
        elif isinstance(raised, AdapterError):
            error = raised.with_traceback(None)  # its frames hold keys and what the peer sent
        else:
            self.notify(AdapterBroke(self.request_id, self.provider.name, raised))
            error = bad_reply(raised)
        error.provider = error.provider or self.provider.name
        return error

    def tell_end(
        self,
        verdict: Verdict,
        transcript: Transcript,
        first_content: float,
        now: float,
        error: Exception | None,
    ) -> None:
        """Tell the observers that the request ended."""
        self.notify(
            RequestEnded(
                request_id=self.request_id,
                verdict=verdict,
                provider=self.provider.name,
                model=transcript.model,
                attempts=self.attempts,
                first_content=first_content - self.started,
                seconds=now - self.started,
                deltas=transcript.deltas,
                characters=transcript.characters,
                error=error,
            )
        )
