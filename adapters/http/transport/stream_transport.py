"""The transport for plain and TLS HTTP/1.1: what owns the idle connections, and makes new ones."""

from __future__ import annotations

import math
import time
import weakref
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from adapters.contract.errors import BadReply
from adapters.http.transport.channel import PlainChannel
from adapters.http.transport.connecting import Race, connect, connect_tls
from adapters.http.transport.connection import Connection
from adapters.http.transport.exchange import Exchange
from adapters.http.transport.idle import IdleConnections
from adapters.http.transport.names import Names
from adapters.http.transport.parser import ParserLimits
from adapters.http.transport.request import Origin, RequestHead, request_head
from adapters.http.transport.tls import context_for, prepared

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable

    from adapters.http.transport.names import Lookup

_PORTS: Final = {"http": 80, "https": 443}


class StreamTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over sockets of our own, on asyncio and trio.

    It has no limit on the number of connections: its user counts them. `exchange` is the direct way, which
    costs least; `handle_async_request` serves an `httpx.AsyncClient`.

    Args:
        verify: True checks certificates; False does not; an `ssl.SSLContext` replaces the usual one.
        connect_timeout: Seconds for one connection: name, TCP and TLS together.
        idle_connections: Connections kept for the next exchange at most.
        idle_seconds: How long one is kept.
        parser_limits: See `ParserLimits`.
        lookup: Finds the addresses of a name, blocking, in a thread; by default the event loop does.
        clock: Monotonic seconds, for what is kept.

    Raises:
        TypeError: `verify` is none of these.
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool = True,
        connect_timeout: float = 5.0,
        idle_connections: int = 100,
        idle_seconds: float = 15.0,
        parser_limits: ParserLimits | None = None,
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.loop: object | None = None
        """The event loop that runs here, where its user says so."""
        self._verify = verify
        self._context: ssl.SSLContext | None = None if isinstance(verify, bool) else context_for(verify)
        self._connect_timeout = connect_timeout
        self.parser_limits = parser_limits or ParserLimits()
        self._names = Names(lookup, clock=clock)
        self._idle = IdleConnections(idle_connections, idle_seconds, clock)
        # Under way, by id: a `WeakSet` costs four times as much, since it calls back for each that goes.
        self._exchanges: dict[int, weakref.ref[Exchange]] = {}

    def __repr__(self) -> str:
        idle = len(self._idle)
        return f"<StreamTransport HTTP/1.1 open={self.open_connections - idle} idle={idle}>"

    @property
    def open_connections(self) -> int:
        """How many connections are open, idle ones too."""
        return sum(each.has_connection for each in self._under_way()) + len(self._idle)

    def exchange(
        self,
        head: RequestHead,
        body: bytes = b"",
        *,
        fresh: bool = False,
        connect_timeout: float | None = None,
    ) -> Exchange:
        """Return an exchange that is not sent yet: `await exchange.send()`, or enter it.

        Args:
            head: Of the request, made by `request_head`.
            body: Of the request; it is sent with its length.
            fresh: Whether a new connection is wanted, and no kept one.
            connect_timeout: Seconds for a new connection; None is the transport's own.
        """
        return Exchange(self, head, body, fresh=fresh, connect_timeout=connect_timeout)

    async def aclose(self) -> None:
        """Close all connections, those in use too. Idempotent; a later request opens new ones."""
        for exchange in self._under_way():
            await exchange.aclose()
        self._idle.close()

    def abandon(self) -> None:
        """Close all idle connections, and forget those in use: their event loop is gone. It never waits."""
        self._idle.close()
        self._exchanges = {}

    def _under_way(self) -> list[Exchange]:
        return [each for ref in list(self._exchanges.values()) if (each := ref()) is not None]

    # -- for exchanges --------------------------------------------------------------------------

    def kept(self, origin: Origin) -> Connection | None:
        """Return a connection that carried an exchange before, where there is one."""
        idle = self._idle.take(origin)
        if idle is not None:
            idle.enter(self.loop)
        return idle

    async def made(self, origin: Origin, limit: float, connect_timeout: float | None) -> Connection:
        """Return a new connection.

        Raises:
            httpx.ConnectError: No connection; see `Exchange.send`.
            httpx.ConnectTimeout: Not within the time for connecting.
            httpx.ReadTimeout: Not until `limit`, which came first.
        """
        seconds = self._connect_timeout if connect_timeout is None else connect_timeout
        own = math.inf
        try:
            race = self._race(origin)
            sock = None if race is None else race.at_once()
            if sock is not None and not origin.tls:
                return Connection(PlainChannel(sock), origin)
            own = anyio.current_time() + seconds
            with anyio.CancelScope(deadline=min(own, limit)):
                return await self._connect(origin, race, sock)
        except (OSError, ValueError, OverflowError) as error:  # a name or port that cannot be one, too
            self._names.forget(origin.host, origin.port)
            raise httpx.ConnectError(f"no connection to {origin}: {error}") from error
        if own <= limit:
            raise httpx.ConnectTimeout(f"no connection to {origin} within {seconds:g} s")
        raise httpx.ReadTimeout(f"no connection to {origin} until the limit of time")

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next exchange."""
        self._idle.give(connection)

    def begun(self, exchange: Exchange) -> None:
        """Note an exchange that `aclose` has to close."""
        self._exchanges[id(exchange)] = weakref.ref(exchange)

    def ended(self, exchange: Exchange) -> None:
        """Note that an exchange is over."""
        self._exchanges.pop(id(exchange), None)

    def _race(self, origin: Origin) -> Race | None:
        """Return the race for the addresses of a host, not started; None where they have to be looked up."""
        addresses = self._names.known(origin.host, origin.port)
        return None if addresses is None else Race(addresses)

    async def _connect(self, origin: Origin, race: Race | None, sock: socket.socket | None) -> Connection:
        """Return a connection to a host.

        Args:
            origin: Where to.
            race: For its addresses, where they were known: it has started.
            sock: What it came to, where that was without a wait.
        """
        if sock is None:
            if race is None:
                sock = await connect(await self._names.addresses(origin.host, origin.port))
            else:
                sock = await race.finished()
        if not origin.tls:
            return Connection(PlainChannel(sock), origin)
        try:
            context = self._tls_context()
        except BaseException:
            sock.close()
            raise
        return Connection(await connect_tls(sock, context, origin.host), origin)

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = context_for(self._verify)
        return prepared(self._context)

    # -- for httpx ------------------------------------------------------------------------------

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx, and return the answer, its body unread.

        The whole body of the request is read before it is sent. Of the timeouts, `connect` counts for one
        connection, `write` for the whole request, `read` for the head and for each read of the body.

        Raises:
            httpx.TransportError: As httpx's own transport does, by cause.
        """
        seconds = request.extensions.get("timeout", {})
        connect, read, write = (seconds.get(each) for each in ("connect", "read", "write"))
        body = await _body_of(request)
        connect = math.inf if connect is None and "connect" in seconds else connect
        exchange = self.exchange(_head_of(request, len(body)), body, connect_timeout=connect)
        try:
            await exchange.send_request(_until(write))
            await exchange.receive_head(_until(read))
        except (BadReply, anyio.ClosedResourceError) as error:
            raise _for_httpx(error) from error
        return httpx.Response(
            exchange.status,
            headers=exchange.headers,
            stream=_Body(exchange, read),
            extensions={
                "http_version": f"HTTP/{exchange.version}".encode(),
                "reason_phrase": exchange.reason,
                "reused": exchange.reused,
            },
        )


class _Body(httpx.AsyncByteStream):
    """The body of an answer. An iterator and no generator, so that dropping it leaves nothing behind."""

    def __init__(self, exchange: Exchange, read: float | None) -> None:
        self._exchange = exchange
        self._read = read

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            data = await self._exchange.receive(_until(self._read))
        except (BadReply, anyio.ClosedResourceError) as error:
            raise _for_httpx(error) from error
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        await self._exchange.aclose()


def _for_httpx(error: Exception) -> httpx.TransportError:
    if isinstance(error, BadReply):
        return httpx.RemoteProtocolError(str(error))
    return httpx.ReadError("the connection was closed while it was read")


def _until(seconds: float | None) -> float:
    return math.inf if seconds is None else anyio.current_time() + seconds


async def _body_of(request: httpx.Request) -> bytes:
    stream = request.stream
    if isinstance(stream, httpx.SyncByteStream):
        return b"".join(stream)
    return b"".join([part async for part in stream])


def _head_of(request: httpx.Request, size: int) -> RequestHead:
    url = request.url
    if url.scheme not in _PORTS:
        raise httpx.UnsupportedProtocol(f"{url.scheme or 'no scheme'}: only http and https are spoken")
    announced = request.headers.get("content-length")
    if announced is not None and announced != str(size):
        raise httpx.LocalProtocolError(f"the body has {size} bytes, its Content-Length says {announced}")
    origin = Origin(url.scheme == "https", url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
    try:
        return request_head(origin, request.method.encode("ascii"), url.raw_path, request.headers.raw)
    except ValueError as error:
        raise httpx.LocalProtocolError(str(error)) from None
