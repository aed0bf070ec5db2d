"""HTTP/1.1 of the server, with the limits that uvicorn leaves open.

uvicorn with httptools takes headers of any size, for any time; it stops reading when a client sends a second
request before the answer to the first, and then does not notice that it leaves; it closes a connection on
which bytes wait unread, whereupon the system tells the client of an error, and it loses the answer. Measured
with uvicorn 0.54 and httptools 0.9.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import anyio
import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from router.gateway.answer import Dropped
from router.gateway.client import EXTENSION
from router.gateway.failure import Failure, identified
from router.gateway.front import document_of
from router.gateway.serving.connected import Connected
from router.gateway.serving.lingering import Lingering

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from router.gateway.gateway import Gateway

LINGER_SECONDS: Final = 2.0
"""How long what a client still sends is read and dropped, so that it can read its answer."""
LINGER_BYTES: Final = 32 << 20
"""How much of it."""
_OF_UPGRADES: Final = frozenset({b"upgrade", b"connection", b"http2-settings"})


class _StopParsing(Exception):
    """Raised in a callback of the parser, which then reads no further."""


class GatewayProtocol(HttpToolsProtocol):
    """One connection of a client.

    A second request before the end of the first answer is not served: what comes then is dropped, and the
    connection is closed after the answer, as HTTP allows (RFC 9112, 9.3.2).
    """

    gateway: Gateway
    """Whose settings hold; set by `protocol_of`."""
    _lingering: Lingering

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = self._served(self.app)
        self._client: Connected | None = None
        self._head_size = 0
        self._in_head = False
        self._in_body = False
        self._deaf = False
        self._dropped = 0
        self._clock: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin with a connection."""
        self._lingering = Lingering(transport, self)
        super().connection_made(self._lingering)  # type: ignore[arg-type] # it has all that uvicorn uses
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with a connection."""
        self._stop_clock()
        self._lingering.end()
        super().connection_lost(exc)
        self._look_for_client()
        self.app = _gone  # which knows this connection: without it, all is freed as soon as nobody needs it

    def _look_for_client(self) -> None:
        if self._client is not None:
            self._client.look()

    @property
    def expects_more(self) -> bool:
        """Whether the client may still send: the rest of a request, or another one that is not served."""
        return self._in_head or self._in_body or self._deaf

    def linger(self) -> None:
        """Drop what comes from now on, and close after a while."""
        self._deaf = True
        self._stop_clock()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self._clock = self.loop.call_later(LINGER_SECONDS, self._lingering.close_now)

    # What comes

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._deaf:
            self._dropped += len(data)
            if self._dropped > LINGER_BYTES:
                self._lingering.close_now()
            return
        self._unset_keepalive_if_required()
        if not self._in_head and not self._in_body:
            self._begin_head()
        if self._in_head:
            self._head_size += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _StopParsing):
                return
            self._refuse(400, "the request is not valid HTTP/1.1", "invalid_http")
            return
        if self._in_head:
            if self._head_size > self.gateway.settings.head:
                self._refuse_head()
            elif self._clock is None:  # a head that comes in one piece needs none
                self._start_clock()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read a request that wishes for another protocol once more, without the wish.

        Java's client adds `upgrade: h2c` to its first request. The parser takes what follows the headers for
        the other protocol, so the body would be lost.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400, "the gateway is no proxy", "invalid_http")
            return
        kept = [(name, value) for name, value in self.headers if name not in _OF_UPGRADES]
        lines = [method + b" " + self.url + b" HTTP/1.1", *(name + b": " + value for name, value in kept)]
        self.parser = httptools.HttpRequestParser(self)
        self._in_head = False
        self.data_received(b"\r\n".join([*lines, b"", b""]) + rest)

    def eof_received(self) -> None:
        """Take the end of what the client sends: it has left."""

    def on_message_begin(self) -> None:
        """Take the beginning of a request."""
        if self._is_answering():
            self._stop_serving()
            raise _StopParsing
        if not self._in_head:
            self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take the end of the headers: the request is answered from now on."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.gateway.settings.head:
            self._refuse_head()
            raise _StopParsing
        if self.parser.should_upgrade():
            return  # the parser stops here, and the request is read once more
        self._in_head, self._in_body = False, True
        self._stop_clock()
        try:
            super().on_headers_complete()
        except (httptools.HttpParserError, ValueError):
            # The address in the first line is none.
            self._refuse(400, "the request's address is not valid", "invalid_http")
            raise _StopParsing from None

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        if not self._in_body:
            return  # of a wish for another protocol
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Take note that an answer is whole."""
        super().on_response_complete()
        if self._deaf:
            self._lingering.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _stop_serving(self) -> None:
        """Answer the request under way, then close; drop what else comes."""
        self._deaf = True
        if self.cycle is not None:
            self.cycle.keep_alive = False
            if self.cycle.response_complete:
                self._lingering.close()

    # The time and the size of a head

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_size = 0
        self._stop_clock()

    def _start_clock(self) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(self.gateway.settings.head_seconds, self._head_is_late)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _head_is_late(self) -> None:
        if not self._in_head:  # nothing came at all: whoever opened this has no question to be answered
            self._lingering.close_now()
            return
        seconds = self.gateway.settings.head_seconds
        self._refuse(408, f"the headers took more than {seconds:g} s to arrive", "request_timeout")

    def _refuse_head(self) -> None:
        self._refuse(
            431, f"the headers are over {self.gateway.settings.head} bytes; send less", "headers_too_large"
        )

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Answer on behalf of the application, and close."""
        self._deaf = True
        self._stop_clock()
        if self._is_answering():
            self.cycle.disconnected = True  # for the application, the client has left
            self.cycle.message_event.set()
            self._look_for_client()
            if self.cycle.response_started:  # another answer could not be told apart from it
                self._lingering.close_now()
                return
        failure = identified(Failure(status, "invalid_request_error", message, code))
        body = document_of(failure)
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            *failure.headers,
        ]
        first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
        head = "\r\n".join([first, *(f"{name}: {value}" for name, value in headers), "", ""])
        self._lingering.write(head.encode("ascii") + body)
        self._lingering.close()

    # What the application does

    def _served(self, behind: ASGIApp) -> ASGIApp:
        """Return the application as it is called here.

        It is told of its client; the head of an answer goes out together with what follows; an answer that it
        drops closes the connection, and nothing is logged.
        """

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            cycle = self.cycle
            client = self._client = Connected(cycle)
            scope["extensions"] = {EXTENSION: client}
            try:
                await behind(scope, receive, self._joined(send))
            except Dropped:
                self._drop(cycle)
            except anyio.get_cancelled_exc_class():
                # The server gives up on this answer at its own end; nobody waits for this task.
                self._drop(cycle)
                self._lingering.close_now()
            finally:
                scope["extensions"] = {}  # the client knows the cycle, which knows the scope
                if self._client is client:  # a further request may have begun
                    self._client = None

        return application

    def _joined(self, send: Send) -> Send:
        lingering = self._lingering

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                lingering.hold()
                await send(message)
            else:
                await send(message)
                lingering.let_go()

        return sending

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Close the connection without the last chunk of an answer."""
        cycle.disconnected = True  # what uvicorn asks before it logs an error
        self._lingering.close()


async def _gone(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand where the application stood while the connection was there; nothing comes any more."""


def protocol_of(gateway: Gateway) -> type[GatewayProtocol]:
    """Return the class of connections for a gateway."""
    return type("GatewayProtocol", (GatewayProtocol,), {"gateway": gateway})
