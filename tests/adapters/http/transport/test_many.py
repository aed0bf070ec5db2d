"""A thousand streams at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.adapters.http.transport.peer import CHUNKED, Peer, Talk

if TYPE_CHECKING:
    from adapters.http.transport import StreamTransport

pytestmark = pytest.mark.anyio

STREAMS = 1000
DELTAS = 5


async def test_a_thousand_streams_at_once_are_all_answered_and_none_is_mixed_up(
    transport: StreamTransport,
) -> None:
    together = anyio.Event()
    arrived = 0

    async def handler(talk: Talk) -> None:
        nonlocal arrived
        while True:
            name = (await talk.request()).partition(b"\r\n\r\n")[2]
            arrived += 1
            if arrived == STREAMS:
                together.set()
            await together.wait()
            await talk.send(CHUNKED)
            for _ in range(DELTAS):
                await talk.send(b"%x\r\n%b\r\n" % (len(name), name))
                await anyio.sleep(0.001)
            await talk.send(b"0\r\n\r\n")

    found: dict[bytes, bytes] = {}

    async def ask(name: bytes) -> None:
        body = b""
        async with transport.exchange(peer.head(), name) as exchange:
            while data := await exchange.receive():
                body += data
        found[name] = body

    async with Peer(handler) as peer:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for number in range(STREAMS):
                    group.start_soon(ask, b"%d," % number)
        assert (STREAMS, "<StreamTransport HTTP/1.1 open=0 idle=100>") == (peer.accepted, repr(transport))

    assert {name: name * DELTAS for name in found} == found
    assert STREAMS == len(found)
