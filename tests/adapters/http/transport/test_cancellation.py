"""Cancelled at whatever await, an exchange closes its socket and leaves nothing behind."""

from __future__ import annotations

import math
import os
import socket
import threading
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from adapters.http.transport import Origin, StreamTransport, request_head
from tests.adapters.http.transport.peer import CHUNKED, HOST, OK, Peer, Talk, eventually

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    from adapters.http.transport.names import Address

pytestmark = pytest.mark.anyio


def sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            continue  # of the listing itself
    return found


async def until_none_is_left(before: int) -> None:
    await eventually(lambda: sockets() == before)


async def _silence(talk: Talk) -> None:
    await anyio.sleep(math.inf)


async def _silent_head(talk: Talk) -> None:
    await talk.request()
    await talk.send(b"HTTP/1.1 200 OK\r\n")
    await talk.gone()


async def _silent_body(talk: Talk) -> None:
    await talk.request()
    await talk.send(CHUNKED + b"2\r\nok\r\n")
    await talk.gone()


async def _no_end(talk: Talk) -> None:
    await talk.request()
    await talk.send(CHUNKED)
    while True:
        await talk.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


async def whole(transport: StreamTransport, peer: Peer, body: bytes = b"{}") -> bytes:
    received = 0
    async with transport.exchange(peer.head(), body) as exchange:
        while data := await exchange.receive():
            received += len(data)
    return b"%d" % received


PHASES: dict[str, tuple[Callable[[Talk], Awaitable[None]], bytes]] = {
    "while sending": (_silence, b"x" * 20_000_000),
    "before an answer": (_silence, b"{}"),
    "within the head": (_silent_head, b"{}"),
    "within the body": (_silent_body, b"{}"),
    "while bytes keep coming": (_no_end, b"{}"),
}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("phase", PHASES)
async def test_where_the_server_is_silent(
    phase: str, secure: bool, tls_contexts: Sequence[ssl.SSLContext]
) -> None:
    server, client = tls_contexts
    handler, body = PHASES[phase]
    before = sockets()
    async with (
        StreamTransport(verify=client) as transport,
        Peer(handler, tls=server if secure else None, buffer=16384) as peer,
    ):
        with anyio.move_on_after(0.05) as scope:
            await whole(transport, peer, body)
        assert scope.cancelled_caught
        assert "open=0 idle=0" in repr(transport)
    await until_none_is_left(before)


async def test_while_a_name_is_looked_up() -> None:
    go = threading.Event()

    def lookup(host: str, port: int) -> Sequence[Address]:
        go.wait(10)
        return [(socket.AF_INET, (HOST, port))]

    before = sockets()
    head = request_head(Origin(False, "slow.example", 80), b"GET", b"/", [(b"Host", b"x")])
    async with StreamTransport(lookup=lookup) as transport:
        with anyio.move_on_after(0.02) as scope:
            await transport.exchange(head).send()
        assert scope.cancelled_caught
        go.set()
    assert before == sockets()


async def test_while_it_connects() -> None:
    with socket.create_server((HOST, 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        before = sockets()
        head = request_head(Origin(False, HOST, address[1]), b"GET", b"/", [(b"Host", b"x")])
        async with StreamTransport() as transport:
            with anyio.move_on_after(0.02) as scope:
                await transport.exchange(head).send()
        assert scope.cancelled_caught
        assert before == sockets()
        for filler in fillers:
            filler.close()


async def test_while_tls_is_agreed_on(tls_contexts: Sequence[ssl.SSLContext]) -> None:
    before = sockets()
    async with StreamTransport(verify=tls_contexts[1]) as transport, Peer(_silence) as peer:
        head = request_head(Origin(True, "localhost", peer.port), b"GET", b"/", [(b"Host", b"x")])
        with anyio.move_on_after(0.02) as scope:
            await transport.exchange(head).send()
        assert scope.cancelled_caught
    await until_none_is_left(before)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_after_any_number_of_turns(secure: bool, tls_contexts: Sequence[ssl.SSLContext]) -> None:
    """Cancels a whole exchange after 0, 1, 2, … turns of the event loop, until it is not caught any more."""

    async def handler(talk: Talk) -> None:
        while True:
            await talk.request()
            await talk.send(CHUNKED)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
                await talk.send(b"2\r\nok\r\n")
            await talk.send(b"0\r\n\r\n")

    def lookup(host: str, port: int) -> Sequence[Address]:
        return [(socket.AF_INET, (HOST, port))]

    server, client = tls_contexts
    before = sockets()
    caught = 0
    async with Peer(handler, tls=server if secure else None, buffer=16384) as peer:
        for turns in range(400):
            done = False
            async with StreamTransport(verify=client, lookup=lookup) as transport:
                async with anyio.create_task_group() as group:

                    async def run(transport: StreamTransport = transport) -> None:
                        nonlocal done
                        await whole(transport, peer, b"x" * 300_000)
                        await whole(transport, peer)
                        done = True

                    group.start_soon(run)
                    for _ in range(turns):
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()
                assert "open=0" in repr(transport)
            if done:
                break
            caught += 1
    assert done
    assert caught > 10
    await until_none_is_left(before)


async def test_a_cancelled_exchange_leaves_the_others_alone() -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await anyio.sleep(0.05)
        await talk.send(OK)

    async with Peer(handler) as peer, StreamTransport() as transport:
        found = []

        async def ask(cancelled: bool) -> None:
            with anyio.move_on_after(0.02 if cancelled else 10):
                found.append(await whole(transport, peer))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, number % 2 == 0)

    assert [b"2"] * 10 == found
