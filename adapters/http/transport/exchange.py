"""One HTTP exchange: a request that is sent, and its answer as it comes.

The life of an exchange, with the one way out of each state:

    new        send()     the connection is taken or made, the request goes out, the answer's head comes in
    open       receive()  the body comes in, a read of the socket at a time
    complete   by itself, at the last byte of the answer: the connection is idle again, or closed
    closed     by aclose(), by any error, by a cancellation at whatever await: its socket is closed

Nothing of a connection outlives its exchange but through `complete`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import anyio
import httpx

from adapters.contract.errors import BadReply
from adapters.http.transport.parser import ResponseParser

if TYPE_CHECKING:
    from types import TracebackType

    from adapters.http.transport.connection import Connection
    from adapters.http.transport.parser import ParserLimits
    from adapters.http.transport.request import Origin, RequestHead

_FIRST: Final = 64 << 10  # of a body, joined to the head, so that both go out in one send
_HELD: Final = 256 << 10  # of an answer that comes before the request is out


class Connections(Protocol):
    """Where an exchange takes its connection from, and where it gives it back."""

    parser_limits: ParserLimits

    def kept(self, origin: Origin) -> Connection | None:
        """Return a connection that carried an exchange before, where there is one."""

    async def made(self, origin: Origin, limit: float, connect_timeout: float | None) -> Connection:
        """Return a new connection."""

    def give_back(self, connection: Connection) -> None:
        """Take back a connection that can carry another exchange."""

    def begun(self, exchange: Exchange) -> None:
        """Take note of an exchange that is under way."""

    def ended(self, exchange: Exchange) -> None:
        """Take note that an exchange needs its connection no more."""


class Exchange:
    """One request and its answer. Made by `StreamTransport.exchange`.

    As an async context manager it sends on entering and closes on leaving. Limits are times of
    `anyio.current_time()`; an exchange has no clock of its own.

    Args:
        connections: Where its connection comes from.
        head: Of the request.
        body: Of the request.
        fresh: Whether a new connection is wanted, and no kept one.
        connect_timeout: Seconds for a new connection; None is the transport's own.

    Attributes:
        reused: Whether the connection had carried an exchange before.
        status: The HTTP status; 0 before the answer's head.
        headers: The headers of the answer in their order, names in lower case.
        framed: Whether the end of the body can be told from a lost connection.
        heard: Whether any byte of an answer came. A connection that is lost before, and was `reused`, says
            nothing about the peer.
    """

    __slots__ = (
        "__weakref__",
        "_body",
        "_closed",
        "_connect_timeout",
        "_connection",
        "_connections",
        "_failure",
        "_fresh",
        "_head",
        "_parser",
        "_reading",
        "_sent",
        "_started",
        "_under_way",
        "framed",
        "headers",
        "heard",
        "reused",
        "status",
    )

    def __init__(
        self,
        connections: Connections,
        head: RequestHead,
        body: bytes = b"",
        *,
        fresh: bool = False,
        connect_timeout: float | None = None,
    ) -> None:
        self._connections = connections
        self._head = head
        self._body = body
        self._fresh = fresh
        self._connect_timeout = connect_timeout
        self._parser = ResponseParser(connections.parser_limits, head.method == b"HEAD")
        self._connection: Connection | None = None
        self._failure: BadReply | None = None
        self._reading = False
        self._started = False
        self._under_way = False  # for the connections, which close it with themselves
        self._sent = False  # the request, to its last byte, before any byte of an answer came
        self._closed = False
        self.reused = False
        self.heard = False
        self.status = 0
        self.headers = self._parser.headers
        self.framed = False

    def __repr__(self) -> str:
        state = "complete" if self.complete else "closed" if self._closed else self.status or "new"
        return f"<Exchange {self._head!r} {state}>"

    async def __aenter__(self) -> Exchange:
        await self.send()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def reason(self) -> bytes:
        """The reason phrase as sent. It is the peer's text."""
        return self._parser.reason

    @property
    def version(self) -> str:
        """The HTTP version of the answer: 1.0 or 1.1."""
        return self._parser.version

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end; some of it may not be received yet."""
        return self._parser.complete

    @property
    def has_connection(self) -> bool:
        """Whether it holds a connection now."""
        return self._connection is not None

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header; its name in lower case."""
        return self._parser.header(name)

    async def send(self, limit: float = math.inf) -> None:
        """Send the request, and read the answer up to the end of its head.

        Args:
            limit: The time until which to wait.

        Raises:
            httpx.ConnectError: No connection; the cause is an OSError: `socket.gaierror` for a name,
                `ssl.SSLError` for TLS.
            httpx.ConnectTimeout: No connection within the transport's own limit.
            httpx.WriteError: The connection was lost while sending, and no answer came.
            httpx.ReadError: The connection was lost.
            httpx.RemoteProtocolError: The peer closed without an answer.
            httpx.WriteTimeout: `limit` came while sending.
            httpx.ReadTimeout: `limit` came elsewhere.
            BadReply: The answer breaks HTTP/1.1, or is over a limit.
            anyio.ClosedResourceError: It was closed meanwhile, or is sent a second time.
        """
        await self.send_request(limit)
        await self.receive_head(limit)

    async def send_request(self, limit: float = math.inf) -> None:
        """Take or make the connection, and send the request: the first half of `send`."""
        if self._started or self._closed:
            raise anyio.ClosedResourceError
        self._started = self._under_way = True
        self._connections.begun(self)
        try:
            origin = self._head.origin
            connection = None if self._fresh else self._connections.kept(origin)
            self.reused = connection is not None
            if connection is None:
                connection = await self._connections.made(origin, limit, self._connect_timeout)
                if self._closed:  # meanwhile, by another task
                    connection.close()
                    raise anyio.ClosedResourceError
            self._connection = connection
            await self._upload(connection, limit)
        except BaseException:
            self._drop()
            raise

    async def receive_head(self, limit: float = math.inf) -> None:
        """Read the answer up to the end of its head: the second half of `send`."""
        if not self.heard:  # what was asked a moment ago is not answered yet: a look would find nothing
            await self.more(limit)
        parser = self._parser
        while not parser.status:
            if not self._hear_now():
                await self.more(limit)
        self.status, self.framed = parser.status, parser.framed

    async def receive(self, limit: float = math.inf) -> bytes:
        """Return the next bytes of the body, all that one read gave; empty at the end of the body.

        Args:
            limit: The time until which to wait.

        Raises:
            httpx.ReadError: The connection was lost.
            httpx.RemoteProtocolError: The body was cut.
            httpx.ReadTimeout: `limit` came.
            BadReply: The body breaks HTTP/1.1, or is over a limit.
            anyio.BusyResourceError: Another task reads.
            anyio.ClosedResourceError: It was closed, or has failed before.
        """
        while (data := self.read_now()) is None:
            await self.more(limit)
        return data

    def read_now(self) -> bytes | None:
        """Return what `receive` returns, without waiting; None where `more` has to wait for it first.

        Raises:
            Exception: As of `receive`.
        """
        parser = self._parser
        while True:
            if self._closed:
                raise anyio.ClosedResourceError
            data = parser.take()
            if data:
                return data
            if parser.complete:
                return b""
            if self._failure is not None:
                raise self._failure
            if not self._hear_now():
                return None

    async def more(self, limit: float = math.inf) -> None:
        """Wait until there is more to read.

        Args:
            limit: The time until which to wait.

        Raises:
            httpx.ReadTimeout: `limit` came.
            anyio.BusyResourceError: Another task reads.
            anyio.ClosedResourceError: It was closed.
        """
        connection = self._for_reading()
        self._reading = True
        try:
            connection.judge(await connection.readable(limit))
        except BaseException:
            self._drop()
            raise
        finally:
            self._reading = False

    async def aclose(self) -> None:
        """Close it. Before its end its socket is closed with it. Idempotent; it never waits."""
        self.close()

    def close(self) -> None:
        """Close it as `aclose` does. Another task that waits for it gets ClosedResourceError."""
        self._drop()

    # -- the request out ------------------------------------------------------------------------

    async def _upload(self, connection: Connection, limit: float) -> None:
        """Send the request, and listen where that has to wait.

        A server that refuses a large body says so before it has read it all, and then closes, or waits, or
        resets the connection. So what it said is read whenever nothing can be written.
        """
        body, self._body = self._body, b""
        parts = [memoryview(self._head.for_body(len(body)) + body[:_FIRST])]
        if len(body) > _FIRST:
            parts.append(memoryview(body)[_FIRST:])
        channel = connection.channel
        for part in parts:
            left = part
            while left or channel.unsent:
                try:
                    left = left[channel.write(left) :]
                    if left:
                        await connection.pause(limit)
                except BlockingIOError:
                    if not await self._listen(connection, limit):
                        return
                except OSError as error:
                    if connection.closed:
                        raise anyio.ClosedResourceError from None
                    self._hear_last_words(connection, error)
                    return
        self._sent = not self.heard

    async def _listen(self, connection: Connection, limit: float) -> bool:
        """Wait until the request can go on, reading what comes; return whether it should go on."""
        if self._parser.holding > _HELD:
            await connection.writable(limit)
            return True
        await connection.either(limit)
        try:
            data = connection.channel.read()
        except BlockingIOError:
            return True
        except OSError as error:
            raise httpx.WriteError(f"the connection was lost while sending: {error}") from error
        self._hear(data)
        # An answer that is no refusal may come while the request is still on its way.
        return not (self._parser.complete or self._parser.status >= 400 or self._failure)

    def _hear_last_words(self, connection: Connection, error: OSError) -> None:
        try:
            data = connection.channel.read()
        except OSError:
            data = b""
        if not data:
            raise httpx.WriteError(f"the connection was lost while sending: {error}") from error
        self._hear(data)

    # -- the answer in --------------------------------------------------------------------------

    def _for_reading(self) -> Connection:
        if self._reading:
            raise anyio.BusyResourceError("reading from")
        if self._connection is None:
            raise anyio.ClosedResourceError
        return self._connection

    def _hear_now(self) -> bool:
        """Take in what has come; return whether that was anything."""
        connection = self._for_reading()
        try:
            data = connection.read_now()
            if data is None:
                return False
            self._hear(data)
        except BaseException:
            self._drop()
            raise
        return True

    def _hear(self, data: bytes) -> None:
        """Take in what was read; at the end of the answer the exchange needs its connection no more."""
        parser = self._parser
        if data:
            self.heard = True
            try:
                parser.feed(data)
            except BadReply as error:
                if not parser.status or not parser.holding:
                    raise
                self._failure = error  # what came before it is delivered first
                self._let_go()
        elif not parser.end():
            if self.heard:
                raise httpx.RemoteProtocolError(
                    "peer closed connection without sending the complete answer (incomplete read)"
                )
            raise httpx.RemoteProtocolError("server disconnected without sending a response")
        if parser.complete:
            self._settle()

    def _settle(self) -> None:
        """Give the connection back where it can carry another exchange, else close it."""
        connection = self._connection
        if connection is not None and self._sent and self._parser.reusable:
            self._connection = None
            self._connections.give_back(connection)
        self._let_go()

    def _drop(self) -> None:
        self._closed = True
        self._parser.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._under_way:
            self._under_way = False
            self._connections.ended(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
