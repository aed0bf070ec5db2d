"""What the caller demands of a reply before it is committed: `complete(validate=…)`.

A reply that is validated is read to its end inside its attempt. So what the caller refuses, and what breaks
off, is a failed attempt like any other: it stands in the ledger, and the next provider is asked within the
same deadline.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_origin

import anyio

from adapters.contract.errors import AdapterError, ContentRefused, ReplyRejected, Stalled, Truncated
from adapters.generator import checked
from router.reply.parsing import parsed
from router.reply.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import Delta
    from router.reply.transcript import Reply


def validator_of(validate: Callable[[Reply], object] | type) -> Callable[[Reply], object]:
    """Return the function that judges a reply; that of a type decodes the text as JSON of this type.

    Raises:
        TypeError: `validate` is neither a plain function nor a type.
    """
    if isinstance(validate, type) or get_origin(validate) is not None:
        kind: Any = validate

        def decodes(reply: Reply) -> None:
            parsed(reply.final_text or reply.text, kind)

        return decodes
    if not callable(validate) or inspect.iscoroutinefunction(validate):
        raise TypeError(
            f"validate is {validate!r}; pass a function that takes the Reply and returns False or raises to "
            "refuse it (a plain one, not async), or a type that its JSON must have"
        )
    return validate


@dataclass(frozen=True, slots=True)
class Validation:
    """What one attempt whose reply is validated needs to know.

    Attributes:
        judge: Takes the reply; returns False or raises to refuse it.
        stall: Seconds without content after which the reply is given up.
        end: When it is given up in any case, on the event loop's clock.
        clock: Returns the time.
    """

    judge: Callable[[Reply], object]
    stall: float
    end: float
    clock: Callable[[], float]

    async def read_on(
        self, generator: AsyncGenerator[Delta, None], early: list[Delta], provider: str
    ) -> AdapterError | None:
        """Read a reply whose first content came to its end; return why it is refused, or None.

        Args:
            generator: The adapter's, at rest behind the first content.
            early: The deltas read so far; those that follow are added.
            provider: Who answers.

        Raises:
            Exception: What the adapter raises.
        """
        transcript = Transcript()
        for delta in early:
            transcript.add(delta)
        heard = self.clock()
        while not transcript.proved:
            limit = min(heard + self.stall, self.end)
            try:
                with anyio.CancelScope(deadline=limit) as scope:
                    delta = checked(await anext(generator))
            except StopAsyncIteration:
                return Truncated(
                    "the reply ended before it was complete: its end mark (such as [DONE]) did not come"
                )
            if scope.cancelled_caught:
                return self._ran_out(limit)
            early.append(delta)
            transcript.add(delta)
            if delta.has_content:
                heard = self.clock()
        if transcript.refused:
            return ContentRefused("the provider's content filter refused the rest")
        return self._judged(transcript.reply(provider, "complete", ()))

    def _ran_out(self, limit: float) -> Stalled:
        if limit >= self.end:
            return Stalled("the reply was not complete before the deadline (Timeouts.total)")
        return Stalled(f"no content for {self.stall:g} s (Timeouts.stall)")

    def _judged(self, reply: Reply) -> ReplyRejected | None:
        try:
            verdict = self.judge(reply)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its way to refuse
            return ReplyRejected(f"`validate` refused the reply ({type(error).__name__}: {error})")
        return ReplyRejected("`validate` refused the reply: it returned False") if verdict is False else None
