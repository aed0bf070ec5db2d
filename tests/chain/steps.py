"""Counts the suspensions of a coroutine, and cancels it at the one asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    import anyio


class Steps:
    """Awaits a coroutine; at its `at`-th suspension `scope` is cancelled.

    Every suspension is a checkpoint where cancellation can strike, on either backend.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], scope: anyio.CancelScope, at: int) -> None:
        self._coroutine = coroutine
        self._scope = scope
        self._at = at
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._coroutine.__await__()
        to_send: Any = None
        error: BaseException | None = None
        while True:
            try:
                wanted = inner.send(to_send) if error is None else inner.throw(error)
            except StopIteration as end:
                return end.value
            self.count += 1
            if self.count == self._at:
                self._scope.cancel()
            to_send, error = None, None
            try:
                to_send = yield wanted
            except BaseException as raised:  # noqa: BLE001 - cancellation goes into the coroutine too
                error = raised
