"""The wait of an exchange: its limit, its end, and what it leaves in the event loop."""

from __future__ import annotations

import gc
import math
import socket
import threading
import warnings
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from adapters.http.transport import watch
from adapters.http.transport.channel import PlainChannel
from adapters.http.transport.connection import Connection
from adapters.http.transport.request import Origin
from adapters.http.transport.trio_watch import TrioWatch
from adapters.http.transport.watch import SocketWatch, watch_for
from tests.adapters.http.transport.peer import CHUNKED, OK, Peer, Talk, eventually
from tests.adapters.http.transport.test_cancellation import sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.http.transport import StreamTransport

pytestmark = pytest.mark.anyio

_LIMIT = 0.25


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection over a pair of sockets, and the other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    connection = Connection(PlainChannel(ours), Origin(False, "localhost", 80))
    yield connection, theirs
    connection.close()
    theirs.close()


async def readable(connection: Connection, limit: float) -> None:
    """Wait as an exchange does."""
    connection.judge(await connection.readable(limit))


async def heard(connection: Connection, limit: float = math.inf) -> bytes:
    while (data := connection.read_now()) is None:
        await readable(connection, limit)
    return data


async def test_each_wait_has_its_own_limit_though_the_timer_is_one(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = pair

    async def talk(after: float) -> None:
        await anyio.sleep(after)
        theirs.send(b"x")

    for _ in range(2):
        theirs.send(b"x")
        await readable(connection, anyio.current_time() + _LIMIT)  # it is here already
        assert await heard(connection) == b"x"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk, 1.5 * _LIMIT)  # when the limit of the wait before has passed
            assert await heard(connection, anyio.current_time() + 60) == b"x"
    began = anyio.current_time()
    with pytest.raises(httpx.ReadTimeout):
        await heard(connection, began + _LIMIT)
    assert anyio.current_time() >= began + _LIMIT


async def test_a_limit_that_is_earlier_than_the_one_before_holds(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = pair
    theirs.send(b"x")
    await readable(connection, anyio.current_time() + 1000)
    assert await heard(connection) == b"x"
    with anyio.fail_after(5), pytest.raises(httpx.ReadTimeout):
        await readable(connection, anyio.current_time() + 0.01)


async def test_a_wait_without_a_limit_outlives_the_timer_of_the_one_before(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = pair
    theirs.send(b"x")
    await readable(connection, anyio.current_time() + 0.02)
    assert await heard(connection) == b"x"
    with anyio.move_on_after(0.1) as scope:
        await readable(connection, math.inf)
    assert scope.cancelled_caught


async def test_the_first_read_of_a_channel_that_grows_is_left_to_who_waits(
    pair: tuple[Connection, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, theirs = pair
    monkeypatch.setattr(PlainChannel, "grows", True)
    for text in (b"x", b"y"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(readable, connection, anyio.current_time() + 60)
            await anyio.wait_all_tasks_blocked()
            theirs.send(text)
        kept = connection._watch
        if isinstance(kept, SocketWatch):
            assert (kept._read, kept._watching) == ((None, False) if text == b"x" else (b"y", True))
        assert await heard(connection) == text


@pytest.mark.parametrize("limit", [math.inf, 1000.0])
async def test_closing_wakes_who_waits(limit: float, pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    async with anyio.create_task_group() as tasks:

        async def reader() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await readable(connection, anyio.current_time() + limit)

        tasks.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        connection.close()


async def test_what_comes_while_nobody_waits_is_not_told_again_and_again(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = pair
    theirs.send(b"x")
    await readable(connection, math.inf)
    assert await heard(connection) == b"x"
    theirs.send(b"y")
    await anyio.wait_all_tasks_blocked()
    await anyio.sleep(0.02)
    kept = connection._watch
    assert not isinstance(kept, SocketWatch) or not kept._watching  # the loop sleeps
    assert await heard(connection) == b"y"
    theirs.send(b"z")
    await readable(connection, math.inf)
    assert await heard(connection) == b"z"


async def test_an_end_and_a_reset_are_read_by_who_waited(pair: tuple[Connection, socket.socket]) -> None:
    connection, theirs = pair
    async with anyio.create_task_group() as tasks:

        async def reader() -> None:
            assert await heard(connection) == b""

        tasks.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        theirs.close()


async def test_whatever_reading_raises_comes_to_who_waits(
    pair: tuple[Connection, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, theirs = pair

    def read(_: object) -> bytes:
        raise ValueError("of the channel")

    async with anyio.create_task_group() as tasks:

        async def reader() -> None:
            await readable(connection, math.inf)
            with pytest.raises(ValueError, match="of the channel"):
                connection.read_now()

        tasks.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        monkeypatch.setattr(PlainChannel, "read", read)
        theirs.send(b"x")


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("natively", [False, True])
async def test_cancelled_around_the_moment_in_which_something_comes(
    turns: int, natively: bool, transport: StreamTransport, anyio_backend_name: str
) -> None:
    go = anyio.Event()

    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(CHUNKED)
        await go.wait()
        await talk.send(b"2\r\nok\r\n")
        await talk.gone()

    async with Peer(handler) as peer:
        before = sockets()

        async def read() -> None:
            async with transport.exchange(peer.head(), b"{}") as exchange:
                while True:
                    await exchange.receive()

        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:

                async def stop() -> None:
                    await anyio.wait_all_tasks_blocked()
                    go.set()
                    for _ in range(turns):
                        await anyio.lowlevel.checkpoint()
                    task.cancel() if natively else scope.cancel()

                task: Any = scope
                if natively and anyio_backend_name == "asyncio":
                    loop: Any = anyio.lowlevel.current_token().native_token
                    task = loop.create_task(read())
                tasks.start_soon(stop)
                if task is scope:
                    await read()
                else:
                    with pytest.raises(BaseException):  # noqa: B017 - its own class is asyncio's
                        await task
        await eventually(lambda: sockets() == before)
        assert "open=0 idle=0" in repr(transport)


async def test_an_exchange_that_is_dropped_leaves_no_socket(transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(CHUNKED, b"2\r\nok\r\n")
        await talk.gone()

    async with Peer(handler) as peer:
        before = sockets()
        exchange = transport.exchange(peer.head(), b"{}")
        await exchange.send()
        assert await exchange.receive() == b"ok"
        with anyio.move_on_after(0.01):
            await readable(exchange._connection, math.inf)  # type: ignore[arg-type]  # it is open
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            from_another_thread = threading.Thread(target=gc.collect)
            del exchange
            from_another_thread.start()
            await anyio.to_thread.run_sync(from_another_thread.join)
            await eventually(lambda: sockets() == before)


def _is_at_rest(connection: Connection) -> bool:
    kept = connection._watch
    return not isinstance(kept, SocketWatch) or not kept._watching


async def test_a_kept_connection_is_watched_no_more_once_its_peer_ends(transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        await talk.request()
        await anyio.sleep(0.01)  # so that it is waited for
        await talk.send(OK)

    async with Peer(handler) as peer:
        for _ in range(2):
            async with transport.exchange(peer.head(), b"{}") as exchange:
                assert await exchange.receive() == b"ok"
            [[(_, kept)]] = transport._idle._of.values()
            await eventually(partial(_is_at_rest, kept))
            assert not exchange.reused


async def test_a_long_request_over_a_connection_that_was_waited_for(transport: StreamTransport) -> None:
    async def handler(talk: Talk) -> None:
        while True:
            await talk.request()
            await anyio.sleep(0.01)
            await talk.send(OK)

    async with Peer(handler) as peer:
        for size in (2, 3_000_000, 2):
            async with transport.exchange(peer.head(), b"x" * size) as exchange:
                with anyio.fail_after(10):
                    assert await exchange.receive() == b"ok"
                assert await exchange.receive() == b""


async def test_closed_in_another_thread_it_is_closed_in_the_loop_of_its_own(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = pair
    theirs.send(b"x")
    await readable(connection, math.inf)
    assert await heard(connection) == b"x"
    await anyio.to_thread.run_sync(connection.close)
    assert connection.closed
    await eventually(lambda: connection.channel.sock.fileno() == -1)


async def test_the_next_exchange_may_be_in_another_loop(
    pair: tuple[Connection, socket.socket], anyio_backend_name: str, anyio_backend_options: dict[str, Any]
) -> None:
    connection, theirs = pair

    async def exchange() -> None:
        connection.enter(None)
        theirs.send(b"x")
        await readable(connection, anyio.current_time() + 1000)
        assert await heard(connection) == b"x"

    def elsewhere() -> None:
        anyio.run(exchange, backend=anyio_backend_name, backend_options=anyio_backend_options)

    await exchange()
    for _ in range(2):
        await anyio.to_thread.run_sync(elsewhere)
        await exchange()


async def test_where_the_loop_watches_no_sockets_anyio_waits(
    transport: StreamTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(_: object, __: float) -> None:
        raise NotImplementedError

    monkeypatch.setattr(SocketWatch, "wait", cannot)
    monkeypatch.setattr(TrioWatch, "wait", cannot)

    async def handler(talk: Talk) -> None:
        await talk.request()
        await anyio.sleep(0.01)
        await talk.send(OK)

    async with Peer(handler) as peer, transport.exchange(peer.head(), b"{}") as exchange:
        assert await exchange.receive() == b"ok"


async def test_each_kind_of_event_loop_has_its_own(
    pair: tuple[Connection, socket.socket], anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = watch_for(pair[0].channel)
    assert type(found) is (SocketWatch if anyio_backend_name == "asyncio" else TrioWatch)
    monkeypatch.setattr(watch, "current_token", lambda: SimpleNamespace(native_token=object()))
    assert watch_for(pair[0].channel, found) is None


async def test_the_watch_of_a_loop_that_is_gone_stops_in_silence(
    pair: tuple[Connection, socket.socket], anyio_backend_name: str, anyio_backend_options: dict[str, Any]
) -> None:
    connection, theirs = pair

    async def wait() -> None:
        theirs.send(b"x")
        await readable(connection, anyio.current_time() + 1000)

    def elsewhere() -> None:
        anyio.run(wait, backend=anyio_backend_name, backend_options=anyio_backend_options)

    await anyio.to_thread.run_sync(elsewhere)
    connection.close()
    assert connection.closed
