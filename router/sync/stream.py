"""A reply of a `SyncRouter`: one provider's deltas, iterated with an ordinary `for`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NoReturn

import anyio

from adapters.contract.other_names import with_advice
from router.reply.stream import INSTEAD

if TYPE_CHECKING:
    from types import TracebackType

    from adapters.contract import Delta, Switch, ToolCall, Usage
    from router.events import Attempt, Verdict
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply
    from router.sync.loop_thread import LoopThread


_INSTEAD: Final = {
    **{name: text.replace("await ", "").replace("async ", "") for name, text in INSTEAD.items()},
    "cost": "`whole = reply.collect()`, then `whole.cost`",
}


@with_advice(_INSTEAD)
class SyncReplyStream:
    """A reply as it comes: iterate over it for deltas, or call `read_text()` or `collect()`.

    It ends by itself at the end of the reply and on every error. Use it as a context manager, so that leaving
    early closes it before the block is left. Dropped, it is closed as well, in the background: so a plain
    `for delta in router.stream(messages)` may be left with `break`.

    What has come is fetched from the event loop in one go, so what is known of the reply (`text_so_far`,
    `usage`, …) may be a few deltas ahead of the loop over it. One thread reads it; any may close it.
    """

    def __init__(self, router: object, loop: LoopThread, reply: ReplyStream) -> None:
        self._router = router  # which is closed when it is dropped, and its replies with it
        self._loop = loop
        self._reply = reply
        self._ready: deque[Delta] = deque()

    @property
    def request_id(self) -> str:
        """The request's id, as in events and logs."""
        return self._reply.request_id

    @property
    def verdict(self) -> Verdict | None:
        """How the reply ended, or None while it runs."""
        return self._reply.verdict

    @property
    def provider(self) -> str:
        """The name of who answers."""
        return self._reply.provider

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The ledger."""
        return self._reply.attempts

    @property
    def switches(self) -> tuple[Switch, ...]:
        """Where another provider took over, if the router was told to let it."""
        return self._reply.switches

    @property
    def model(self) -> str | None:
        """The model that answers, where the provider names it."""
        return self._reply.model

    @property
    def finish_reason(self) -> str | None:
        """Why the provider stopped, once it said so."""
        return self._reply.finish_reason

    @property
    def is_proved(self) -> bool:
        """Whether the reply is proved complete and no more will come, though its clean-up may still run."""
        return self._reply.is_proved

    @property
    def usage(self) -> Usage | None:
        """Token counts, once they came."""
        return self._reply.usage

    @property
    def final_text(self) -> str | None:
        """The provider's own final version of the text, where it differs from the text streamed."""
        return self._reply.final_text

    @property
    def text_so_far(self) -> str:
        """The text that has come so far."""
        return self._reply.text_so_far

    @property
    def reasoning(self) -> str:
        """The reasoning that has come so far."""
        return self._reply.reasoning

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls that have come so far; the arguments of the last one may be cut."""
        return self._reply.tool_calls

    def __iter__(self) -> SyncReplyStream:
        """Return itself. Who leaves the loop may go on later with another."""
        return self

    def __next__(self) -> Delta:
        """Return the next delta.

        Raises:
            StopIteration: The reply is complete.
            StreamInterrupted: It broke off: truncated, failed or refused. Raised once, after the last delta.
            anyio.ClosedResourceError: The reply was closed, here or by the router; the text says by whom.
            anyio.BusyResourceError: Another thread is reading.
        """
        ready = self._ready
        if not ready:
            try:
                ready.extend(self._loop.call(self._reply.receive_ready))
            except anyio.EndOfStream:
                raise StopIteration from None
        return ready.popleft()

    def read_text(self) -> str:
        """Read to the end, and return the whole text, with what was read before.

        Raises:
            StreamInterrupted: As of iterating.
        """
        self._ready.clear()
        return self._loop.call(self._reply.read_text)

    def collect(self) -> Reply:
        """Read to the end, and return the whole reply.

        Raises:
            StreamInterrupted: As of iterating.
        """
        self._ready.clear()
        return self._loop.call(self._reply.collect)

    def close(self) -> None:
        """Close the reply; idempotent. A thread that is reading gets ClosedResourceError.

        What was created at the provider is cleaned up, within `Timeouts.close` and the adapter's own limit.
        """
        self._ready.clear()
        if self._reply.verdict is None and self._loop.is_running:
            self._loop.call(self._reply.aclose)

    def __enter__(self) -> SyncReplyStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # a type checker refuses these by itself

        def __aiter__(self) -> NoReturn:
            raise TypeError("a SyncRouter blocks; write `for delta in reply:`, or use Router in async code")

        async def __aenter__(self) -> NoReturn:
            raise TypeError("a SyncRouter blocks; write `with router.stream(messages) as reply:`")

        async def __aexit__(self, *_: object) -> None:
            return

    def __repr__(self) -> str:
        return f"<Sync{repr(self._reply).removeprefix('<')}"

    def __del__(self) -> None:
        reply: ReplyStream | None = getattr(self, "_reply", None)
        if reply is not None and reply.verdict is None:
            self._loop.soon(reply.aclose)
