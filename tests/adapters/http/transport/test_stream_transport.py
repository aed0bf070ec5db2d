"""The transport inside an ordinary `httpx.AsyncClient`, and its own face."""

from __future__ import annotations

import math
import socket
import ssl
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from adapters.http.transport import Origin, StreamTransport, request_head
from adapters.http.transport.tls import unverified_context, usual_context
from tests.adapters.http.transport.peer import CHUNKED, HOST, OK, Peer, Talk, eventually, saying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = pytest.mark.anyio


class Echo:
    """Answers with the request itself."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def __call__(self, talk: Talk) -> None:
        while True:
            request = await talk.request()
            self.heard.append(request)
            await talk.send(
                b"HTTP/1.1 200 Fine\r\nContent-Length: %d\r\nA: b\r\n\r\n" % len(request), request
            )


async def test_a_client_of_httpx_gets_its_answers() -> None:
    echo = Echo()
    async with Peer(echo) as peer, httpx.AsyncClient(transport=StreamTransport()) as client:
        first = await client.post(f"{peer.url}/a?b=%20c", content=b"hello", headers={"X-Key": "k"})
        second = await client.get(peer.url)

        assert (200, "Fine", "HTTP/1.1", "b") == (
            first.status_code,
            first.reason_phrase,
            first.http_version,
            first.headers["a"],
        )
        assert first.content.startswith(b"POST /a?b=%20c HTTP/1.1\r\nHost: ")
        assert b"x-key: k\r\n" in first.content.lower()
        assert first.content.endswith(b"\r\n\r\nhello")
        assert (1, False, True) == (
            peer.accepted,
            first.extensions["reused"],
            second.extensions["reused"],
        )


async def test_the_body_of_a_request_may_be_a_stream_a_form_or_files() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"hel"
        yield b"lo"

    echo = Echo()
    async with Peer(echo) as peer, httpx.AsyncClient(transport=StreamTransport()) as client:
        await client.post(peer.url, content=stream())
        await client.post(peer.url, data={"a": "b"})
        await client.post(peer.url, files={"a": b"content"})
        await client.post(peer.url, content=stream(), headers={"Content-Length": "5"})

    assert all(b"Content-Length: " in each for each in echo.heard)
    assert not any(b"transfer-encoding" in each.lower() for each in echo.heard)
    assert [True, True, True] == [
        echo.heard[0].endswith(b"\r\n\r\nhello"),
        echo.heard[1].endswith(b"\r\n\r\na=b"),
        b"\r\n\r\ncontent\r\n" in echo.heard[2],
    ]


async def test_a_body_is_streamed_and_leaving_early_closes_its_socket() -> None:
    async with (
        Peer(saying(CHUNKED + b"2\r\nab\r\n", then="wait")) as peer,
        httpx.AsyncClient(transport=StreamTransport()) as client,
    ):
        async with client.stream("GET", peer.url) as response:
            raw = response.aiter_raw()
            assert b"ab" == await anext(raw)
            await response.aclose()
            with pytest.raises(httpx.ReadError):  # which ends httpx's own generators
                await anext(raw)
        await eventually(lambda: peer.open == 0)


@pytest.mark.parametrize(
    ("said", "then", "expected"),
    [
        (b"", "close", httpx.RemoteProtocolError),
        (b"", "reset", httpx.ReadError),
        (b"SSH-2.0\r\n", "close", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "close", httpx.RemoteProtocolError),
        (CHUNKED + b"x", "close", httpx.RemoteProtocolError),
        (CHUNKED + b"2\r\nokxx", "close", httpx.RemoteProtocolError),
        (b"", "wait", httpx.ReadTimeout),
        (CHUNKED, "wait", httpx.ReadTimeout),
    ],
)
async def test_failures_are_httpx_s(said: bytes, then: str, expected: type[httpx.TransportError]) -> None:
    timeout = httpx.Timeout(5, read=0.1)
    async with (
        Peer(saying(said, then=then)) as peer,
        httpx.AsyncClient(transport=StreamTransport(), timeout=timeout) as client,
    ):
        with pytest.raises(expected) as caught:
            await client.get(peer.url)
        assert peer.url == str(caught.value.request.url).rstrip("/")


async def test_a_refused_connection_and_the_connect_timeout(tls_contexts: Sequence[ssl.SSLContext]) -> None:
    async def silence(talk: Talk) -> None:
        await anyio.sleep(math.inf)

    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    timeout = httpx.Timeout(5, connect=0.05)
    async with (
        Peer(silence) as peer,
        httpx.AsyncClient(transport=StreamTransport(verify=tls_contexts[1]), timeout=timeout) as client,
    ):
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://{HOST}:{port}")
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(f"https://localhost:{peer.port}")
        with anyio.move_on_after(0.1) as scope:  # httpx's None is no limit at all
            await client.get(f"https://localhost:{peer.port}", timeout=None)
        assert scope.cancelled_caught


async def test_what_cannot_be_sent_is_a_local_error() -> None:
    async with Peer(saying(OK)) as peer, httpx.AsyncClient(transport=StreamTransport()) as client:
        with pytest.raises(httpx.LocalProtocolError, match="HTTP does not carry"):
            await client.get(peer.url, headers={"A": "b\r\nC: d"})
        with pytest.raises(httpx.LocalProtocolError, match="Content-Length"):
            await client.post(peer.url, content=b"hello", headers={"Content-Length": "4"})
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://localhost/")
        assert 0 == peer.accepted


async def test_within_tls(tls_contexts: Sequence[ssl.SSLContext]) -> None:
    server, trusting = tls_contexts
    echo = Echo()
    async with (
        Peer(echo, tls=server) as peer,
        httpx.AsyncClient(transport=StreamTransport(verify=trusting)) as client,
    ):
        for _ in range(3):
            response = await client.post(peer.url, content=b"x" * 1_000_000)
            assert response.content.endswith(b"x" * 1_000_000)
        assert 1 == peer.accepted


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n"])
@pytest.mark.parametrize("polite", [False, True])
async def test_a_body_that_is_cut_within_tls_never_looks_whole(
    version: ssl.TLSVersion, said: bytes, polite: bool, tls_contexts: Sequence[ssl.SSLContext]
) -> None:
    """Only close_notify ends a body without framing: an end of TCP can be anybody's."""
    server, trusting = tls_contexts
    server.minimum_version = server.maximum_version = version

    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(said)
        if polite:
            talk.close_notify()

    async with Peer(handler, tls=server) as peer, StreamTransport(verify=trusting) as transport:
        exchange = transport.exchange(peer.head())
        await exchange.send()
        assert b"hello" == await exchange.receive()
        if polite and not exchange.framed:
            assert b"" == await exchange.receive()
        else:
            with pytest.raises(httpx.RemoteProtocolError if polite else httpx.ReadError):
                await exchange.receive()


async def test_a_long_body_within_tls_comes_in_whole_reads(tls_contexts: Sequence[ssl.SSLContext]) -> None:
    server, trusting = tls_contexts
    body = bytes(range(256)) * 20_000
    async with (
        Peer(saying(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body), tls=server) as peer,
        StreamTransport(verify=trusting) as transport,
        transport.exchange(peer.head()) as exchange,
    ):
        parts = []
        while data := await exchange.receive():
            parts.append(data)
    assert body == b"".join(parts)
    assert len(parts) < len(body) / 16384  # several records a read


async def test_closing_it_closes_all_and_a_later_request_opens_a_new_one() -> None:
    async with Peer(saying(CHUNKED + b"2\r\nab\r\n", then="wait")) as peer, StreamTransport() as transport:
        exchange = transport.exchange(peer.head())
        await exchange.send()
        assert "<StreamTransport HTTP/1.1 open=1 idle=0>" == repr(transport)
        await transport.aclose()
        await transport.aclose()
        await eventually(lambda: peer.open == 0)
        assert "<StreamTransport HTTP/1.1 open=0 idle=0>" == repr(transport)
        again = transport.exchange(peer.head())
        await again.send()
        assert 200 == again.status


def test_one_transport_serves_two_event_loops_one_after_the_other() -> None:
    transport = StreamTransport()

    async def use() -> None:
        async with Peer(saying(OK, then="go on")) as peer:
            for _ in range(2):
                async with transport.exchange(peer.head()) as exchange:
                    assert b"ok" == await exchange.receive()
            assert 1 == peer.accepted

    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(use, backend=backend)
    anyio.run(transport.aclose)


def test_a_kept_connection_may_be_used_in_another_event_loop() -> None:
    """It is a socket, and belongs to no loop while nobody waits for it."""
    with socket.create_server((HOST, 0)) as listener:
        transport = StreamTransport()
        head = request_head(Origin(False, HOST, listener.getsockname()[1]), b"GET", b"/", [(b"Host", b"x")])
        reused = []
        peer: socket.socket | None = None

        async def use() -> None:
            nonlocal peer
            exchange = transport.exchange(head)
            await exchange.send_request()
            if peer is None:
                peer, _ = listener.accept()
            peer.recv(1000)
            peer.sendall(OK)
            await exchange.receive_head()
            assert b"ok" == await exchange.receive()
            reused.append(exchange.reused)

        for backend in ("asyncio", "trio", "asyncio"):
            anyio.run(use, backend=backend)
        anyio.run(transport.aclose)
        assert peer is not None
        peer.close()
    assert [False, True, True] == reused


def test_the_usual_context_trusts_somebody_and_is_made_once() -> None:
    context = usual_context()
    assert context is usual_context()
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert ssl.CERT_NONE == unverified_context().verify_mode


def test_certifi_stands_in_where_the_system_has_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = ssl.get_default_verify_paths()._replace(cafile="", capath="")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: empty)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda self, purpose=None: None)
    usual_context.cache_clear()
    try:
        assert usual_context().cert_store_stats()["x509_ca"] > 50
    finally:
        usual_context.cache_clear()
