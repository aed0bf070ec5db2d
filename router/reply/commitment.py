"""What a committed stream is made of, and the one end record that it owes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.contract.errors import AdapterError, Truncated
from router.errors import StreamInterrupted, verdict_of
from router.events import AdapterBroke, CleanUpFailed, RequestEnded
from router.reply.generator import bad_reply, close_generator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from adapters.contract import Delta, Flow, Switch
    from router.events import Attempt, Event, Verdict
    from router.policy.retry import RetryPolicy
    from router.policy.timeouts import Deadline, Timeouts
    from router.provider.provider import Provider
    from router.reply.transcript import Transcript
    from router.request.ledger import Ledger


@dataclass(slots=True)
class Opening:
    """What a stream is made of when a provider has committed.

    Attributes:
        request_id: Of the request.
        provider: Who answers.
        generator: The adapter's, at rest at a `yield`.
        flow: Where the adapter tells which deltas come without waiting.
        early: The deltas read so far, the first content last.
        ledger: Of the request; it grows where another provider is asked to take over.
        started: When the request started, on the event loop's clock.
        timeouts: Of the request.
        deadline: Of the request.
        policy: What to remember of an error.
        notify: Tells an event to the observers.
        gone: Called once, when the generator is closed: the place at the provider is free again.
        take_over: Returns the opening of the provider that takes over when this one breaks off, or None.
        switch: Announces that this provider took over.
    """

    request_id: str
    provider: Provider
    generator: AsyncGenerator[Delta, None]
    flow: Flow
    early: tuple[Delta, ...]
    ledger: Ledger
    started: float
    timeouts: Timeouts
    deadline: Deadline
    policy: RetryPolicy
    notify: Callable[[Event], None]
    gone: Callable[[], None]
    take_over: Callable[[str, Transcript, AdapterError], Awaitable[Opening | None]]
    switch: Switch | None = None
    _gone: bool = False

    async def let_go(self) -> None:
        """Close the generator, and give the place at the provider back; the first call does it."""
        if self._gone:
            return
        self._gone = True
        try:
            await close_generator(self.generator, self.timeouts.close, self.report)
        finally:
            self.gone()

    def dropped(self) -> None:
        """Give the place at the provider back: the generator is left to the garbage collector."""
        if not self._gone:
            self._gone = True
            self.gone()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts so far."""
        return self.ledger.attempts

    def report(self, error: Exception) -> None:
        """Tell the observers of a clean-up that failed."""
        self.notify(CleanUpFailed(self.request_id, self.provider.name, error))

    def learned(self, raised: Exception, now: float) -> AdapterError:
        """Return the provider's error, and remember it there; what is none of ours is a bug, and told."""
        if isinstance(raised, StopAsyncIteration):
            error: AdapterError = Truncated("the reply ended without the proof of its end")
        elif isinstance(raised, AdapterError):
            error = raised.with_traceback(None)  # its frames hold keys and what the peer sent
        else:
            self.notify(AdapterBroke(self.request_id, self.provider.name, raised))
            error = bad_reply(raised)
        error.provider = error.provider or self.provider.name
        try:
            self.provider.broke_off(error, now, self.policy)
        except Exception as bug:  # noqa: BLE001 - a bug in marking an adapter must not hide the error
            self.notify(AdapterBroke(self.request_id, self.provider.name, bug))
        return error

    def interrupted(self, error: AdapterError, transcript: Transcript) -> StreamInterrupted:
        """Return what the reader is told of a reply that `error` broke off."""
        verdict = verdict_of(error)
        return StreamInterrupted(
            f"the reply of {self.provider.name!r} was {verdict} after {transcript.characters} characters "
            f"({type(error).__name__}: {error}); what came is in `partial`",
            provider=self.provider.name,
            partial=transcript.text,
            verdict=verdict,
            attempts=self.attempts,
        )

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
                finish_reason=transcript.finish_reason,
                usage=transcript.usage,
                revised=transcript.final_text is not None,
            )
        )
