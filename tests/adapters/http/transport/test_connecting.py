"""Connecting: the fastest address of a host, one limit for all of it, and nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from adapters.http.transport import Origin, StreamTransport, request_head
from adapters.http.transport.connecting import Race, connect, in_turn
from tests.adapters.http.transport.peer import HOST, OK, Peer, Talk, saying
from tests.promptly import promptly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.http.transport.names import Address

pytestmark = pytest.mark.anyio


@pytest.fixture
def refusing() -> Address:
    with socket.create_server((HOST, 0)) as listener:
        return socket.AF_INET, listener.getsockname()


@pytest.fixture
def silent() -> Iterator[Address]:
    """Returns an address that answers no connect: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield socket.AF_INET, address


@pytest.fixture
def good() -> Iterator[Address]:
    with socket.create_server((HOST, 0)) as listener:
        yield socket.AF_INET, listener.getsockname()


async def test_one_address_that_answers(good: Address) -> None:
    sock = await connect([good])
    with sock:
        assert good[1] == sock.getpeername()
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_server_of_this_machine_is_not_waited_for(
    good: Address, silent: Address, refusing: Address
) -> None:
    sock = Race([refusing, good]).at_once()
    assert sock is not None
    with sock:
        assert good[1] == sock.getpeername()
    race = Race([silent, good])
    assert race.at_once() is None
    race.close()
    with pytest.raises(ConnectionRefusedError):
        Race([refusing]).at_once()
    with pytest.raises(OSError, match="no address"):
        Race([]).at_once()


async def test_the_next_address_is_tried_at_once_where_one_refuses(good: Address, refusing: Address) -> None:
    with promptly(0.2), await connect([refusing, refusing, good]) as sock:
        assert good[1] == sock.getpeername()


async def test_the_next_address_is_tried_beside_one_that_is_silent(
    good: Address, silent: Address, refusing: Address
) -> None:
    for addresses in ([silent, good], [silent, refusing, good], [silent, silent, good]):
        with promptly(2), anyio.fail_after(30):
            sock = await connect(addresses)
        with sock:
            assert good[1] == sock.getpeername()


async def test_an_address_that_is_slow_wins_over_one_that_is_silent(silent: Address) -> None:
    """There is no room for its connect at first; the kernel tries once more after a second."""
    with socket.create_server((HOST, 0), backlog=0) as slow, contextlib.ExitStack() as stack:
        slow.setblocking(False)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(slow.getsockname())

        async def make_room() -> None:
            await anyio.sleep(0.4)
            while True:
                await anyio.wait_readable(slow)
                slow.accept()[0].close()

        async with anyio.create_task_group() as group:
            group.start_soon(make_room)
            with anyio.fail_after(30):
                sock = await connect([(socket.AF_INET, slow.getsockname()), silent])
            with sock:
                assert slow.getsockname() == sock.getpeername()
            group.cancel_scope.cancel()


async def test_an_address_that_fails_without_a_wait_is_passed_over(good: Address) -> None:
    nowhere: Address = (socket.AF_INET, ("255.255.255.255", 80))
    with await connect([nowhere, good]) as sock:
        assert good[1] == sock.getpeername()
    with pytest.raises(OSError, match="none of 2") as caught:
        await connect([nowhere, nowhere])
    assert isinstance(caught.value.__cause__, ExceptionGroup)


async def test_no_address_at_all_is_a_failure() -> None:
    with pytest.raises(OSError, match="no address"):
        await connect([])


async def test_where_all_fail_each_says_why(refusing: Address) -> None:
    with pytest.raises(ConnectionRefusedError):
        await connect([refusing])
    with pytest.raises(OSError, match="none of 2 addresses") as caught:
        await connect([refusing, (socket.AF_INET6, ("::1", refusing[1][1], 0, 0))])
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert all(isinstance(each, OSError) for each in caught.value.__cause__.exceptions)


async def test_a_failure_of_all_that_were_silent_first(silent: Address, refusing: Address) -> None:
    """The silent one is waited for after the others have failed."""
    with anyio.move_on_after(0.6) as scope:
        await connect([silent, refusing, refusing])
    assert scope.cancelled_caught


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.3])
async def test_a_cancelled_connect_leaves_no_socket(silent: Address, seconds: float) -> None:
    """An open one is a ResourceWarning, which fails the test."""
    with anyio.move_on_after(seconds) as scope:
        await connect([silent, silent])
    assert scope.cancelled_caught


def test_families_take_turns_the_newer_first() -> None:
    a, b, c = ((socket.AF_INET, (each, 1)) for each in "abc")
    x, y = ((socket.AF_INET6, (each, 1, 0, 0)) for each in "xy")

    assert [x, a, y, b, c] == in_turn([a, b, x, c, y])
    assert [x, y] == in_turn([x, y])
    assert [] == in_turn([])


# -- through the transport --------------------------------------------------------------------------


def _head(host: str, port: int, *, tls: bool = False):
    return request_head(Origin(tls, host, port), b"GET", b"/", [(b"Host", b"x")])


async def test_a_name_is_looked_up_once_for_many_connections() -> None:
    asked = []

    def lookup(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [(socket.AF_INET, (HOST, port))]

    async with Peer(saying(OK)) as peer, StreamTransport(lookup=lookup) as transport:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(transport.exchange(_head("a.example", peer.port)).send)
        assert 20 == peer.accepted
    assert ["a.example"] == asked


async def test_one_limit_counts_for_names_tcp_and_tls(silent: Address) -> None:
    async def handler(talk: Talk) -> None:
        await talk.gone()

    go = threading.Event()

    def lookup(host: str, port: int) -> Sequence[Address]:
        if host == "slow.example":
            go.wait(10)
        return [(socket.AF_INET, (HOST, port))]

    async with Peer(handler) as peer, StreamTransport(lookup=lookup, connect_timeout=0.05) as transport:
        for head in (
            _head("slow.example", peer.port),
            _head(HOST, silent[1][1]),
            _head("a.example", peer.port, tls=True),
        ):
            with promptly(1), pytest.raises(httpx.ConnectTimeout, match=r"0\.05 s"):
                await transport.exchange(head).send()
            with pytest.raises(httpx.ReadTimeout):  # the caller's own limit came first
                await transport.exchange(head, connect_timeout=5).send(anyio.current_time() + 0.02)
    go.set()


async def test_what_failed_is_the_cause(refusing: Address) -> None:
    def lookup(host: str, port: int) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_AGAIN, "not now")

    async with StreamTransport(lookup=lookup) as transport:
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.exchange(_head("a.example", 80)).send()
        assert socket.EAI_AGAIN == getattr(caught.value.__cause__, "errno", None)
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.exchange(_head(HOST, refusing[1][1])).send()
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.exchange(_head("a" * 70 + ".example", 80)).send()
    with pytest.raises(httpx.ConnectError):
        async with StreamTransport() as transport:
            await transport.exchange(_head("a" * 70 + ".example", 80)).send()


async def test_a_port_or_a_name_that_cannot_be_one_is_a_connect_error(transport: StreamTransport) -> None:
    for head in (_head(HOST, 70_000), _head("localhost", 70_000), _head(".", 80, tls=True), _head("a\0", 80)):
        with pytest.raises(httpx.ConnectError):
            await transport.exchange(head).send()


async def test_no_descriptors_left_is_told_as_that() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_server((HOST, 0)) as listener:
        transport = StreamTransport()
        await anyio.lowlevel.checkpoint()
        with socket.socket() as lowest:
            limit = lowest.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            with pytest.raises(httpx.ConnectError) as caught:
                await transport.exchange(_head(HOST, listener.getsockname()[1])).send()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert errno.EMFILE == getattr(caught.value.__cause__, "errno", None)


# -- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_the_name_and_the_protocol_are_told_to_the_server(
    version: ssl.TLSVersion, tls_contexts
) -> None:
    server, client = tls_contexts
    server.minimum_version = server.maximum_version = version
    server.set_alpn_protocols(["h2", "http/1.1"])
    names, protocols = [], []
    server.sni_callback = lambda sock, name, context: names.append(name)

    async def handler(talk: Talk) -> None:
        protocols.append(talk.sock.selected_alpn_protocol())  # type: ignore[attr-defined]  # within TLS
        await talk.request()
        await talk.send(OK)

    async with (
        Peer(handler, tls=server) as peer,
        StreamTransport(verify=client) as transport,
        transport.exchange(peer.head()) as exchange,
    ):
        assert b"ok" == await exchange.receive()
    assert (["localhost"], ["http/1.1"]) == (names, protocols)


async def test_a_certificate_that_is_not_good_is_refused(tls_contexts, transport: StreamTransport) -> None:
    server, client = tls_contexts
    async with Peer(saying(OK), tls=server) as peer:
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.exchange(peer.head()).send()
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        async with StreamTransport(verify=client) as trusting:
            with pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.1"):
                await trusting.exchange(_head(HOST, peer.port, tls=True)).send()
        async with StreamTransport(verify=False) as careless:
            for head in (peer.head(), _head(HOST, peer.port, tls=True)):
                async with careless.exchange(head) as exchange:
                    assert b"ok" == await exchange.receive()


@pytest.mark.parametrize("said", [OK, b"", b"\x16\x03\x01\x00\x05hello"])
async def test_what_speaks_no_tls_is_a_connect_error(said: bytes, transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await talk.receive()
        await talk.send(said)

    async with Peer(handler) as peer:
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.exchange(_head("localhost", peer.port, tls=True)).send()
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("verify", [None, "no.pem", 1])
def test_verify_must_be_something_that_can_be_used(verify: object) -> None:
    with pytest.raises(TypeError, match="SSLContext"):
        StreamTransport(verify=verify)  # type: ignore[arg-type]  # the mistake that is tested
