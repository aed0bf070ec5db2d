"""A request's body that leaves no generator behind when sending it is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


_PIECE: Final = 256 << 10


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
        return _Pieces(self._content)


class _Pieces:
    """The bytes in pieces: encrypting megabytes at once would hold up the event loop."""

    __slots__ = ("_at", "_content")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        at = self._at
        if at >= len(self._content):
            raise StopAsyncIteration
        self._at = at + _PIECE
        return self._content[at : self._at]  # itself, where it is one piece
