"""How many requests are answered at once, and how many wait for that."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from router.gateway.body import Left
from router.gateway.failure import Failure, Refused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from starlette.types import Receive

    from router.policy.gateway import GatewaySettings

_SOON: Final = 1.0
"""Seconds after which a full gateway may be asked again."""


class Gate:
    """Counts the requests inside; the first ones are answered, the next ones wait, the rest are refused.

    Attributes:
        settings: How many; may be replaced at any time.
        inside: Requests that are read, wait or are answered.
        running: Requests that are answered.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.inside = 0
        self.running = 0
        self._waiting: deque[anyio.Event] = deque()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Count a request inside; its body takes memory from here on, so that memory has a bound.

        Raises:
            Refused: The gateway is full.
        """
        if self.inside >= self.settings.concurrency + self.settings.queue:
            raise _busy("the gateway is full")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @asynccontextmanager
    async def slot(self, receive: Receive) -> AsyncGenerator[None, None]:
        """Answer one request, as soon as there is a slot for it.

        Args:
            receive: Tells that the client left; its body was read.

        Raises:
            Refused: There was none in time.
            Left: The client left before.
        """
        if self.running < self.settings.concurrency and not self._waiting:
            self.running += 1
        else:
            await self._wait(receive)
        try:
            yield
        finally:
            self.running -= 1
            self.hand_out()

    async def _wait(self, receive: Receive) -> None:
        granted = anyio.Event()
        self._waiting.append(granted)
        left = False

        async def watch() -> None:
            nonlocal left
            while (await receive())["type"] != "http.disconnect":
                pass
            left = True
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(watch)
                with anyio.move_on_after(self.settings.queue_seconds):
                    await granted.wait()
                group.cancel_scope.cancel()
            if left:
                raise Left
            if not granted.is_set():
                raise _busy("the gateway is full, and no request ended in time")
        except BaseException:
            self._give_up(granted)
            raise

    def _give_up(self, granted: anyio.Event) -> None:
        if granted.is_set():
            self.running -= 1
            self.hand_out()
        else:
            self._waiting.remove(granted)

    def hand_out(self) -> None:
        """Give free slots to those who wait; called when one ends, and when the settings change."""
        while self._waiting and self.running < self.settings.concurrency:
            self.running += 1
            self._waiting.popleft().set()


def _busy(what: str) -> Refused:
    message = f"{what}; ask again in {_SOON:g} s"
    return Refused(Failure(503, "service_unavailable_error", message, "gateway_full", retry_after=_SOON))
