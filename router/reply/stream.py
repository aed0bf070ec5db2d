"""A committed reply: one provider's deltas, read one at a time, ended in exactly one way.

It owns plain resources only: the adapter's generator and what was read before the commit. The cancel scope of
one `receive()` lives as long as that call, so that `aclose()` from another task can cancel it and wait.
"""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from anyio.abc import ObjectReceiveStream

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, ContentRefused
from router.errors import verdict_of
from router.events import ReplySwitched
from router.reply.clock import ContentClock
from router.reply.generator import checked
from router.reply.overlap import Seam
from router.reply.transcript import Reply, Transcript

if TYPE_CHECKING:
    from adapters.contract import Switch, ToolCall, Usage
    from router.events import Attempt, Verdict
    from router.reply.commitment import Opening


class ReplyStream(ObjectReceiveStream[Delta]):
    """A reply as it comes: iterate over it for deltas, or call `read_text()` or `collect()`.

    Use it as an async context manager, so that leaving early closes it. It may be opened, read and closed in
    three different tasks. It ends by itself at the end of the reply and on every error; a cancelled
    `receive()` ends it too.

    Attributes:
        request_id: The request's id, as in events and logs.
        verdict: How the reply ended, or None while it runs.
    """

    def __init__(self, opening: Opening) -> None:
        self.request_id = opening.request_id
        self.verdict: Verdict | None = None
        self._transcript = Transcript()
        self._first_content = self._asked = anyio.current_time()
        self._clock = ContentClock(opening.timeouts, opening.deadline)
        self._scope: anyio.CancelScope | None = None  # of the receive() under way
        self._left: anyio.Event | None = None  # set when the reader has left, for an aclose() that waits
        self._closed = False
        self._ended = False  # closed, and all clean-up done
        self._error: Exception | None = None
        self._adopt(opening)

    def _adopt(self, opening: Opening) -> None:
        self._opening = opening
        self._generator = opening.generator
        self._flow = opening.flow
        self._early = deque(opening.early)
        self._clock.restart()
        continued = opening.switch is not None and opening.switch.kind == "continue"
        self._seam = Seam(self._transcript.text if continued else "")
        self._cut: Exception | None = None  # what broke it off, to be told behind what the seam held back

    @property
    def provider(self) -> str:
        """The name of who answers."""
        return self._opening.provider.name

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The ledger."""
        return self._opening.attempts

    @property
    def switches(self) -> tuple[Switch, ...]:
        """Where another provider took over, if the router was told to let it."""
        return tuple(self._transcript.switches)

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

    @property
    def text_so_far(self) -> str:
        """The text that was read so far."""
        return self._transcript.text

    @property
    def reasoning(self) -> str:
        """The reasoning that was read so far."""
        return self._transcript.reasoning

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls that were read so far; the arguments of the last one may be cut."""
        return self._transcript.tool_calls

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
        if self._cut is not None:
            return await self._broke_off(self._cut)
        if self._flow.at_hand:
            try:
                return self._take(checked(await anext(self._generator)))
            except Exception as raised:  # noqa: BLE001 - judged there
                return await self._broke_off(raised)
            except BaseException:
                await self._close("cancelled")
                raise
        return await self._next()

    async def _next(self) -> Delta:
        """Return the next delta, read under the clocks."""
        self._asked = anyio.current_time()
        limit = self._clock.limit(self._asked)
        delta: Delta | None = None
        error: Exception | None = None
        left_normally = False
        try:
            with anyio.CancelScope(deadline=limit) as self._scope:
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
        self._clock.waited(anyio.current_time() - self._asked)
        if delta is None:
            return await self._broke_off(error or self._clock.ran_out(limit))
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

    async def read_text(self) -> str:
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
        self._clock.heard(delta)
        if not self._seam.closed:
            text = self._seam.feed(delta.text)
            delta = replace(delta, text=text + self._seam.flush() if delta.is_last else text)
        self._transcript.add(delta)
        return delta

    async def _end_proved(self) -> Delta:
        """End a reply whose proof was delivered. What comes behind the proof is not delivered."""
        if self._transcript.refused:
            return await self._broke_off(ContentRefused("the provider's content filter refused the rest"))
        # The generator runs to its end: it keeps its connection, and cleans up what it created.
        end = min(anyio.current_time() + self._opening.timeouts.close, self._opening.deadline.at)
        try:
            with anyio.CancelScope(deadline=end) as self._scope:
                async for _ in self._generator:
                    break
        except Exception as error:  # noqa: BLE001 - the reply is complete already; only reported
            self._opening.report(error)
        finally:
            self._scope = None
            await self._close("complete")
        raise anyio.EndOfStream

    async def _broke_off(self, raised: Exception) -> Delta:
        """Let another provider take over where that is wanted; else close, and tell the reader."""
        held = self._seam.flush()
        if held:
            self._cut = raised
            return self._take(Delta(held))
        error = self._opening.learned(raised, anyio.current_time())
        switch = await self._taken_over(error)
        if switch is not None:
            self._opening.notify(ReplySwitched(self.request_id, switch, error))
            return self._take(Delta(switch=switch))
        self._error = error
        await self._close(verdict_of(error))
        raise self._opening.interrupted(error, self._transcript) from error

    async def _taken_over(self, error: AdapterError) -> Switch | None:
        """Return the switch to the provider that takes over, once it has committed, or None."""
        opening: Opening | None = None
        left_normally = False
        try:
            with anyio.CancelScope() as self._scope:
                await self._opening.let_go()
                opening = await self._opening.take_over(self.provider, self._transcript, error)
            left_normally = True
        finally:
            self._scope = None
            if opening is not None:
                self._adopt(opening)
            if not left_normally:
                await self._close("cancelled")
        if self._left is not None:
            await self._close("closed")
            raise anyio.ClosedResourceError
        return None if opening is None else opening.switch

    async def _close(self, verdict: Verdict) -> None:
        if self._closed:
            return
        self._closed = True
        self._early.clear()
        self._judge(verdict)
        try:
            await self._opening.let_go()
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
        try:
            now = anyio.current_time()
        except Exception:  # noqa: BLE001 - dropped outside of any event loop
            now = self._asked
        verdict = self.verdict or "closed"
        self._opening.tell_end(verdict, self._transcript, self._first_content, now, self._error)

    def __repr__(self) -> str:
        state = f"{self.verdict or 'open'}, {self._transcript.deltas} deltas"
        return f"<ReplyStream {self.request_id} of {self.provider!r}: {state}>"

    def __del__(self) -> None:
        if getattr(self, "_closed", True):
            return
        self._closed = True
        shown = repr(self)
        self._judge("closed")
        self._opening.dropped()
        self._tell_end()
        warnings.warn(
            f"{shown} was dropped without being closed; use `async with`, or call aclose()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )
