"""A committed reply: the context of its request, the provider that answers, and the attempt that began it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from adapters.contract import ChatRequest, Message
from adapters.contract.errors import AdapterError, Truncated, alone, of_own_account
from adapters.generator import bad_reply, close_generator
from router.errors import StreamInterrupted, verdict_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import Delta, Switch, Usage
    from router.policy.timeouts import Timeouts
    from router.provider.provider import Provider
    from router.reply.transcript import Transcript
    from router.request.attempt import AttemptResult
    from router.request.context import RequestContext


_ENDED = {"truncated": "was truncated", "refused": "was refused", "failed": "broke off"}
"""Verdict -> what became of the reply, in words."""
_OVER = ChatRequest.build([Message("user", "-")])
"""Stands in for the request of a reply that has ended."""


class Takeover(Protocol):
    """Finds the provider that goes on where a committed reply broke off."""

    async def take_over(
        self, broken: Commitment, transcript: Transcript, error: AdapterError
    ) -> Commitment | None:
        """Return the commitment of the provider that goes on, with its `switch`, or None where none does.

        Args:
            broken: The reply that broke off; it is released already.
            transcript: What came of it.
            error: Why it broke off.
        """
        ...


class Settling(Protocol):
    """Books what one attempt used, once."""

    def settle(self, usage: Usage | None, model: str | None, now: float, *, wasted: bool) -> None:
        """Book it.

        Args:
            usage: What the service counted, where it did.
            model: That answered, where the service named it.
            now: On the event loop's clock.
            wasted: Whether the attempt brought nothing to the reply.
        """
        ...


@dataclass(slots=True, eq=False, repr=False)
class Commitment:
    """One provider has committed to a request: its first content came.

    Attributes:
        context: Of the request.
        provider: Who answers.
        attempt: The generator at rest behind the first content, and the deltas read so far.
        switch: Announces that this provider took over from another one.
        released: Whether the generator is closed and the slot at the provider free again.
        bill: Books what the reply used, where the provider has prices or limits.
    """

    context: RequestContext
    provider: Provider
    attempt: AttemptResult
    switch: Switch | None = None
    released: bool = False
    bill: Settling | None = None

    @property
    def generator(self) -> AsyncGenerator[Delta, None]:
        """The adapter's, at rest at a `yield`."""
        assert self.attempt.generator is not None
        return self.attempt.generator

    @property
    def clocks(self) -> tuple[Timeouts, Timeouts, str]:
        """The clocks of the request at this provider, the usual ones there, and what sets `stall`."""
        adapter, context = self.provider.adapter, self.context
        if adapter.stall is None and adapter.first_content is None:
            return context.timeouts, context.usual, "Timeouts.stall"
        own = adapter.stall is not None
        setting = f"stall of {self.provider.name!r}" if own else "Timeouts.stall"
        return context.clocks_at(self.provider), context.usual_at(self.provider), setting

    async def release(self) -> None:
        """Close the generator, and give the slot at the provider back; the first call does it."""
        if self.released:
            return
        self.released = True
        try:
            await close_generator(self.generator, self.context.timeouts.close, self.report)
        finally:
            self._give_slot_back()

    async def abandon(self) -> None:
        """Release a reply that nobody will get."""
        if self.bill is not None:
            self.bill.settle(None, None, self.context.clock(), wasted=True)
        await self.release()

    def settle(self, transcript: Transcript, now: float, *, wasted: bool) -> None:
        """Book what the reply used, where somebody wants to know.

        Args:
            transcript: What came of it.
            now: On the event loop's clock.
            wasted: Whether it brought nothing that the reader keeps.
        """
        if self.bill is not None:
            self.bill.settle(transcript.usage, transcript.model, now, wasted=wasted)

    def drop(self) -> None:
        """Give the slot at the provider back; the garbage collector closes the generator."""
        if not self.released:
            self.released = True
            self._give_slot_back()

    def forget_request(self, usage: Usage | None = None) -> None:
        """Let go of the messages: a reply, or the traceback of its error, may be kept for long.

        Args:
            usage: What the provider counted, which shows how large its tokens are.
        """
        if usage is not None and self.switch is None:  # who goes on for another one was asked something else
            with suppress(Exception):  # a bug in an adapter is told where it is asked
                self.provider.counted(self.context.request, usage)
        self.context.forget(_OVER)

    def _give_slot_back(self) -> None:
        self.context.slots[self.provider.name].release()

    def report(self, error: Exception) -> None:
        """Tell the observers of a clean-up that failed."""
        self.context.ledger.clean_up_failed(self.provider.name, error)

    def learned(self, raised: Exception, now: float) -> AdapterError:
        """Return the provider's error, and remember it there; any other exception is a bug, and told."""
        ledger, name = self.context.ledger, self.provider.name
        if isinstance(raised, StopAsyncIteration):
            error: AdapterError = Truncated(
                "the reply ended before it was complete: its end mark (such as [DONE]) did not come"
            )
        elif isinstance(raised, AdapterError):
            error = alone(raised)
        else:
            error = bad_reply(raised)
            ledger.adapter_broke(name, raised)
        error.provider = error.provider or name
        if self.context.request.has_own_account(name):
            of_own_account(error)
        try:
            self.provider.broke_off(error, self.context.request, now, self.context.policy)
        except Exception as bug:  # noqa: BLE001 - a bug in marking an adapter must not hide the error
            ledger.adapter_broke(name, bug)
        return error

    def interrupted(self, error: AdapterError, transcript: Transcript) -> StreamInterrupted:
        """Return what the reader is told of a reply that `error` broke off."""
        verdict = verdict_of(error)
        return StreamInterrupted(
            f"the reply of {self.provider.name!r} {_ENDED[verdict]} after {transcript.characters} characters "
            f"({type(error).__name__}: {error}); what came is in `partial`",
            provider=self.provider.name,
            partial=transcript.text,
            verdict=verdict,
            attempts=self.context.ledger.attempts,
            request_id=self.context.request_id,
        )
