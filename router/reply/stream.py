"""A committed reply: one provider's deltas, read one at a time, ended in exactly one way.

    state      meaning                        receive()           aclose()            what happens next
    OPEN       nobody is reading              the next delta      closes              -> READING, CLOSING
    READING    a task waits for the provider  BusyResourceError   -> LEAVING, waits   -> OPEN, CLOSING
    LEAVING    that task is told to leave     BusyResourceError   waits               -> CLOSING
    CLOSING    the clean-up runs              ends, or closed     waits               -> ENDED
    ENDED      all clean-up is done           ends, or closed     nothing             nothing

"ends, or closed" is EndOfStream after a complete reply, else ClosedResourceError. Cancelling the task that
reads leads to CLOSING; dropping the stream leads to ENDED, without clean-up and with a ResourceWarning.

A stream owns plain resources only: the adapter's generator and what was read before the commit. The cancel
scope of one `receive()` lives as long as that call, so that `aclose()` from another task can cancel it and
wait. An adapter that guards its waits itself (`Flow.guarded`) needs none: `Flow.interrupt` ends its wait.
"""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn

import anyio
from anyio.abc import ObjectReceiveStream

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, ContentRefused
from adapters.contract.other_names import with_advice
from adapters.generator import checked
from router.errors import verdict_of
from router.events import ReplySwitched
from router.reply.clock import WaitClock
from router.reply.closed import was_closed
from router.reply.iteration import Iteration
from router.reply.overlap import Overlap
from router.reply.readout import Readout
from router.reply.transcript import Reply, Transcript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from adapters.contract import Switch
    from router.events import Attempt, Verdict
    from router.reply.commitment import Commitment, Takeover


INSTEAD: Final = {
    **dict.fromkeys(("text", "content", "output_text"), "`await reply.read_text()`, or `reply.text_so_far`"),
    **{name: f"`whole = await reply.collect()`, then `whole.{name}`" for name in ("message", "parsed")},
    "choices": "`await reply.read_text()` for the text, or `async for delta in reply:` for its pieces",
}
"""What a whole reply alone has, or the reply of another library -> how a stream is read."""


class _State(Enum):
    OPEN = "open"
    READING = "reading"
    LEAVING = "leaving"
    CLOSING = "closing"
    ENDED = "ended"


_OPEN, _READING, _LEAVING, _CLOSING, _ENDED = _State  # looked up in a third of the time


@with_advice(INSTEAD)
class ReplyStream(Readout, Iteration, ObjectReceiveStream[Delta]):  # type: ignore[misc] # anyio's `__aiter__` returns self
    """A reply as it comes: iterate over it for deltas, or call `read_text()` or `collect()`.

    Use it as an async context manager, so that leaving early closes it. It may be opened, read and closed in
    three different tasks. It ends by itself at the end of the reply and on every error; a cancelled
    `receive()` ends it too.

    Attributes:
        request_id: The request's id, as in events and logs.
        verdict: How the reply ended, or None while it runs.
    """

    def __init__(self, commitment: Commitment, takeover: Takeover | None = None) -> None:
        context = commitment.context
        self.request_id = context.request_id
        self.verdict: Verdict | None = None
        self._takeover = takeover
        self._state = _OPEN
        self._transcript = Transcript()
        self._first_content = context.clock()
        self._clock = WaitClock(context.clock, context.deadline, *commitment.clocks)
        self._steady = context.timeouts.drip_rate is None
        self._kept = None
        self._scope: anyio.CancelScope | None = None  # while READING and LEAVING
        self._over: anyio.Event | None = None  # set when ENDED, for those who wait for it
        self._closed_at: float | None = None
        self._closed_by = ""
        self._error: Exception | None = None
        self._overlap = Overlap.after("")
        self._cut: Exception | None = None  # what broke it off, to be told behind what the overlap held back
        self._adopt(commitment)

    def _adopt(self, commitment: Commitment) -> None:
        self._commitment = commitment
        self._generator = commitment.generator
        self._flow = commitment.attempt.flow
        self._flow.clock = self._clock
        early = commitment.attempt.early
        self._flow.ready.extendleft(reversed(early))  # what was read before the commit comes first
        early.clear()

    @property
    def provider(self) -> str:
        """The name of who answers."""
        return self._commitment.provider.name

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The ledger."""
        return self._commitment.context.ledger.attempts

    async def receive(self) -> Delta:
        """Return the next delta.

        Raises:
            anyio.EndOfStream: The reply is complete.
            StreamInterrupted: It broke off: truncated, failed or refused. Raised once, after the last delta.
            anyio.ClosedResourceError: The stream was closed, here or by the router; the text says by whom.
            anyio.BusyResourceError: Another task is reading.
        """
        if self._state is not _OPEN:
            raise self._not_open()
        if self._transcript.proved:
            return await self._end_proved()
        flow, error = self._flow, self._cut
        delta: Delta | None = None
        if error is None:
            try:
                if flow.ready:
                    delta = checked(flow.ready.popleft())
                elif flow.guarded:  # what stands here costs each wait
                    self._state = _READING
                    delta = checked(await anext(self._generator))
                else:
                    delta = await self._next()
            except Exception as raised:  # noqa: BLE001 - judged below
                error = raised
            except BaseException:
                await self._close("cancelled")
                raise
            if self._state is _LEAVING:
                await self._leave()
            self._state = _OPEN
        if delta is None:
            return await self._broke_off(error or self._clock.expired())
        return self._take(delta)

    async def _next(self) -> Delta | None:
        """Return the next delta of an adapter that does not limit its waits; None where the limit came."""
        with self._reading(self._clock.begin()):
            try:
                return checked(await anext(self._generator))
            finally:
                self._clock.end()
        return None

    async def receive_ready(self) -> list[Delta]:
        """Return what has come, at least one delta; it waits for the first only, and raises as `receive`."""
        deltas = [await self.receive()]
        ready = self._flow.ready
        while ready and isinstance(ready[0], Delta) and not self._transcript.proved:
            deltas.append(self._take(ready.popleft()))
        return deltas

    async def _iterate(self) -> AsyncGenerator[Delta, None]:
        transcript = self._transcript
        while True:
            try:
                delta = await self.receive()
            except anyio.EndOfStream:
                return
            yield delta
            if transcript.proved or not (self._steady and self._overlap.decided):
                continue
            ready, silent = self._flow.ready, True  # without a call for each; who closes it empties it
            while ready and type(ready[0]) is Delta:
                delta = ready.popleft()
                if silent and delta.has_content:
                    silent = False
                    self._clock.heard(delta)
                transcript.add(delta)
                yield delta
                if transcript.proved:
                    break

    def _not_open(self) -> Exception:
        """Return what a reader gets who comes while another one reads, or after the end."""
        if self._state in (_READING, _LEAVING):
            return anyio.BusyResourceError("reading from")
        return anyio.EndOfStream() if self.verdict == "complete" else self._was_closed()

    def _was_closed(self) -> anyio.ClosedResourceError:
        since = 0.0 if self._closed_at is None else max(0.0, anyio.current_time() - self._closed_at)
        return was_closed(self.provider, since, self._closed_by, self.verdict)

    @contextmanager
    def _reading(self, deadline: float) -> Iterator[None]:
        """Be READING inside, until a time on the event loop's clock; OPEN again behind it, unless LEAVING."""
        self._state = _READING
        try:
            with anyio.CancelScope(deadline=deadline) as self._scope:
                yield
        finally:
            self._scope = None
            if self._state is _READING:
                self._state = _OPEN

    async def _leave(self) -> NoReturn:
        """Close the reply, in the task that read it: `aclose()` was called meanwhile."""
        await self._close("closed")
        raise self._was_closed()

    async def aclose(self) -> None:
        """Close the reply; idempotent. A task that is reading gets ClosedResourceError.

        What was created at the provider is cleaned up, within `Timeouts.close` and the adapter's own limit.
        """
        await self.close_by("its reader closed it (aclose(), or the end of its `async with` block)")

    async def close_by(self, who: str) -> None:
        """Close the reply as `aclose()` does.

        Args:
            who: Who closes it, for the error of somebody who reads on.
        """
        self._close_iteration()
        if self._state in (_OPEN, _READING):
            self._closed_by = who
        if self._state is _OPEN:
            await self._close("closed")
        if self._state is _ENDED:
            return
        self._over = self._over or anyio.Event()
        if self._state is _READING:
            self._state = _LEAVING
            if self._scope is None:
                self._flow.interrupt()
            else:
                self._scope.cancel()
        with anyio.move_on_after(self._commitment.context.timeouts.close, shield=True):
            await self._over.wait()

    async def read_text(self) -> str:
        """Read to the end, and return the whole text, with what was read before.

        Raises:
            StreamInterrupted: As of `receive`.
        """
        await self._read_all()
        return self._transcript.text

    async def collect(self) -> Reply:
        """Read to the end, and return the whole reply.

        Raises:
            StreamInterrupted: As of `receive`.
        """
        await self._read_all()
        return self._transcript.reply(self.provider, "complete", self.attempts, self.cost)

    async def _read_all(self) -> None:
        with suppress(anyio.EndOfStream):
            while True:
                await self.receive_ready()

    def _take(self, delta: Delta) -> Delta:
        self._clock.heard(delta)
        if not self._overlap.decided:
            text = self._overlap.feed(delta.text)
            delta = replace(delta, text=text + self._overlap.flush() if delta.is_last else text)
        self._transcript.add(delta)
        return delta

    async def _end_proved(self) -> Delta:
        """End a reply whose proof was delivered. What comes behind the proof is not delivered."""
        if self._transcript.refused:
            return await self._broke_off(ContentRefused("the provider's content filter refused the rest"))
        # The generator runs to its end: it keeps its connection, and cleans up what it created.
        context = self._commitment.context
        try:
            if self._flow.guarded:
                self._state = _READING
                await anext(self._generator, None)
            else:
                with self._reading(min(context.clock() + context.timeouts.close, context.deadline.at)):
                    await anext(self._generator, None)
        except Exception as error:  # noqa: BLE001 - the reply is complete already; only reported
            self._commitment.report(error)
        finally:
            await self._close("complete")
        raise anyio.EndOfStream

    async def _broke_off(self, raised: Exception) -> Delta:
        """Let another provider take over where that is wanted; else close, and tell the reader."""
        self._flow.ready.clear()
        held = self._overlap.flush()
        if held:
            self._cut = raised
            return self._take(Delta(held))
        error = self._commitment.learned(raised, self._commitment.context.clock())
        switch = None if self._takeover is None else await self._taken_over(error, self._takeover)
        if switch is not None:
            self._commitment.context.ledger.tell(ReplySwitched(self.request_id, switch, error))
            return self._take(Delta(switch=switch))
        self._error = error
        await self._close(verdict_of(error))
        raise self._commitment.interrupted(error, self._transcript) from error

    async def _taken_over(self, error: AdapterError, takeover: Takeover) -> Switch | None:
        """Return the switch to the provider that takes over, once it has committed, or None."""
        broken = self._commitment
        successor: Commitment | None = None
        left_normally = False
        try:
            with self._reading(math.inf):
                await broken.release()
                successor = await takeover.take_over(broken, self._transcript, error)
            left_normally = True
        finally:
            if successor is not None:
                assert successor.switch is not None
                anew = successor.switch.kind == "restart"  # else what came is a part of the reply
                broken.settle(self._transcript, self._now(), wasted=anew)
                self._adopt(successor)
                self._clock.restart(*successor.clocks)
                self._overlap, self._cut = Overlap.after("" if anew else self._transcript.text), None
            if not left_normally:
                await self._close("cancelled")
        if self._state is _LEAVING:
            await self._leave()
        return None if successor is None else successor.switch

    async def _close(self, verdict: Verdict) -> None:
        """Clean up, and tell the end; the first call does it."""
        if self._state in (_CLOSING, _ENDED):
            return
        self._begin_closing(verdict)
        try:
            await self._commitment.release()
        finally:
            self._end()

    def _begin_closing(self, verdict: Verdict) -> None:
        """Set the verdict: a reply whose proof was delivered is what the proof says, however it was left."""
        self._state = _CLOSING
        self._flow.ready.clear()
        if self._transcript.proved:
            verdict = "refused" if self._transcript.refused else "complete"
        self.verdict = verdict

    def _end(self) -> None:
        self._state = _ENDED
        self._close_iteration()
        failed = self.verdict in ("truncated", "failed", "refused")
        self._closed_at = now = self._now()
        self._commitment.settle(self._transcript, now, wasted=failed)
        self._commitment.context.ledger.end(
            self.verdict or "closed",
            now,
            self._error,
            provider=self._commitment.provider.name,
            first_content=self._first_content,
            reply=self._transcript,
        )
        self._commitment.forget_request(self._transcript.usage)
        self._commitment.context.work.left(self)
        self._takeover = None
        if self._over is not None:
            self._over.set()

    def _now(self) -> float:
        try:
            return self._commitment.context.clock()
        except Exception:  # noqa: BLE001 - dropped outside of any event loop
            return self._first_content

    if not TYPE_CHECKING:  # a type checker refuses these by itself

        def __iter__(self) -> NoReturn:
            raise TypeError(
                "a reply is read asynchronously; write `async for delta in reply:`, or use SyncRouter in a "
                "program without an event loop"
            )

    def __repr__(self) -> str:
        state = f"{self.verdict or 'open'}, {self._transcript.deltas} deltas"
        return f"<ReplyStream {self.request_id} of {self.provider!r}: {state}>"

    def __del__(self) -> None:
        if getattr(self, "_state", _ENDED) in (_CLOSING, _ENDED):
            return
        shown, loop = repr(self), self._commitment.context.loop
        # The collector of garbage runs in whatever thread; slots and events belong to the loop's own.
        if loop.in_its_thread or not loop.run_soon(self._dropped):
            self._dropped()
        warnings.warn(
            f"{shown} was dropped without being closed; use `async with`, or call aclose()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )

    def _dropped(self) -> None:
        with suppress(Exception):  # its event loop may be gone; nobody is there to be told
            self._begin_closing("closed")
            self._commitment.drop()
            self._end()
