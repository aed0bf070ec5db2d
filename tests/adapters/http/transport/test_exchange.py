"""One exchange over raw sockets: what is delivered, how it fails, and what becomes of its connection."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from adapters.contract.errors import BadReply, ReplyTooLarge
from adapters.http.transport import Exchange, Origin, ParserLimits, StreamTransport, request_head
from tests.adapters.http.transport.peer import CHUNKED, HOST, OK, Peer, Talk, eventually, saying

if TYPE_CHECKING:
    import ssl

    from adapters.http.transport.names import Address

pytestmark = pytest.mark.anyio


async def read(exchange: Exchange, limit: float = math.inf) -> bytes:
    body = b""
    while data := await exchange.receive(limit):
        body += data
    return body


async def test_an_answer_is_delivered_as_it_was_sent(transport: StreamTransport) -> None:
    fields = b"Set-Cookie: a=1\r\nset-cookie: b=2\r\nX: \xff\r\nContent-Length: 5\r\n\r\n"
    said = b"HTTP/1.1 201 Made\r\n" + fields + b"hello"
    async with Peer(saying(said)) as peer, transport.exchange(peer.head(), b"hi") as exchange:
        assert (201, b"Made", "1.1") == (exchange.status, exchange.reason, exchange.version)
        assert [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x", b"\xff")] == exchange.headers[:3]
        assert (b"\xff", None) == (exchange.header(b"x"), exchange.header(b"y"))
        assert b"hello" == await read(exchange)
        assert b"" == await exchange.receive()
        assert (True, True, False) == (exchange.complete, exchange.framed, exchange.reused)


async def test_head_and_body_of_the_request_go_out_in_one_send(transport: StreamTransport) -> None:
    heard = []

    async def handler(talk: Talk) -> None:
        heard.append(await talk.receive())
        await talk.send(OK)

    async with Peer(handler) as peer:
        head = peer.head(b"POST", b"/chat?a=b", [(b"X-Key", b"k"), (b"Content-Length", b"99")])
        async with transport.exchange(head, b"{}") as exchange:
            await read(exchange)

    assert [b"POST /chat?a=b HTTP/1.1\r\nHost: localhost\r\nX-Key: k\r\nContent-Length: 2\r\n\r\n{}"] == heard


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 65_537, 5_000_000])
async def test_a_body_of_any_size_arrives_whole(size: int, transport: StreamTransport) -> None:
    sizes = []

    async def handler(talk: Talk) -> None:
        sizes.append(len((await talk.request()).partition(b"\r\n\r\n")[2]))
        await talk.send(OK)

    async with Peer(handler) as peer, transport.exchange(peer.head(), b"x" * size) as exchange:
        assert b"ok" == await read(exchange)
    assert [size] == sizes


async def test_a_connection_carries_one_exchange_after_the_other(transport: StreamTransport) -> None:
    async with Peer(saying(CHUNKED + b"2\r\nok\r\n0\r\n\r\n", then="go on")) as peer:
        reused = []
        for _ in range(3):
            async with transport.exchange(peer.head()) as exchange:
                assert b"ok" == await read(exchange)
                reused.append(exchange.reused)
        async with transport.exchange(peer.head(), fresh=True) as exchange:
            reused.append(exchange.reused)

        assert ([False, True, True, False], 2) == (reused, peer.accepted)


async def test_a_connection_is_free_at_the_last_byte_not_when_the_reader_gets_to_it(
    transport: StreamTransport,
) -> None:
    async with Peer(saying(OK, then="go on")) as peer:
        first, second = transport.exchange(peer.head()), transport.exchange(peer.head())
        await first.send()
        await second.send()

        assert (True, 1) == (second.reused, peer.accepted)
        assert (b"ok", b"ok") == (await read(first), await read(second))


async def test_one_read_of_the_socket_is_handed_on_whole(transport: StreamTransport) -> None:
    said = CHUNKED + b"2\r\nab\r\n" * 50 + b"0\r\n\r\n"
    async with Peer(saying(said)) as peer, transport.exchange(peer.head()) as exchange:
        assert b"ab" * 50 == await exchange.receive()


async def test_an_answer_in_single_bytes_is_the_same(transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        for byte in b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n":
            await talk.send(bytes([byte]))
            await anyio.lowlevel.checkpoint()
        await talk.gone()

    async with Peer(handler) as peer, transport.exchange(peer.head()) as exchange:
        assert b"hello" == await read(exchange)
        assert "idle=1" in repr(transport)


async def test_head_has_no_body(transport: StreamTransport) -> None:
    async with Peer(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", then="go on")) as peer:
        for reused in (False, True):
            async with transport.exchange(peer.head(b"HEAD")) as exchange:
                assert (b"", reused) == (await read(exchange), exchange.reused)


async def test_a_body_without_framing_is_whole_where_the_peer_closes(transport: StreamTransport) -> None:
    said = b"HTTP/1.1 200 OK\r\n\r\nhello"
    async with Peer(saying(said)) as peer, transport.exchange(peer.head()) as exchange:
        assert (b"hello", True, False) == (await read(exchange), exchange.complete, exchange.framed)


# -- leaving ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", CHUNKED + b"3\r\nhel\r\n"]
)
async def test_leaving_early_closes_the_socket(body: bytes, transport: StreamTransport) -> None:
    async with Peer(saying(body, then="wait")) as peer:
        async with transport.exchange(peer.head()) as exchange:
            assert b"hel" == await exchange.receive()
            assert "open=1 idle=0" in repr(transport)
        await eventually(lambda: peer.open == 0)

        assert "open=0 idle=0" in repr(transport)
        with pytest.raises(anyio.ClosedResourceError):
            await exchange.receive()


async def test_what_is_closed_never_looks_ended(transport: StreamTransport) -> None:
    async with Peer(saying(OK)) as peer:
        exchange = transport.exchange(peer.head())
        await exchange.send()
        await exchange.aclose()
        await exchange.aclose()

        with pytest.raises(anyio.ClosedResourceError):
            await exchange.receive()


async def test_an_exchange_is_sent_once(transport: StreamTransport) -> None:
    async with Peer(saying(OK)) as peer:
        exchange = transport.exchange(peer.head())
        with pytest.raises(anyio.ClosedResourceError):
            await exchange.receive()
        await exchange.send()
        with pytest.raises(anyio.ClosedResourceError):
            await exchange.send()
        await exchange.aclose()
        unsent = transport.exchange(peer.head())
        await unsent.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await unsent.send()
        assert 1 == peer.accepted


async def test_it_may_be_opened_read_and_closed_in_three_tasks(transport: StreamTransport) -> None:
    async with Peer(saying(CHUNKED + b"3\r\nhel\r\n", then="wait")) as peer:
        exchange = transport.exchange(peer.head())
        for step in (exchange.send, exchange.receive, exchange.aclose):
            async with anyio.create_task_group() as group:
                group.start_soon(step)
        await eventually(lambda: peer.open == 0)


async def test_closing_wakes_who_reads_and_a_second_reader_is_refused(transport: StreamTransport) -> None:
    outcomes: list[type[BaseException]] = []
    async with Peer(saying(CHUNKED + b"3\r\nhel\r\n", then="wait")) as peer:
        exchange = transport.exchange(peer.head())
        await exchange.send()
        await exchange.receive()

        async def reader() -> None:
            try:
                await exchange.receive()
            except anyio.ClosedResourceError as error:
                outcomes.append(type(error))

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(anyio.BusyResourceError):
                await exchange.receive()
            await exchange.aclose()
        await eventually(lambda: peer.open == 0)

    assert [anyio.ClosedResourceError] == outcomes


async def test_closing_wakes_who_still_sends(transport: StreamTransport) -> None:
    outcomes: list[type[BaseException]] = []

    async def handler(talk: Talk) -> None:
        await anyio.sleep(math.inf)

    async with Peer(handler) as peer:
        exchange = transport.exchange(peer.head(), b"x" * 30_000_000)

        async def sender() -> None:
            try:
                await exchange.send()
            except anyio.ClosedResourceError as error:
                outcomes.append(type(error))

        async with anyio.create_task_group() as group:
            group.start_soon(sender)
            while not exchange.has_connection:
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.05)
            await exchange.aclose()

    assert [anyio.ClosedResourceError] == outcomes


async def test_closing_while_it_connects_ends_it_and_keeps_nothing() -> None:
    go = threading.Event()
    outcomes: list[type[BaseException]] = []

    def lookup(host: str, port: int) -> list[Address]:
        go.wait(10)
        return [(socket.AF_INET, (HOST, port))]

    async with Peer(saying(OK, then="wait")) as peer, StreamTransport(lookup=lookup) as transport:
        head = request_head(Origin(False, "a.example", peer.port), b"GET", b"/", [(b"Host", b"x")])
        exchange = transport.exchange(head)

        async def sender() -> None:
            try:
                await exchange.send()
            except anyio.ClosedResourceError as error:
                outcomes.append(type(error))

        async with anyio.create_task_group() as group:
            group.start_soon(sender)
            await anyio.wait_all_tasks_blocked()
            await exchange.aclose()
            go.set()
        await eventually(lambda: peer.open == 0)

    assert [anyio.ClosedResourceError] == outcomes


async def test_its_repr_tells_its_state_and_no_header(transport: StreamTransport) -> None:
    async with Peer(saying(OK)) as peer:
        head = peer.head(b"GET", b"/secret", [(b"Authorization", b"secret")])
        exchange = transport.exchange(head)
        told = [repr(exchange).rpartition(" ")[2]]
        await exchange.send()
        told.append(repr(exchange).rpartition(" ")[2])
        dropped = transport.exchange(head)
        await dropped.aclose()
        told.append(repr(dropped).rpartition(" ")[2])
        assert ["new>", "complete>", "closed>"] == told
        assert "secret" not in repr(exchange)


# -- failing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"9\r\nhello",
    ],
)
async def test_a_cut_body_is_delivered_and_then_fails_each_time(
    said: bytes, transport: StreamTransport
) -> None:
    async with Peer(saying(said)) as peer, transport.exchange(peer.head()) as exchange:
        assert b"hello" == await exchange.receive()
        with pytest.raises(httpx.RemoteProtocolError, match="closed connection"):
            await exchange.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await exchange.receive()


async def test_a_reset_in_the_body_is_a_read_error(transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(CHUNKED + b"5\r\nhello\r\n")
        await anyio.sleep(0.02)
        talk.reset()

    async with Peer(handler) as peer, transport.exchange(peer.head()) as exchange:
        assert b"hello" == await exchange.receive()
        with pytest.raises(httpx.ReadError) as caught:
            await exchange.receive()
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize(
    ("said", "then", "expected"),
    [
        ((), "close", httpx.RemoteProtocolError),
        ((b"HTTP/1.1 200 OK\r\nConte",), "close", httpx.RemoteProtocolError),
        ((), "reset", httpx.ReadError),
        ((b"SSH-2.0\r\n",), "wait", BadReply),
        ((b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000,), "wait", ReplyTooLarge),
    ],
)
async def test_no_answer_fails_and_closes(
    said: tuple[bytes, ...], then: str, expected: type[Exception], transport: StreamTransport
) -> None:
    async with Peer(saying(*said, then=then)) as peer:
        exchange = transport.exchange(peer.head())
        with pytest.raises(expected):
            await exchange.send()
        assert bool(said) is exchange.heard
        await eventually(lambda: peer.open == 0)
        assert "open=0 idle=0" in repr(transport)


async def test_what_came_before_a_broken_byte_is_delivered_and_then_it_fails_each_time(
    transport: StreamTransport,
) -> None:
    said = CHUNKED + b"5\r\nhello\r\n" + b"5\r\nworld" + b"!!"
    async with Peer(saying(said, then="wait")) as peer, transport.exchange(peer.head()) as exchange:
        assert b"helloworld" == await exchange.receive()
        for _ in range(2):
            with pytest.raises(BadReply):
                await exchange.receive()
        await eventually(lambda: peer.open == 0)


async def test_the_limits_of_the_parser_are_the_transport_s() -> None:
    limits = ParserLimits(head_lines=1)
    said = b"HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n"
    async with Peer(saying(said)) as peer, StreamTransport(parser_limits=limits) as transport:
        with pytest.raises(ReplyTooLarge, match="over 1 lines"):
            await transport.exchange(peer.head()).send()


@pytest.mark.parametrize("then", ["reset", "close"])
async def test_a_kept_connection_that_is_lost_before_a_byte_says_so(
    then: str, transport: StreamTransport
) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(OK)
        await talk.request()
        if then == "reset":
            talk.reset()

    async with Peer(handler) as peer:
        async with transport.exchange(peer.head()) as exchange:
            await read(exchange)
        exchange = transport.exchange(peer.head())
        with pytest.raises(httpx.TransportError):
            await exchange.send()
        assert (True, False) == (exchange.reused, exchange.heard)


# -- limits of time ---------------------------------------------------------------------------------


async def test_a_limit_ends_the_wait_and_closes(transport: StreamTransport) -> None:
    async with Peer(saying(CHUNKED + b"5\r\nhello\r\n", then="wait")) as peer:
        exchange = transport.exchange(peer.head())
        await exchange.send(anyio.current_time() + 5)
        assert b"hello" == await exchange.receive(anyio.current_time() - 1)  # it is here already
        with pytest.raises(httpx.ReadTimeout):
            await exchange.receive(anyio.current_time() + 0.02)
        await eventually(lambda: peer.open == 0)


async def test_a_limit_counts_while_waiting_for_the_head_and_while_sending(
    transport: StreamTransport,
) -> None:
    async def handler(talk: Talk) -> None:
        await anyio.sleep(math.inf)

    async with Peer(handler) as peer:
        with pytest.raises(httpx.ReadTimeout):
            await transport.exchange(peer.head()).send(anyio.current_time() + 0.02)
        with pytest.raises(httpx.WriteTimeout):
            await transport.exchange(peer.head(), b"x" * 30_000_000).send(anyio.current_time() + 0.1)


async def test_an_endless_sender_starves_nobody_and_obeys_the_limit(transport: StreamTransport) -> None:
    """It sends from a thread, so that something is there whenever we look."""
    in_a_row = most = 0

    def send(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.recv(1000)
            sock.sendall(CHUNKED)
            while True:
                sock.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 16)

    async def take_turns() -> None:
        nonlocal in_a_row
        while True:
            await anyio.lowlevel.checkpoint()
            in_a_row = 0

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=send, args=(listener,))
        thread.start()
        head = request_head(Origin(False, HOST, listener.getsockname()[1]), b"GET", b"/", [(b"Host", b"x")])
        exchange = transport.exchange(head)
        await exchange.send()
        limit = anyio.current_time() + 0.1
        timeout: httpx.TimeoutException | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(take_turns)
            while timeout is None and most < 100:
                try:
                    await exchange.receive(limit)
                except httpx.ReadTimeout as error:
                    timeout = error
                in_a_row += 1
                most = max(most, in_a_row)
            group.cancel_scope.cancel()
        await exchange.aclose()
        thread.join(5)
    assert timeout is not None
    assert most <= 40  # eight between two turns, and trio shuffles whose turn comes first


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_a_long_request_to_an_eager_server_starves_nobody(
    secure: bool, tls_contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = tls_contexts
    turns = 0

    def receive(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with contextlib.ExitStack() as stack:
            if secure:
                sock = server.wrap_socket(sock, server_side=True)
            stack.enter_context(sock)
            left = 60_000_000
            while left > 0:
                left -= len(sock.recv(1 << 20))
            sock.sendall(OK)

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=receive, args=(listener,))
        thread.start()
        origin = Origin(secure, "localhost", listener.getsockname()[1])
        head = request_head(origin, b"POST", b"/", [(b"Host", b"localhost")])
        async with StreamTransport(verify=client) as transport, anyio.create_task_group() as group:
            exchange = transport.exchange(head, b"x" * 60_000_000)
            group.start_soon(take_turns)
            await exchange.send()
            assert b"ok" == await exchange.receive()
            group.cancel_scope.cancel()
        thread.join(5)
    assert turns > 10
