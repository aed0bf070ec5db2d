"""Bytes that nobody asked for never reach another request."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.http.transport import StreamTransport
from tests.adapters.http.transport.peer import CHUNKED, OK, Peer, Talk
from tests.depth import sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio

FALSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nFALSE"
ANSWERS = {
    "after a length": OK,
    "after the last chunk": CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
    "after trailers": CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\n\r\n",
    "after an error status": b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
    "after no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "after not modified": b"HTTP/1.1 304 X\r\nContent-Length: 7\r\n\r\n",
    "after 1xx": b"HTTP/1.1 103 X\r\n\r\n" + OK,
}
BEHIND = {
    "an answer": FALSE,
    "a line end": b"\r\n",
    "a LF": b"\n",
    "a byte": b"x",
    "half an answer": FALSE[:30],
}


class Bad:
    """A server that says something more behind its first answer, at a moment of its choice."""

    def __init__(self, answer: bytes, behind: bytes, moment: str) -> None:
        self._answer = answer
        self._behind = behind
        self._moment = moment
        self.said = anyio.Event()

    async def __call__(self, talk: Talk) -> None:
        await talk.request()
        if talk.number > 1:
            await talk.send(OK)
            return
        if self._moment == "in the same packet":
            await talk.send(self._answer + self._behind)
        else:
            await talk.send(self._answer)
            await anyio.sleep(0.01)
            await talk.send(self._behind)
        self.said.set()
        await talk.gone()


@pytest.mark.parametrize("moment", ["in the same packet", "while idle"])
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_lies_behind_an_answer_is_never_another_s(
    answer: str, behind: str, moment: str, transport: StreamTransport
) -> None:
    handler = Bad(ANSWERS[answer], BEHIND[behind], moment)
    async with Peer(handler) as peer:
        for _ in range(2):
            body = b""
            async with transport.exchange(peer.head()) as exchange:
                while data := await exchange.receive():
                    body += data
                await handler.said.wait()
                await anyio.sleep(0.005)
            assert body in (b"ok", b"no", b"")

        assert ((b"ok", False), 2) == ((body, exchange.reused), peer.accepted)


async def test_between_two_steps_of_a_conversation(transport: StreamTransport) -> None:
    """The second step's answer, sent before it is asked for, is not taken for its answer."""

    async def handler(talk: Talk) -> None:
        for step in range(3):
            request = await talk.request()
            await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + request.split(b"/")[1][:2])
            if step == 1:
                await talk.send(FALSE)

    async with Peer(handler) as peer:
        found = []
        for step in (b"s1", b"s2", b"s3", b"s4"):
            async with transport.exchange(peer.head(b"GET", b"/" + step)) as exchange:
                found.append(await exchange.receive())
            await anyio.sleep(0.01)

        assert ([b"s1", b"s2", b"s3", b"s4"], 2) == (found, peer.accepted)


async def test_a_second_answer_of_64_kib_and_more_is_seen_in_the_next_read(
    transport: StreamTransport,
) -> None:
    """The read that ends an answer may be full, with the rest still in the kernel."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000

    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(whole + FALSE if talk.number == 1 else OK)
        await talk.gone()

    async with Peer(handler) as peer:
        async with transport.exchange(peer.head()) as exchange:
            while await exchange.receive():
                pass
        await anyio.sleep(0.01)
        async with transport.exchange(peer.head()) as exchange:
            assert b"ok" == await exchange.receive()
        assert 2 == peer.accepted


@pytest.mark.parametrize("end", ["FIN", "reset", "half-close"])
async def test_an_end_while_idle_is_seen_before_the_next_request(
    end: str, transport: StreamTransport
) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(OK)
        await anyio.sleep(0.005)
        if end == "reset":
            talk.reset()
        elif end == "half-close":
            talk.sock.shutdown(socket.SHUT_WR)
            await talk.gone()

    async with Peer(handler) as peer:
        for accepted in (1, 2):
            async with transport.exchange(peer.head()) as exchange:
                assert b"ok" == await exchange.receive()
                assert not exchange.reused
            await anyio.sleep(0.02)
            assert accepted == peer.accepted


# -- within TLS -------------------------------------------------------------------------------------


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def contexts(
    request: pytest.FixtureRequest, tls_contexts: Sequence[ssl.SSLContext]
) -> Sequence[ssl.SSLContext]:
    server, client = tls_contexts
    server.minimum_version = server.maximum_version = request.param
    return server, client


WITHIN_TLS = [
    (moment, behind)
    for moment in ("in the same record", "in the same packet", "while idle")
    for behind in BEHIND
]


@pytest.mark.parametrize(
    ("moment", "behind"), sampled(WITHIN_TLS, 0.4, "bytes behind an answer within TLS", lambda pair: pair[0])
)
async def test_within_tls_the_same(contexts: Sequence[ssl.SSLContext], behind: str, moment: str) -> None:
    server, client = contexts
    said = anyio.Event()

    async def handler(talk: Talk) -> None:
        await talk.request()
        if talk.number > 1:
            await talk.send(OK)
        elif moment == "in the same record":
            await talk.send(OK + BEHIND[behind])
        elif moment == "in the same packet":
            talk.cork(True)
            await talk.send(OK, BEHIND[behind])
            talk.cork(False)
        else:
            await talk.send(OK)
            await anyio.sleep(0.01)
            await talk.send(BEHIND[behind])
        said.set()
        await talk.gone()

    async with Peer(handler, tls=server) as peer, StreamTransport(verify=client) as transport:
        for _ in range(2):
            async with transport.exchange(peer.head()) as exchange:
                assert b"ok" == await exchange.receive()
            await said.wait()
            await anyio.sleep(0.02)
            assert not exchange.reused
        assert 2 == peer.accepted


@pytest.mark.parametrize("end", ["close_notify", "FIN", "reset"])
async def test_an_end_of_tls_while_idle_is_seen(contexts: Sequence[ssl.SSLContext], end: str) -> None:
    server, client = contexts
    ended = anyio.Event()

    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(OK)
        await anyio.sleep(0.005)
        if end == "close_notify":
            talk.close_notify()
            ended.set()
            await talk.gone()
        elif end == "reset":
            talk.reset()
        ended.set()

    async with Peer(handler, tls=server) as peer, StreamTransport(verify=client) as transport:
        for accepted in (1, 2):
            ended = anyio.Event()
            async with transport.exchange(peer.head()) as exchange:
                assert b"ok" == await exchange.receive()
                assert not exchange.reused
            await ended.wait()
            await anyio.sleep(0.02)
            assert accepted == peer.accepted


async def test_the_tickets_of_a_session_are_no_bytes_behind(contexts: Sequence[ssl.SSLContext]) -> None:
    server, client = contexts
    if server.maximum_version is ssl.TLSVersion.TLSv1_3:
        server.num_tickets = 4

    async def handler(talk: Talk) -> None:
        while True:
            await talk.request()
            await talk.send(OK)

    async with Peer(handler, tls=server) as peer, StreamTransport(verify=client) as transport:
        for reused in (False, True, True):
            async with transport.exchange(peer.head()) as exchange:
                assert (b"ok", reused) == (await exchange.receive(), exchange.reused)
        assert 1 == peer.accepted
