"""A gateway served by the real server on a loopback socket, and a client of raw bytes."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters.scripted import ScriptedAdapter
from router import Router
from router.gateway.gateway import Gateway
from router.gateway.serving.binding import listening
from router.gateway.serving.server import GatewayServer
from router.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from anyio.abc import SocketStream

    from adapters import Adapter
    from router.gateway.serving.source import ConfigFile

CHAT: Final = "/v1/chat/completions"


def question(*, stream: bool = False, **further: Any) -> bytes:
    fields = {"model": "chat-router", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return json.dumps({**fields, **further}).encode()


def request(
    body: bytes | None = None,
    path: str = CHAT,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
) -> bytes:
    body = question() if body is None else body
    usual = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**usual, **(headers or {})}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One connection."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.taken = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def until(self, mark: bytes) -> bytes:
        """Return what comes up to a mark."""
        while mark not in self.taken:
            self.taken += await self.stream.receive()
        end = self.taken.index(mark) + len(mark)
        found, self.taken = self.taken[:end], self.taken[end:]
        return found

    async def answer(self) -> tuple[int, bytes, bytes]:
        """Return status, head and body of one answer."""
        head = (await self.until(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(self.taken) < length:
            self.taken += await self.stream.receive()
        body, self.taken = self.taken[:length], self.taken[length:]
        return int(head[9:12]), head, body

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        while True:
            try:
                self.taken += await self.stream.receive()
            except anyio.EndOfStream:
                return self.taken


class Served:
    """A gateway that is served."""

    def __init__(self, gateway: Gateway, server: GatewayServer, port: int) -> None:
        self.gateway = gateway
        self.server = server
        self.port = port

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client, None]:
        with anyio.fail_after(10):
            async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
                yield Client(stream)

    async def ask(self, data: bytes) -> tuple[int, bytes, bytes]:
        """Send one request on a connection of its own; return status, head and body."""
        async with self.client() as client:
            await client.send(data)
            return await client.answer()


@asynccontextmanager
async def served(
    settings: GatewaySettings | None = None,
    adapters: Sequence[Adapter] = (),
    source: ConfigFile | None = None,
    *,
    local: bool = True,
) -> AsyncGenerator[Served, None]:
    """Serve a gateway in this event loop, which is asyncio's."""
    router = Router(adapters or [ScriptedAdapter("one", ["Hel", "lo"])], observers=[])
    gateway = Gateway(router, settings or GatewaySettings(), local=local)
    server = GatewayServer(gateway, source)
    listener = listening("127.0.0.1", 0)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listener])
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
                await anyio.sleep(0.005)
            yield Served(gateway, server, listener.getsockname()[1])
        finally:
            server.stop()
            server.stop()
    listener.close()
