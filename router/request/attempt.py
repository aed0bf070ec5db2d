"""One attempt at one adapter, up to the first content."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio.lowlevel

from adapters.contract import Delta, Flow
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    ContentRefused,
    EmptyReply,
    FirstContentTimeout,
    Scope,
    alone,
    of_own_account,
)
from adapters.contract.reader import reader
from adapters.generator import bad_reply, checked, close_generator, made_by
from router.reply.transcript import REFUSED
from router.request.reply_validation import Validation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import Adapter, ChatRequest
    from router.events import Phase
    from router.policy.timeouts import Timeouts
    from router.request.work import Work

MOST_EARLY: Final = 64
"""Deltas without content that may come before the first content."""


_LIMITS_OF_THE_REPLY: Final = ("max_tokens", "max_completion_tokens", "stop")
"""Options that may leave nothing to say."""


@dataclass(slots=True, eq=False, repr=False)
class AttemptResult:
    """What one attempt came to: a generator at rest behind its first content, or an error.

    Attributes:
        started: When it began, on the event loop's clock.
        ended: When it came to its outcome, the clean-up after a failure included.
        flow: Where the adapter tells which deltas come without waiting.
        generator: The adapter's, where the first content came.
        early: The deltas read, the first content last; the reply takes them from here.
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
        return self.ended - self.started if self.started < self.ended else 0.0

    def failed(self, raised: Exception) -> None:
        """Keep what the adapter raised; a bug in it must not end the request."""
        if isinstance(raised, AdapterError):
            self.error = alone(raised)  # it says itself where it happened
        else:
            self.bug, self.error = raised, bad_reply(raised)


async def run_attempt(
    adapter: Adapter,
    request: ChatRequest,
    clocks: Timeouts,
    work: Work,
    report: Callable[[Exception], None],
    clock: Callable[[], float],
    started: float,
    *,
    limit: float,
) -> AttemptResult:
    """Ask `adapter`, and read up to the first content.

    A failed generator is closed before this returns, and so is a cancelled one.

    Args:
        adapter: Whom to ask.
        request: What to ask.
        clocks: Of the request at this provider.
        work: Makes the scope of the attempt, which closing the router cancels.
        report: Told of a failing clean-up.
        clock: Returns the time on the event loop's clock.
        started: The time now.
        limit: Seconds for the first content.
    """
    result = AttemptResult(started, 0.0, request.conditions.flow)
    try:
        generator = made_by(adapter, request)
    except Exception as raised:  # noqa: BLE001 - kept in the result
        result.failed(raised)
        result.ended = started
        return result
    try:
        with work.attempt(started + limit) as scope:
            await _read(generator, result)
            if result.error is None:
                result.generator, result.phase = generator, "content"
        if scope.cancelled_caught and result.error is None:
            work.guard_if_cancelled()  # closing the router ended the scope, and not the clock
            await anyio.lowlevel.checkpoint_if_cancelled()
            result.error = FirstContentTimeout(
                f"no content within {limit:.3g} s ({_PHASES[result.phase]}); "
                f"where the service is only slow, raise {reader().first_content()}"
            )
    finally:
        if result.generator is None:
            await close_generator(generator, clocks.close, report)
        result.ended = clock()
    if isinstance(request.validation, Validation) and result.generator is not None:
        work.guard()
        validation = replace(request.validation, stall=clocks.stall)
        await _validate(validation, result, adapter.name, clocks.close, report)
    return result


def ascribe(
    error: AdapterError, result: AttemptResult, adapter: Adapter, request: ChatRequest, *, usual: bool
) -> None:
    """Say of the error of an attempt whose it is, and whom it speaks about.

    Args:
        error: Of the attempt.
        result: What else came of it.
        adapter: Who was asked.
        request: What was asked.
        usual: Whether the usual clocks give no more time; a shorter limit proves nothing when it strikes.
    """
    if isinstance(error, FirstContentTimeout) and not (usual and adapter.first_content is None):
        where = f"first_content of {adapter.name!r}" if usual else reader().own_timeouts()
        error.args = (str(error).replace(reader().first_content(), where),)
    error.provider = error.provider or adapter.name
    if _is_of_the_caller(error, result, request, usual=usual):
        error.scope = Scope.REQUEST
    if request.conditions.own_account:
        of_own_account(error)


def _is_of_the_caller(
    error: AdapterError, result: AttemptResult, request: ChatRequest, *, usual: bool
) -> bool:
    """Whether what the caller asked for explains the failure: a short limit, or no room for an answer."""
    if isinstance(error, FirstContentTimeout):
        return not usual
    if not isinstance(error, EmptyReply):
        return False
    if any(name in request.options for name in _LIMITS_OF_THE_REPLY):
        return True
    return any(delta.finish_reason == "length" for delta in result.early)


async def _validate(
    validation: Validation,
    result: AttemptResult,
    provider: str,
    close: float,
    report: Callable[[Exception], None],
) -> None:
    """Read the reply to its end, and close the generator unless the caller accepts what came."""
    generator, result.generator = result.generator, None
    assert generator is not None
    accepted = False
    try:
        result.error = await validation.read_on(generator, result.early, provider)
        accepted = result.error is None
    except Exception as raised:  # noqa: BLE001 - kept in the result
        result.failed(raised)
    finally:
        if not accepted:
            await close_generator(generator, close, report)
            result.ended = anyio.current_time()
    if accepted:
        result.generator = generator


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
