"""The levels of a probe: what each proves, the tiny generation of `answer`, and what errors show.

level    proves
reach    that the service is there, that it is the software which the adapter speaks to, and that it lets us
         in; it costs no generation. That it can answer is likely, not proved.
answer   that a request brings content, or a proved end, through everything on the way: key, quota, model,
         queue. It costs a few tokens.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.lowlevel import current_token

from adapters.contract import ChatRequest, Conditions, Flow, Message, Outcome, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    Busy,
    ContentRefused,
    EmptyReply,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
    alone,
)
from adapters.generator import ClosingTimeout, bad_reply, checked, close_generator, made_by

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import Adapter, Delta, ProbeLevel

PROMPT: Final = "Reply with the word: ok"
"""What the level `answer` asks; it is all that a service ever learns from a probe."""

TOKENS: Final = 8
"""The most that it asks for, where the service takes such a limit."""

TAIL: Final = 0.5
"""Seconds for which it reads on after the first content, where it set a limit of tokens: so that the service
counts what it cost. It stays within the time that the probe has."""

CLOSE: Final = 5.0
"""Seconds for the clean-up; an adapter's own limit is shorter."""

_MOST_KEYS: Final = 64
"""Repeats with another key of the provider, whatever an adapter says."""

_MOST_DELTAS: Final = 64  # after the first content

_CANNOT_TELL: Final = (
    Busy, ContentRefused, InvalidRequest, LocalFailure, ModelNotFound, QuotaExhausted, RateLimited,
)  # fmt: skip


def finding(error: Exception, level: ProbeLevel) -> ProbeResult:
    """Return what an error says that ended a probe.

    The service is not working, unless it only refuses us for now or refuses this one request, or this side is
    the cause; a bug of an adapter says nothing either.
    """
    if not isinstance(error, AdapterError):
        return ProbeResult(None, str(bad_reply(error)), level)
    working = None if isinstance(error, _CANNOT_TELL) else False
    return ProbeResult(working, str(error), level, error=alone(error))


async def answer(adapter: Adapter) -> ProbeResult:
    """Ask `adapter` for a tiny generation, and keep the finding in `working`.

    Its first content decides. After that it is read for a moment longer, up to the end and the count of
    tokens, where a limit of tokens keeps the end near. What the adapter created at the service is deleted, as
    after any reply that its reader leaves early. A limit of tokens that the service refuses is left out in a
    second try; nothing was generated then.

    It raises nothing but cancellation.
    """
    adapter.in_loop(current_token())
    started = anyio.current_time()
    left: list[AdapterError] = []
    conditions = Conditions(others_left=True, on_leftover=left.append)  # who has no slot says so at once
    options: dict[str, Any] = {}
    if "max_tokens" in adapter.capabilities.options:
        options["max_tokens"] = TOKENS
    repeats = 0
    while True:
        conditions = replace(conditions, model=adapter.model, key_repeats=repeats, flow=Flow())
        request = ChatRequest.build([Message("user", PROMPT)], **options).under(conditions)
        result = await _asked(adapter, request, started)
        if result.error is not None and result.error.other_key and repeats < _MOST_KEYS:
            repeats += 1
            continue
        if not options or not isinstance(result.error, InvalidRequest):
            break
        options = {}
    now = started + result.seconds if result.seconds else anyio.current_time()
    if result.working is not None:
        adapter.mark(Outcome(now, None if result.working else NotWorking(result.reason)))
    leftover = left[0] if left else None
    return replace(result, seconds=now - started, leftover=leftover)


async def _asked(adapter: Adapter, request: ChatRequest, started: float) -> ProbeResult:
    try:
        generator = made_by(adapter, request)
    except Exception as error:  # noqa: BLE001 - judged there
        return finding(error, "answer")

    def leftover(error: Exception) -> None:
        took = f"took more than {CLOSE:g} s"
        what = took if isinstance(error, ClosingTimeout) else f"raised {type(error).__name__}"
        request.conditions.on_leftover(ServiceFailed(f"closing the probe's reply {what}"))

    try:
        result, last = await _first(generator)
        result = replace(result, seconds=anyio.current_time() - started)
        if request.options and not last.is_last:
            last = await _read_on(generator, last)
        return replace(result, usage=last.usage, model=last.model)
    except Exception as error:  # noqa: BLE001 - judged there
        return finding(error, "answer")
    finally:
        await close_generator(generator, CLOSE, leftover)


async def _first(generator: AsyncGenerator[Delta, None]) -> tuple[ProbeResult, Delta]:
    """Read up to the first content, or the proof of the end; return the finding and the last delta."""
    async for made in generator:
        delta = checked(made)
        if delta.has_content:
            return ProbeResult(True, "it answered", "answer"), delta
        if delta.finish_reason == "content_filter":
            raise ContentRefused("its content filter refused the prompt of the probe")
        if delta.finish_reason == "length":
            return ProbeResult(True, "it generated up to the limit of the probe", "answer"), delta
        if delta.is_last:
            raise EmptyReply("the reply is complete, but without content")
    raise EmptyReply("the reply ended without content")


async def _read_on(generator: AsyncGenerator[Delta, None], last: Delta) -> Delta:
    """Read to the end where it is near; return the last delta, with the newest count and name there were."""
    usage, model = last.usage, last.model
    left = anyio.current_effective_deadline() - anyio.current_time()
    # It has answered: how it ends says nothing more.
    with anyio.move_on_after(min(TAIL, left / 2)), suppress(Exception, StopAsyncIteration):
        for _ in range(_MOST_DELTAS):
            last = checked(await anext(generator))
            usage, model = last.usage or usage, last.model or model
    return replace(last, usage=usage, model=model)
