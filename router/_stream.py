"""A committed reply: one provider's deltas, read one at a time, ended in exactly one way.

It owns plain resources only: the adapter's generator and what was read before the commit. The cancel scope of
one `receive()` lives as long as that call, so that `aclose()` from another task can cancel it and wait.
"""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.abc import ObjectReceiveStream

from adapters.contract import Delta
from adapters.errors import AdapterError, ContentRefused, Stalled, Truncated
from router._generator import bad_reply, checked, close_generator
from router.errors import StreamInterrupted, verdict_of
from router.events import AdapterBroke, CleanUpFailed, RequestEnded
from router.reply import Reply, Transcript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import Flow, Usage
    from router.events import Attempt, Event, Verdict
    from router.health import Provider
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


class ReplyStream(ObjectReceiveStream[Delta]):
    """A reply as it comes: iterate over it for deltas, or call `text()` or `collect()`.

    Use it as an async context manager, so that leaving early closes it. It may be opened, read and closed in
    three different tasks. It ends by itself at the end of the reply and on every error; a cancelled
    `receive()` ends it too.

    Attributes:
        request_id: The request's id, as in events and logs.
        provider: The name of who answers.
        attempts: The ledger.
        verdict: How the reply ended, or None while it runs.
    """

    def __init__(self, opening: Opening) -> None:
        self.request_id = opening.request_id
        self.provider = opening.provider.name
        self.attempts = opening.attempts
        self.verdict: Verdict | None = None
        self._opening = opening
        self._generator = opening.generator
        self._flow = opening.flow
        self._early = deque(opening.early)
        self._transcript = Transcript()
        self._first_content = self._asked = anyio.current_time()
        self._waited = 0.0  # for content, since the last one
        self._scope: anyio.CancelScope | None = None  # of the receive() under way
        self._left: anyio.Event | None = None  # set when the reader has left, for an aclose() that waits
        self._closed = False
        self._ended = False  # closed, and all clean-up done
        self._error: Exception | None = None

    @property
    def model(self) -> str | None:
        """The model that answers, where the provider names it."""
        return self._transcript.model

    @property
    def finish_reason(self) -> str | None:
        """Why the provider stopped, once it said so."""
        return self._transcript.finish_reason

    @property
    def usage(self) -> Usage | None:
        """Token counts, once they came."""
        return self._transcript.usage

    @property
    def final_text(self) -> str | None:
        """The provider's own final version of the text, where it differs from the text streamed."""
        return self._transcript.final_text

    async def receive(self) -> Delta:
        """Return the next delta.

        Raises:
            anyio.EndOfStream: The reply is complete.
            StreamInterrupted: It broke off: truncated, failed or refused. Raised once, after the last delta.
            anyio.ClosedResourceError: The stream was closed, here or by the router.
            anyio.BusyResourceError: Another task is reading.
        """
        if self._scope is not None:
            raise anyio.BusyResourceError("reading from")
        if self._early:
            return self._take(self._early.popleft())
        if self._closed:
            raise anyio.EndOfStream if self.verdict == "complete" else anyio.ClosedResourceError
        if self._transcript.proved:
            return await self._end_proved()
        if self._flow.at_hand:
            try:
                return self._take(checked(await anext(self._generator)))
            except Exception as raised:  # noqa: BLE001 - judged there
                raise await self._interrupted(raised)  # noqa: B904 - it has its cause
            except BaseException:
                await self._close("cancelled")
                raise
        return await self._next()

    async def _next(self) -> Delta:
        """Return the next delta, read under the clocks."""
        self._asked = anyio.current_time()
        # Only waits count for the stall, not what the reader does between two calls.
        stall = self._asked + self._opening.timeouts.stall - self._waited
        delta: Delta | None = None
        error: Exception | None = None
        left_normally = False
        try:
            with anyio.CancelScope(deadline=min(stall, self._opening.deadline.at)) as self._scope:
                try:
                    delta = checked(await anext(self._generator))
                except Exception as raised:  # noqa: BLE001 - judged below
                    error = raised
            left_normally = True
        finally:
            self._scope = None
            if not left_normally:
                await self._close("cancelled")
        if self._left is not None:
            await self._close("closed")
            raise anyio.ClosedResourceError
        if delta is None:
            raise await self._interrupted(error or self._out_of_time(stall))
        self._waited += anyio.current_time() - self._asked
        return self._take(delta)

    async def aclose(self) -> None:
        """Close the reply; idempotent. A task that is reading gets ClosedResourceError.

        What was created at the provider is cleaned up, within `Timeouts.close` and the adapter's own limit.
        """
        if self._scope is None and not self._closed:
            await self._close("closed")
        if self._ended:
            return
        self._left = self._left or anyio.Event()
        if self._scope is not None:
            self._scope.cancel()
        with anyio.move_on_after(self._opening.timeouts.close, shield=True):
            await self._left.wait()

    async def text(self) -> str:
        """Read to the end, and return the whole text, with what was read before.

        Raises:
            StreamInterrupted: As of `receive`.
        """
        async for _ in self:
            pass
        return self._transcript.text

    async def collect(self) -> Reply:
        """Read to the end, and return the whole reply.

        Raises:
            StreamInterrupted: As of `receive`.
        """
        async for _ in self:
            pass
        return self._transcript.reply(self.provider, "complete", self.attempts)

    def _take(self, delta: Delta) -> Delta:
        self._transcript.add(delta)
        if delta.has_content:
            self._waited = 0.0
        return delta

    async def _end_proved(self) -> Delta:
        """End a reply whose proof was delivered. What comes behind the proof is not delivered."""
        if self._transcript.refused:
            raise await self._interrupted(ContentRefused("the provider's content filter refused the rest"))
        # The generator runs to its end: it keeps its connection, and cleans up what it created.
        end = min(anyio.current_time() + self._opening.timeouts.close, self._opening.deadline.at)
        try:
            with anyio.CancelScope(deadline=end) as self._scope:
                async for _ in self._generator:
                    break
        except Exception as error:  # noqa: BLE001 - the reply is complete already; only reported
            self._report(error)
        finally:
            self._scope = None
            await self._close("complete")
        raise anyio.EndOfStream

    async def _interrupted(self, error: Exception) -> StreamInterrupted:
        """Close the stream, and return the error that tells the reader."""
        if isinstance(error, StopAsyncIteration):
            error = Truncated("the reply ended without the proof of its end")
        if not isinstance(error, AdapterError):
            self._opening.notify(AdapterBroke(self.request_id, self.provider, error))
            error = bad_reply(error)
        error = error.with_traceback(None)  # its frames hold keys and what the peer sent
        error.provider = error.provider or self.provider
        verdict = verdict_of(error)
        self._error = error
        self._opening.provider.broke_off(error, anyio.current_time())
        await self._close(verdict)
        interrupted = StreamInterrupted(
            f"the reply of {self.provider!r} was {verdict} after {self._transcript.characters} characters "
            f"({type(error).__name__}: {error}); what came is in `partial`",
            provider=self.provider,
            partial=self._transcript.text,
            verdict=verdict,
            attempts=self.attempts,
        )
        interrupted.__cause__ = error
        return interrupted

    def _out_of_time(self, stall: float) -> Stalled:
        timeouts = self._opening.timeouts
        if self._opening.deadline.at <= stall:
            return Stalled(f"the reply was not complete after {timeouts.total:g} s (Timeouts.total)")
        return Stalled(f"no content for {timeouts.stall:g} s (Timeouts.stall)")

    async def _close(self, verdict: Verdict) -> None:
        if self._closed:
            return
        self._closed = True
        self._early.clear()
        self._judge(verdict)
        try:
            await close_generator(self._generator, self._opening.timeouts.close, self._report)
        finally:
            self._ended = True
            self._tell_end()
            if self._left is not None:
                self._left.set()

    def _judge(self, verdict: Verdict) -> None:
        """Set the verdict: a reply whose proof was delivered is what the proof says, however it was left."""
        if self._transcript.proved:
            verdict = "refused" if self._transcript.refused else "complete"
        self.verdict = verdict

    def _tell_end(self) -> None:
        started = self._opening.started
        try:
            now = anyio.current_time()
        except Exception:  # noqa: BLE001 - dropped outside of any event loop
            now = self._asked
        self._opening.notify(
            RequestEnded(
                request_id=self.request_id,
                verdict=self.verdict or "closed",
                provider=self.provider,
                model=self.model,
                attempts=self.attempts,
                first_content=self._first_content - started,
                seconds=now - started,
                deltas=self._transcript.deltas,
                characters=self._transcript.characters,
                error=self._error,
            )
        )

    def _report(self, error: Exception) -> None:
        self._opening.notify(CleanUpFailed(self.request_id, self.provider, error))

    def __repr__(self) -> str:
        state = self.verdict or "open"
        return (
            f"<ReplyStream {self.request_id} of {self.provider!r}: {state}, {self._transcript.deltas} deltas>"
        )

    def __del__(self) -> None:
        if getattr(self, "_closed", True):
            return
        self._closed = True
        shown = repr(self)
        self._judge("closed")
        self._tell_end()
        warnings.warn(
            f"{shown} was dropped without being closed; use `async with`, or call aclose()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )
