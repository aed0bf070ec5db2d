"""What the server says before it has read the whole request is read, whatever it does then."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from adapters.contract.errors import BadReply
from adapters.http.transport import Exchange, Origin, StreamTransport
from tests.adapters.http.transport.peer import CHUNKED, OK, Gone, Peer, Talk

if TYPE_CHECKING:
    from adapters.http.transport.connection import Connection

pytestmark = pytest.mark.anyio

LARGE = b"x" * 20_000_000
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\nat most 1"
BUFFER = 16 << 10


async def read(exchange: Exchange) -> bytes:
    body = b""
    while data := await exchange.receive():
        body += data
    return body


async def _head(talk: Talk) -> None:
    while b"\r\n\r\n" not in talk.received:
        talk.received += await talk.receive()


class Refusing:
    """Answers as soon as it has the head, and then ends in one of the ways that servers have."""

    def __init__(self, then: str, answer: bytes = TOO_LARGE) -> None:
        self._then = then
        self._answer = answer

    async def __call__(self, talk: Talk) -> None:
        await _head(talk)
        await talk.send(self._answer)
        if self._then == "silence":
            await anyio.sleep(math.inf)
        elif self._then == "half-close":
            talk.sock.shutdown(1)
            await anyio.sleep(math.inf)
        elif self._then == "lingering close":
            talk.sock.shutdown(1)
            # Slowly: who reads fast may get the whole request within that time.
            with anyio.move_on_after(0.2), suppress(Gone):
                for _ in range(20):
                    await talk.receive()
                    await anyio.sleep(0.01)
        elif self._then.startswith("reset after"):
            await anyio.sleep(float(self._then.split()[-1]))
            talk.reset()
        # else: close with unread bytes, which is a reset


WAYS = ["silence", "half-close", "lingering close", "close with unread bytes", "reset after 0.02",
        "reset after 0.1"]  # fmt: skip


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("then", WAYS)
async def test_an_early_refusal_is_read(then: str, secure: bool, tls_contexts) -> None:
    server, client = tls_contexts
    async with (
        Peer(Refusing(then), tls=server if secure else None, buffer=BUFFER) as peer,
        StreamTransport(verify=client) as transport,
    ):
        with anyio.fail_after(10):
            async with transport.exchange(peer.head(), LARGE) as exchange:
                assert (413, b"at most 1") == (exchange.status, await read(exchange))

        assert "open=0 idle=0" in repr(transport)  # never reused: the rest of the request is not sent


@pytest.mark.parametrize("size", [60_000, 300_000, 1_000_000])
@pytest.mark.parametrize("then", WAYS)
async def test_of_any_size(then: str, size: int, transport: StreamTransport) -> None:
    async with Peer(Refusing(then), buffer=BUFFER) as peer:
        with anyio.fail_after(10):
            async with transport.exchange(peer.head(), b"x" * size) as exchange:
                assert (413, b"at most 1") == (exchange.status, await read(exchange))


async def test_an_early_refusal_that_does_not_end_stops_the_request(transport: StreamTransport) -> None:
    async with Peer(Refusing("silence", b"HTTP/1.1 413 No\r\n\r\nat most"), buffer=BUFFER) as peer:
        with anyio.fail_after(10):
            async with transport.exchange(peer.head(), LARGE) as exchange:
                assert (413, b"at most") == (exchange.status, await exchange.receive())


@pytest.mark.parametrize("end", ["close", "reset", "half-close"])
async def test_no_answer_and_an_end_fails(end: str, transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await _head(talk)
        if end == "reset":
            talk.reset()
        elif end == "half-close":
            talk.sock.shutdown(1)
            await anyio.sleep(math.inf)

    async with Peer(handler, buffer=BUFFER) as peer:
        exchange = transport.exchange(peer.head(), LARGE)
        with anyio.fail_after(10), pytest.raises((httpx.WriteError, httpx.RemoteProtocolError)):
            await exchange.send()
        assert not exchange.heard
        assert "open=0" in repr(transport)


async def test_an_early_answer_that_is_not_http_fails(transport: StreamTransport) -> None:
    async with Peer(Refusing("silence", b"SSH-2.0\r\n"), buffer=BUFFER) as peer:
        with anyio.fail_after(10), pytest.raises(BadReply):
            await transport.exchange(peer.head(), LARGE).send()


async def test_continue_and_early_hints_do_not_stop_the_request(transport: StreamTransport) -> None:
    sizes = []

    async def handler(talk: Talk) -> None:
        await _head(talk)
        await talk.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await anyio.sleep(0.02)
        await talk.send(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
        sizes.append(len(await talk.request()))
        await talk.send(OK)

    async with Peer(handler, buffer=BUFFER) as peer:
        with anyio.fail_after(10):
            async with transport.exchange(peer.head(), LARGE) as exchange:
                assert b"ok" == await read(exchange)
    assert sizes[0] > len(LARGE)


@pytest.mark.parametrize("amount", [1, 1 << 23])
async def test_an_answer_that_begins_while_the_request_is_read_does_not_stop_it(
    amount: int, transport: StreamTransport
) -> None:
    """A proxy may send 200 and comments first. What it sends is held up to a limit, then not read on."""
    sizes: list[int] = []
    held: list[int] = []

    async def handler(talk: Talk) -> None:
        await _head(talk)

        async def answer() -> None:
            await talk.send(CHUNKED, b"%x\r\n%b\r\n" % (amount, b"a" * amount))

        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            await anyio.sleep(0.05)
            held.append(exchange._parser.holding)
            sizes.append(len(await talk.request()))
        await talk.send(b"1\r\nb\r\n0\r\n\r\n")
        await anyio.sleep(0.05)

    async with Peer(handler, buffer=BUFFER) as peer:
        exchange = transport.exchange(peer.head(), LARGE)
        with anyio.fail_after(10):
            async with exchange:
                assert b"a" * amount + b"b" == await read(exchange)
        assert "idle=0" in repr(transport)
    assert sizes[0] > len(LARGE)
    assert held[0] <= (256 + 64) << 10


async def test_a_slow_server_gets_it_all(transport: StreamTransport) -> None:
    sizes = []

    async def handler(talk: Talk) -> None:
        await _head(talk)
        for _ in range(5):
            await anyio.sleep(0.01)
            talk.received += await talk.receive()
        sizes.append(len(await talk.request()))
        await talk.send(OK)
        await talk.gone()

    async with Peer(handler, buffer=BUFFER) as peer, transport.exchange(peer.head(), LARGE) as exchange:
        assert b"ok" == await read(exchange)
        assert "idle=1" in repr(transport)
    assert sizes[0] > len(LARGE)


class LateConnections:
    """Hands out a connection when the server has said what it had to say, and is gone."""

    def __init__(self, transport: StreamTransport) -> None:
        self._transport = transport
        self.parser_limits = transport.parser_limits
        self.gone = anyio.Event()

    def kept(self, origin: Origin) -> Connection | None:
        return None

    async def made(self, origin: Origin, limit: float, connect_timeout: float | None) -> Connection:
        made = await self._transport.made(origin, limit, connect_timeout)
        await self.gone.wait()
        await anyio.sleep(0.01)
        return made

    def begun(self, exchange: Exchange) -> None:
        self._transport.begun(exchange)

    def ended(self, exchange: Exchange) -> None:
        self._transport.ended(exchange)

    def give_back(self, connection: Connection) -> None:
        raise AssertionError("it must not be used again")


@pytest.mark.parametrize("size", [2, 60_000, 300_000])
@pytest.mark.parametrize("answer", [TOO_LARGE, b"", b"SSH-2.0\r\n"])
async def test_who_is_gone_before_the_request_goes_out_is_still_heard(
    answer: bytes, size: int, transport: StreamTransport
) -> None:
    connections = LateConnections(transport)

    async def handler(talk: Talk) -> None:
        await talk.send(answer)
        await anyio.sleep(0.01)
        talk.reset()
        connections.gone.set()

    async with Peer(handler) as peer:
        exchange = Exchange(connections, peer.head(), b"x" * size)
        with anyio.fail_after(10):
            if answer is TOO_LARGE:
                await exchange.send()
                assert (413, b"at most 1") == (exchange.status, await read(exchange))
            else:
                with pytest.raises(BadReply if answer else httpx.WriteError):
                    await exchange.send()
        assert not exchange.has_connection
