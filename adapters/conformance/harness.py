"""The harness of the checks: fresh adapters, requests, bounded readings, and the look at what is left."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from adapters.contract import Adapter, ChatRequest, Delta
from adapters.contract.message import Message
from adapters.generator import ClosingTimeout, Misbehaved, close_generator, made_by

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

Factory: TypeAlias = Callable[[], Adapter | AbstractAsyncContextManager[Adapter]]
"""Makes a fresh adapter, or an async context manager that yields one."""
LONGEST = 10_000
"""Deltas after which a reply is taken for endless."""


class Violation(AssertionError):
    """A rule that the adapter breaks; the text says what happened."""


@dataclass(slots=True)
class Reading:
    """What one reading of a stream brought.

    Attributes:
        deltas: All that was yielded, of whatever type.
        error: What ended it, where that was an exception and no cancellation.
        seconds: How long it took.
        ended: Whether the generator ended by itself.
        on_delta: Called after each delta.
    """

    deltas: list[Any] = field(default_factory=list)
    error: Exception | None = None
    seconds: float = 0.0
    ended: bool = False
    on_delta: Callable[[], object] = lambda: None

    async def fill(self, stream: AsyncGenerator[Delta, None]) -> None:
        """Read `stream` to its end. Only cancellation leaves this."""
        started = anyio.current_time()
        try:
            async for delta in stream:
                self.deltas.append(delta)
                self.on_delta()
                if len(self.deltas) > LONGEST:
                    await stream.aclose()
                    raise Violation(f"the reply has more than {LONGEST} deltas and goes on")
            self.ended = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the report shows it
            self.error = error
        finally:
            self.seconds = anyio.current_time() - started

    def whole(self) -> list[Any]:
        """Return the deltas of a reply that ended by itself.

        Raises:
            Violation: It ended with an error.
        """
        if self.error is not None:
            raise Violation(f"reading raised {told(self.error)}") from self.error
        return self.deltas

    @property
    def proved(self) -> bool:
        """Whether a delta proved the end of the reply."""
        return any(isinstance(delta, Delta) and delta.is_last for delta in self.deltas)


def told(error: BaseException) -> str:
    """Return an exception as `Type: text`, or as its text where that is the report's own."""
    while isinstance(error, BaseExceptionGroup):  # a task group wraps what its tasks raise
        error = error.exceptions[0]
    if isinstance(error, Violation):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@dataclass(slots=True)
class Harness:
    """What a check works with; see `check_adapter` for the meaning of each.

    Attributes:
        factory: Makes the adapter.
        failing: Makes one whose service fails.
        prompt: What is asked.
        leftovers: What is left at the service or on the wire.
        seconds: The bound of one check.
        closing: The bound of one closing.
        whole: The one whole reading that several checks look at.
    """

    factory: Factory
    failing: Factory | None
    prompt: str
    leftovers: Callable[[], Collection[object]] | None
    seconds: float
    closing: float
    whole: Reading | None = None

    @asynccontextmanager
    async def adapter(self, factory: Factory | None = None) -> AsyncIterator[Adapter]:
        """Make a fresh adapter, and close it at the end."""
        made: object = (factory or self.factory)()
        if not isinstance(made, AbstractAsyncContextManager):
            if not isinstance(made, Adapter):
                raise Violation(f"the factory returned {made!r}, which is no Adapter")
            try:
                yield made
            finally:
                with anyio.move_on_after(self.closing, shield=True):
                    await made.aclose()
            return
        async with made as adapter:
            if not isinstance(adapter, Adapter):
                raise Violation(f"the factory's context manager yielded {adapter!r}, which is no Adapter")
            yield adapter

    def request(self, **options: Any) -> ChatRequest:
        """Return a fresh request."""
        return ChatRequest.build([Message("user", self.prompt)], **options)

    def open(self, adapter: Adapter, request: ChatRequest | None = None) -> AsyncGenerator[Delta, None]:
        """Return the adapter's stream.

        Raises:
            Violation: It is no async generator.
        """
        try:
            return made_by(adapter, request or self.request())
        except Misbehaved as error:
            raise Violation(str(error)) from None

    async def reply(self) -> Reading:
        """Return the one whole reading, made on first use."""
        if self.whole is None:
            self.whole = Reading()
            async with self.adapter() as adapter:
                await self.whole.fill(self.open(adapter))
        return self.whole

    async def first_content(self, stream: AsyncGenerator[Delta, None]) -> None:
        """Read up to the first content.

        Raises:
            Violation: The stream ended without.
        """
        async for delta in stream:
            if isinstance(delta, Delta) and delta.has_content:
                return
        raise Violation("the stream ended without content")

    async def close(self, stream: AsyncGenerator[Delta, None], when: str) -> None:
        """Close a stream, and look whether that was quick and left nothing.

        Raises:
            Violation: It was not.
        """
        failures: list[Exception] = []
        started = anyio.current_time()
        await close_generator(stream, self.closing, failures.append)
        # A shield of the adapter's own holds the limit off.
        if (
            failures and isinstance(failures[0], ClosingTimeout)
        ) or anyio.current_time() - started > self.closing:
            raise Violation(f"{when}: aclose() took more than {self.closing:g} s")
        if failures:
            raise Violation(f"{when}: aclose() raised {told(failures[0])}") from failures[0]
        await self.nothing_left(when)

    async def nothing_left(self, when: str) -> None:
        """Look whether anything is left, giving the service a moment to notice.

        Raises:
            Violation: Something is.
        """
        if self.leftovers is None:
            return
        with anyio.move_on_after(self.closing):
            while self.leftovers():  # noqa: ASYNC110 - a service on the other side of a wire sets no event
                await anyio.sleep(0.01)
        left = self.leftovers()
        if left:
            raise Violation(f"{when}: {len(left)} left behind, for example {next(iter(left))!r}")
