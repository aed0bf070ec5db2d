"""The bare clients: httpx and aiohttp read by hand, and a socket with nothing above it, the limit."""

from __future__ import annotations

import json
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
import httpx
import msgspec

from benchmarks.cases import messages_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.cases import Case


def body_of(case: Case) -> dict[str, Any]:
    """Return what is sent: the client makes JSON of it for each request."""
    return {"model": "m", "messages": messages_of(case.messages), "stream": True}


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Chunk(msgspec.Struct):
    choices: list[_Choice]


_decode: Final = msgspec.json.Decoder(_Chunk).decode


class Collected:
    """Splits events by hand and decodes them with types: the quickest that an application would write."""

    def __init__(self) -> None:
        self._rest = b""
        self._parts: list[str] = []
        self.first = 0.0
        self.done = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if event == b"data: [DONE]":
                self.done = True
                return
            content = _decode(event[6:]).choices[0].delta.content
            if content:
                if not self._parts:
                    self.first = time.perf_counter()
                self._parts.append(content)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)


class RawHttpx:
    """One httpx client, its raw bytes split by hand."""

    name = "raw httpx"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the client."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=case.at_once)
        verify: Any = ssl.create_default_context(cafile=ca) if case.tls else False
        self._client = httpx.AsyncClient(
            trust_env=False, limits=limits, verify=verify, timeout=60, transport=self.transport(verify)
        )
        self._url = f"{url}{case.path}/v1/chat/completions"
        self._body = body_of(case)

    def transport(self, verify: Any) -> httpx.AsyncBaseTransport | None:
        """Return the transport to hand in, or None for httpx's own."""
        return None

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        found = Collected()
        async with self._client.stream("POST", self._url, json=self._body) as response:
            response.raise_for_status()
            async for data in response.aiter_raw():
                found.feed(data)
        return found.text, found.first

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()


class HttpxOverAiohttp(RawHttpx):
    """The same client over the transport of `httpx-aiohttp`."""

    name = "raw httpx over aiohttp"

    def transport(self, verify: Any) -> httpx.AsyncBaseTransport | None:
        """Return aiohttp's transport."""
        from httpx_aiohttp import AiohttpTransport

        return AiohttpTransport(verify=verify, limits=httpx.Limits(max_connections=None))


class RawAiohttp:
    """One aiohttp session, its raw bytes split by hand."""

    name = "raw aiohttp"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the session."""
        import aiohttp

        context = ssl.create_default_context(cafile=ca) if case.tls else None
        connector = aiohttp.TCPConnector(limit=0, ssl=context if context is not None else False)
        self._session = aiohttp.ClientSession(connector=connector)
        self._url = f"{url}{case.path}/v1/chat/completions"
        self._body = body_of(case)

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        found = Collected()
        async with self._session.post(self._url, json=self._body) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                found.feed(data)
        return found.text, found.first

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


class Limit:
    """A socket of anyio, HTTP written and read by hand: what no library can be quicker than by much."""

    name = "hand-written limit"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Keep where to connect."""
        parts = urlsplit(url)
        assert parts.port is not None
        self._port, self._idle = parts.port, list[Any]()
        self._context = ssl.create_default_context(cafile=ca) if case.tls else None
        self._content = body_of(case)
        head = f"POST {case.path}/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        self._head = f"{head}content-type: application/json\r\n"

    async def _connection(self) -> Any:
        if self._idle:
            return self._idle.pop()
        stream: Any
        if self._context is not None:
            return await anyio.connect_tcp("127.0.0.1", self._port, ssl_context=self._context)
        stream = await anyio.connect_tcp("127.0.0.1", self._port)
        stream.extra(anyio.abc.SocketAttribute.raw_socket).setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        return stream

    async def read(self) -> tuple[str, float]:
        """Read one reply; the chunks of the body are one event each, so their sizes are skipped."""
        stream = await self._connection()
        content = json.dumps(self._content).encode()
        await stream.send(f"{self._head}content-length: {len(content)}\r\n\r\n".encode() + content)
        found = Collected()
        async for data in self._body(stream):
            found.feed(data)
        self._idle.append(stream)
        return found.text, found.first

    async def _body(self, stream: Any) -> AsyncIterator[bytes]:
        data = await stream.receive()
        while b"\r\n\r\n" not in data:
            data += await stream.receive()
        data = data.partition(b"\r\n\r\n")[2]
        while True:
            *lines, data = data.split(b"\r\n")
            yield b"".join(line for line in lines if line.startswith(b"data: "))
            if data == b"" and lines[-2:] == [b"0", b""]:
                return
            data += await stream.receive()

    async def close(self) -> None:
        """Close the connections."""
        for stream in self._idle:
            await stream.aclose()
