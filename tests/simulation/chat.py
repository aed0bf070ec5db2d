"""A provider of a simulated world that creates a conversation for each call, and deletes it afterwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from adapters import (
    Adapter,
    AuthenticationFailed,
    BadReply,
    Capabilities,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    Delta,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters import ChatRequest
    from tests.simulation.book import Book, Call
    from tests.simulation.plan import ProviderPlan
    from tests.simulation.script import Ending

_BY_STATUS: Final = {
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: AuthenticationFailed,
    404: ModelNotFound,
    429: RateLimited,
}


class Chat(Adapter):
    """Plays the scripts of its book as deltas; its clean-up is shielded and bounded, as one has to be."""

    capabilities = Capabilities()

    def __init__(self, plan: ProviderPlan, book: Book) -> None:
        self.name = plan.name
        self.concurrency = plan.places
        self._plan = plan
        self._book = book
        self.acloses = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        partial = request.messages[-2].text if len(request.messages) > 1 else ""
        call = self._book.call(self._plan, request.messages[0].text, partial, anyio.current_time())
        conversation = f"{call.provider}-{call.request}-{call.number}"
        at_rest = False
        try:
            await anyio.lowlevel.checkpoint()
            self._book.created.add(conversation)
            for burst in _bursts(call):
                await anyio.sleep(burst[0][0])
                for delta in request.conditions.flow.hand_over([delta for _, delta in burst]):
                    yield delta
            await anyio.sleep(call.script.ending.delay)
            if call.script.ending.fault is None:
                yield Delta(finish_reason="stop")
                return
            if call.script.ending.fault == "hang":
                await anyio.sleep_forever()
            call.failed_at = anyio.current_time()
            if call.script.ending.fault == "filter" and call.text:
                yield Delta(finish_reason="content_filter")
            error = _error(call.script.ending)
            if error is not None:
                raise error
        except GeneratorExit:
            at_rest = True
            raise
        finally:
            try:
                if self._plan.tidy:
                    await self._delete(conversation, request)
                else:
                    await self._delete_if_let(conversation, at_rest=at_rest)
            finally:
                call.open, call.closed_at = False, anyio.current_time()

    async def _delete(self, conversation: str, request: ChatRequest) -> None:
        if conversation not in self._book.created:
            return
        with anyio.move_on_after(self._book.plan.close, shield=True) as scope:
            await anyio.sleep(self._plan.cleanup)
            self._book.deleted.add(conversation)
        if scope.cancelled_caught:
            self._book.given_up.add(conversation)
            request.conditions.on_leftover(ServiceFailed("not deleted", provider=self.name))

    async def _delete_if_let(self, conversation: str, *, at_rest: bool) -> None:
        """Delete without a shield and a limit: closed at rest, it is the router's duty to give both."""
        kept = self._book.given_up if at_rest else self._book.deleted
        try:
            await anyio.sleep(self._plan.cleanup)
            kept = self._book.deleted
        finally:
            kept.add(conversation)

    async def aclose(self) -> None:
        self.acloses += 1


def _bursts(call: Call) -> list[list[tuple[float, Delta]]]:
    """Return the steps, those without a delay together with what came before them."""
    bursts: list[list[tuple[float, Delta]]] = []
    for step in call.script.steps:
        item = (step.delay, Delta(step.text))
        if step.delay == 0 and bursts:
            bursts[-1].append(item)
        else:
            bursts.append([item])
    return bursts


def _error(ending: Ending) -> Exception | None:
    match ending.fault:
        case "refused":
            return ConnectFailed("refused")
        case "unreachable":
            return Unreachable("no such name")
        case "lost" | "reused":
            return ConnectionLost("lost", reused=ending.fault == "reused")
        case "error event":
            return ServiceFailed("it says that it failed")
        case "garbage":
            return BadReply("not the protocol")
        case "filter":
            return ContentRefused("not this")
        case "bug":
            return TypeError("a bug")
        case "status":
            kind = _BY_STATUS.get(ending.status)
            if kind is None:
                kinds = (ServiceFailed, InvalidRequest, NotWorking)
                kind = kinds[0 if ending.status >= 500 else 1 if ending.status in (400, 413, 418, 422) else 2]
            return kind("as told", status=ending.status, retry_after=_number(ending.retry_after))
    return None


def _number(text: str) -> float | None:
    """Return what an adapter that does not look closely makes of a Retry-After."""
    try:
        return float(text)
    except ValueError:
        return math.nan if text else None
