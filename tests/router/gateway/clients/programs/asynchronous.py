"""The asynchronous client of openai, used as the synchronous one is: each call is awaited in a thread.

So a row is written once and tried with both. They need the `openai` package alone, of any version since 1.57.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import openai
import pydantic
from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anyio.from_thread import BlockingPortal


def client(url: str, **settings: Any) -> Any:
    """Return an asynchronous client that looks like a synchronous one; `close()` ends its thread too."""
    running = start_blocking_portal()
    portal = running.__enter__()

    async def make() -> Any:
        return openai.AsyncOpenAI(base_url=url, **settings)

    made = _Awaited(portal.call(make), portal)

    def end() -> None:
        portal.call(made.thing.close)
        running.__exit__(None, None, None)

    made.end = end
    return made


class _Awaited:
    """Something asynchronous; what is asked of it is awaited before it is given."""

    def __init__(self, thing: Any, portal: BlockingPortal) -> None:
        self.thing = thing
        self.end: Callable[[], None] | None = None  # of a client
        self._portal = portal

    def close(self) -> None:
        if self.end is not None:
            self.end()
        else:
            self._portal.call(self.thing.close)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.thing, name)
        if inspect.ismethod(value) or inspect.isfunction(value):
            return self._called(value)
        return self._given(value)

    def _called(self, function: Any) -> Any:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            async def call() -> Any:
                result = function(*arguments, **named)
                # A page of a list can be awaited and iterated; the documentation iterates.
                return await result if inspect.isawaitable(result) and not _is_iterable(result) else result

            return self._given(self._portal.call(call))

        return called

    def _given(self, value: Any) -> Any:
        own = type(value).__module__.startswith("openai.") and not isinstance(value, pydantic.BaseModel)
        plain = isinstance(value, str | bytes | int | float | dict | list | tuple | type(None))
        is_async = _is_iterable(value) or hasattr(value, "__aenter__")
        return _Awaited(value, self._portal) if (own or is_async) and not plain else value

    def __iter__(self) -> Iterator[Any]:
        iterator = self._portal.call(self.thing.__aiter__)
        nothing = object()

        async def step() -> Any:
            return await anext(iterator, nothing)

        while (item := self._portal.call(step)) is not nothing:
            yield item

    def __enter__(self) -> Any:
        return self._given(self._portal.call(self.thing.__aenter__))

    def __exit__(self, *raised: object) -> None:
        self._portal.call(self.thing.__aexit__, *raised)


def _is_iterable(value: Any) -> bool:
    return hasattr(value, "__aiter__")
