"""A request's body that leaves no generator behind when sending it is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Bytes to send.

    httpx's own is an async generator: cancelled half-way it is left to the garbage collector, which is a
    ResourceWarning on trio. The synchronous half is for transports that read a request before answering it.
    """

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._content)


class _Once:
    __slots__ = ("_left",)

    def __init__(self, content: bytes) -> None:
        self._left: bytes | None = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content, self._left = self._left, None
        if content is None:
            raise StopAsyncIteration
        return content
