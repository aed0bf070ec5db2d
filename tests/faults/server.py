"""A server of raw bytes: it answers the n-th request with the n-th script, whatever HTTP thinks of it.

It counts connections and requests, keeps every byte of the requests, and runs in the event loop of the test.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from adapters.simulators.connection import GONE
from adapters.simulators.received import Received
from adapters.simulators.server import Exchange, Simulator
from tests.faults.steps import Script, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.simulators.peer import Peer
    from tests.faults.steps import Line

_LEFT: Final = (*GONE, ssl.SSLError)
LONGEST: Final = 1 << 20


class Gone(anyio.EndOfStream):
    """The client has left."""


class RawLine:
    """A connection in plain bytes."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.read = bytearray()

    async def send(self, data: bytes) -> None:
        await self._peer.send(data)

    async def receive(self) -> bytes:
        data = await self._peer.receive()
        if not data:
            raise Gone
        return data

    async def pause(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while True:
                self.read += await self.receive()

    async def silence(self) -> None:
        while True:
            self.read += await self.receive()

    async def close(self, *, reset: bool = False) -> None:
        await self._peer.close(reset=reset)

    async def half_close(self) -> None:
        self._peer._socket.shutdown(socket.SHUT_WR)


class TLSLine(RawLine):
    """A connection in TLS. It closes without close_notify, as a cut does."""

    def __init__(self, peer: Peer, context: ssl.SSLContext) -> None:
        super().__init__(peer)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._in.write(await super().receive())
            else:
                await self._flush()
                return

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            try:
                data = self._tls.read(65536)
            except ssl.SSLWantReadError:
                await self._flush()
                self._in.write(await super().receive())
                continue
            if not data:
                raise Gone
            return data

    async def _flush(self) -> None:
        if data := self._out.read():
            await super().send(data)


class FaultServer(Simulator):
    """Plays scripts.

    Args:
        answer_to: Returns the script for the n-th request, counted from 0.
        before: Is played when a connection was accepted, before anything is read.
        tls: Speak TLS; `before` is played before the handshake.
    """

    service = "faulty"

    def __init__(
        self,
        answer_to: Callable[[int], Script],
        *,
        before: Script = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self._answer_to = answer_to
        self._before = before
        self._tls = tls
        self.heads: list[bytes] = []
        self.times: list[float] = []

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:") if self._tls else super().url

    async def answer(self, exchange: Exchange) -> None:
        raise NotImplementedError("it knows no exchanges, only bytes")

    async def _serve(self, peer: Peer) -> None:
        try:
            with suppress(*_LEFT):
                await play(RawLine(peer), self._before)
                await self._talk(peer)
        finally:
            await peer.close()
            self.open_connections -= 1
            if not self.open_connections:
                self._emptied.set()

    async def _talk(self, peer: Peer) -> None:
        line: RawLine = RawLine(peer)
        if self._tls is not None:
            line = TLSLine(peer, self._tls)
            await line.shake_hands()
        while not peer.closed:
            self.requests.append(await self._request(line))
            self.times.append(anyio.current_time())
            self.turns += 1
            await play(line, self._answer_to(self.turns - 1))

    async def _request(self, line: RawLine) -> Received:
        data = line.read
        while (end := data.find(b"\r\n\r\n")) < 0 and len(data) < LONGEST:
            data += await line.receive()
        first, *fields = bytes(data[:end]).split(b"\r\n")
        self.heads.append(bytes(data[:end]))
        method, target, _ = first.decode("latin-1").split(" ", 2)
        headers = [_field(field) for field in fields]
        del data[: end + 4]
        length = int(dict(headers).get("content-length", "0"))
        while len(data) < length:
            data += await line.receive()
        body = bytes(data[:length])
        del data[:length]
        return Received(method, target, headers, body)


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.lower(), value.strip()


class ExchangeLine:
    """The connection of one exchange of a simulator, which watches for the client's going itself."""

    def __init__(self, exchange: Exchange) -> None:
        self._peer = exchange._peer

    async def send(self, data: bytes) -> None:
        await self._peer.send(data)

    async def pause(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def silence(self) -> None:
        await anyio.sleep_forever()

    async def close(self, *, reset: bool = False) -> None:
        await self._peer.close(reset=reset)

    async def half_close(self) -> None:
        self._peer._socket.shutdown(socket.SHUT_WR)


async def play_raw(exchange: Exchange, script: Script) -> None:
    """Answer an exchange of a simulator with raw bytes; the connection ends with it."""
    line: Line = ExchangeLine(exchange)
    exchange.started = exchange.ended = True
    await play(line, script)
