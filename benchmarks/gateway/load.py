"""A client as cheap as it can be: writes prepared requests, and looks for the end of each answer."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final, cast

_LAST: Final = b"0\r\n\r\n"
_CHUNKED: Final = -1
"""In place of a length: the answer ends with its last chunk."""


def request_of(
    path: str, model: str, text: str = "hello", *, streams: bool = True, key: str = "sk-1"
) -> bytes:
    """Return the bytes of a request."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": streams}
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._end: int | None = None
        self._done: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Look for the last chunk, or the end of a document."""
        self._got += data
        if self._end is None:  # the head is not whole yet
            self._end = self._end_of_answer()
        whole = self._got.endswith(_LAST) if self._end == _CHUNKED else len(self._got) == self._end
        if whole and self._done is not None and not self._done.done():
            self._done.set_result(bytes(self._got))

    def _end_of_answer(self) -> int | None:
        """Return how many bytes the answer has, once its head is there."""
        head, found, _ = self._got.partition(b"\r\n\r\n")
        if not found:
            return None
        place = head.lower().find(b"content-length:")
        return _CHUNKED if place < 0 else len(head) + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0])

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer without its last chunk ends here."""
        if self._done is not None and not self._done.done():
            self._done.set_result(bytes(self._got))

    async def ask(self, request: bytes) -> bytes:
        """Return all bytes of the answer, whole or not."""
        self._got.clear()
        self._end = None
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._done

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def connected(port: int) -> Client:
    """Return a client that is connected."""
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    return client


async def one_by_one(port: int, request: bytes, count: int) -> list[float]:
    """Return the seconds of each of so many requests on one connection.

    Raises:
        RuntimeError: An answer was not whole.
    """
    client = await connected(port)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        answer = await client.ask(request)
        took.append(time.perf_counter() - began)
        if b"[DONE]" not in answer:
            raise RuntimeError(f"the answer is not whole: {answer[:300]!r}")
    client.close()
    return took


async def at_once(port: int, request: bytes, streams: int, deltas: int) -> tuple[float, int]:
    """Return the seconds that so many streams take that begin together, and how many were whole."""
    clients = [await connected(port) for _ in range(streams)]
    began = time.perf_counter()
    answers = await asyncio.gather(*(client.ask(request) for client in clients))
    took = time.perf_counter() - began
    for client in clients:
        client.close()
    last = f'"word{deltas - 1} "'.encode()
    whole = sum(
        answer.count(b'"word') == deltas and last in answer and b"[DONE]" in answer and answer.endswith(_LAST)
        for answer in answers
    )
    return took, whole
