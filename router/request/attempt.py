"""One attempt at one adapter, up to the first content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract import Delta, Flow
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    ContentRefused,
    EmptyReply,
    FirstContentTimeout,
    alone,
)
from adapters.generator import bad_reply, checked, close_generator, made_by
from router.reply.transcript import REFUSED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import Adapter, ChatRequest
    from router.events import Phase

MOST_EARLY: Final = 64
"""Deltas without content that may come before the first content."""


@dataclass(slots=True)
class AttemptResult:
    """What one attempt came to: a generator at rest behind its first content, or an error.

    Attributes:
        started: When it began, on the event loop's clock.
        ended: When it came to its outcome, the clean-up after a failure included.
        flow: Where the adapter tells which deltas come without waiting.
        generator: The adapter's, where the first content came.
        early: The deltas read, the first content last.
        error: What went wrong, where it did.
        bug: What the adapter raised that no adapter should.
        phase: How far it came.
    """

    started: float
    ended: float = 0.0
    flow: Flow = field(default_factory=Flow)
    generator: AsyncGenerator[Delta, None] | None = None
    early: list[Delta] = field(default_factory=list)
    error: AdapterError | None = None
    bug: Exception | None = None
    phase: Phase = "waiting"

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.started)

    def failed(self, raised: Exception) -> None:
        """Keep what the adapter raised; a bug in it must not end the request."""
        if isinstance(raised, AdapterError):
            self.error = alone(raised)  # it says itself where it happened
        else:
            self.bug, self.error = raised, bad_reply(raised)


async def run_attempt(
    adapter: Adapter,
    request: ChatRequest,
    *,
    limit: float,
    close: float,
    report: Callable[[Exception], None],
) -> AttemptResult:
    """Ask `adapter`, and read up to the first content.

    A failed generator is closed before this returns, and so is a cancelled one.

    Args:
        adapter: Whom to ask.
        request: What to ask.
        limit: Seconds for the first content.
        close: Seconds for closing the generator.
        report: Told of a failing clean-up.
    """
    result = AttemptResult(anyio.current_time(), flow=request.conditions.flow)
    try:
        generator = made_by(adapter, request)
    except Exception as raised:  # noqa: BLE001 - kept in the result
        result.failed(raised)
        result.ended = result.started
    else:
        await _begin(generator, result, limit, close, report)
    if result.error is not None:
        result.error.provider = result.error.provider or adapter.name
    return result


async def _begin(
    generator: AsyncGenerator[Delta, None],
    result: AttemptResult,
    limit: float,
    close: float,
    report: Callable[[Exception], None],
) -> None:
    """Read up to the first content within `limit` seconds; close the generator unless it came."""
    committed = False
    try:
        with anyio.move_on_after(limit) as scope:
            await _read(generator, result)
            committed = result.error is None
        if scope.cancelled_caught and result.error is None:
            result.error = FirstContentTimeout(
                f"no content within {limit:.3g} s ({_PHASES[result.phase]}); "
                "where the service is only slow, raise Timeouts.first_content"
            )
    finally:
        if not committed:
            await close_generator(generator, close, report)
        result.ended = anyio.current_time()
    if committed:
        result.generator = generator
        result.phase = "content"


_PHASES: Final = {
    "waiting": "nothing was heard",
    "answering": "it answered, but without content",
}


async def _read(generator: AsyncGenerator[Delta, None], result: AttemptResult) -> None:
    """Read up to the first content; keep the deltas, or the error that came instead."""
    try:
        while True:
            delta = checked(await anext(generator))
            result.early.append(delta)
            result.phase = "answering"
            if delta.has_content:
                return
            if delta.is_last:
                result.error = _empty(delta)
                return
            if len(result.early) > MOST_EARLY:
                result.error = BadReply(f"more than {MOST_EARLY} deltas came without content")
                return
    except StopAsyncIteration:
        result.error = EmptyReply("the reply ended without content")
    except Exception as raised:  # noqa: BLE001 - kept in the result
        result.failed(raised)


def _empty(delta: Delta) -> AdapterError:
    if delta.finish_reason == REFUSED:
        return ContentRefused("the provider's content filter refused the request")
    return EmptyReply("the reply is complete, but without content")
