"""A client that sees bytes, and a small service to look at."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketStream

from adapters.simulators.framing import Framing, Piece, sse
from adapters.simulators.server import Exchange, Simulator

POST = b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def posting(path: str, body: object) -> bytes:
    """Return the bytes of a request with a JSON body."""
    content = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


class Events(Framing):
    """A protocol with everything: events, an end mark, errors, comments."""

    content_type = "text/event-stream"

    def opening(self) -> Iterable[Piece]:
        return [sse({"role": "assistant"})]

    def delta(self, text: str) -> Piece:
        return sse({"text": text})

    def ending(self, text: str) -> Iterable[Piece]:
        return [sse("[DONE]", event="end")]

    def error(self, message: str) -> Piece:
        return sse({"error": message})

    def comment(self) -> Piece:
        return ": still here\n\n"


class Service(Simulator):
    """`POST /chat` generates; `framed` and `keeps_open` are set where a test wants them."""

    service = "test"
    framing: Framing = Events()

    async def answer(self, exchange: Exchange) -> None:
        if exchange.received.path == "/chat":
            await self.turn(exchange, self.framing, prompt=exchange.received.body.decode())
        elif exchange.received.path == "/bug":
            raise LookupError("a mistake in the handler")
        elif exchange.received.path == "/forgotten":
            return
        else:
            await self.not_found(exchange)


@asynccontextmanager
async def connected(simulator: Simulator) -> AsyncIterator[SocketStream]:
    """Connect to a simulator."""
    port = urlsplit(simulator.url).port
    assert port is not None
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        yield stream


async def read_to_end(stream: SocketStream) -> bytes:
    """Read until the peer closes. A reset is a BrokenResourceError."""
    data = bytearray()
    while True:
        try:
            data += await stream.receive()
        except anyio.EndOfStream:
            return bytes(data)


async def read_until(stream: SocketStream, mark: bytes) -> bytes:
    """Read until `mark` was seen."""
    data = bytearray()
    while mark not in data:
        data += await stream.receive()
    return bytes(data)


async def is_silent(stream: SocketStream, seconds: float = 0.03) -> bool:
    """Tell whether neither a byte nor the end comes for a while."""
    with anyio.move_on_after(seconds):
        await stream.receive()
        return False
    return True


async def talk(simulator: Simulator, request: bytes) -> bytes:
    """Send `request` and read to the end; ask for it to close."""
    async with connected(simulator) as stream:
        await stream.send(request.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n"))
        return await read_to_end(stream)
