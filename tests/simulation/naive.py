"""The loop that everybody writes first, in the router's place: the world has to see what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from adapters import ChatRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from adapters import Adapter, Delta


class Naive:
    """Tries one provider after the other, and goes on with the next one wherever the last one stopped."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        self._adapters = adapters

    async def stream(self, messages: Any, *, providers: Any, timeouts: Any) -> NaiveStream:
        stream = NaiveStream(self._adapters, ChatRequest.build(messages))
        stream.first = await anext(stream.deltas, None)
        return stream

    async def aclose(self) -> None:
        return


class NaiveStream:
    """Its reply."""

    def __init__(self, adapters: Sequence[Adapter], request: ChatRequest) -> None:
        self.provider = adapters[0].name
        self.verdict = None
        self.first: Delta | None = None
        self.deltas = self._all(adapters, request)

    async def _all(self, adapters: Sequence[Adapter], request: ChatRequest) -> AsyncGenerator[Delta, None]:
        for adapter in adapters:
            self.provider = adapter.name
            try:
                async for delta in adapter.stream(request):
                    yield delta
                return
            except Exception:  # noqa: BLE001 - so it is written, everywhere
                continue

    async def receive(self) -> Delta:
        delta, self.first = self.first or await anext(self.deltas, None), None
        if delta is None:
            raise anyio.EndOfStream
        return delta

    async def aclose(self) -> None:
        await self.deltas.aclose()
