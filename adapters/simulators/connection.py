"""One connection: requests are read whole, answered one after the other, and dropped when the client goes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import h11

from adapters.simulators.exchange import Exchange
from adapters.simulators.received import Received

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.simulators.peer import Peer

MAX_HEAD: Final = 64 * 1024
"""The most bytes of request line and headers."""
MAX_BODY: Final = 16 * 1024 * 1024
"""The most bytes of a request's body; over it the answer is 413."""
GONE: Final = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    h11.RemoteProtocolError,
)
"""What it looks like when a client goes away. That is its right, and no error of a simulator."""


class Connection:
    """Serves the requests of one connection.

    Args:
        peer: The connection's socket.
        handle: Answers one exchange; cancelled when the client goes away meanwhile.
    """

    def __init__(self, peer: Peer, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        self._peer = peer
        self._handle = handle
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    async def serve(self) -> None:
        """Serve until either side closes the connection."""
        try:
            with suppress(*GONE):
                while (received := await self._next_request()) is not None:
                    exchange = Exchange(received, self._peer, self._http)
                    await self._run(exchange)
                    if not exchange.reusable:
                        return
                    self._http.start_next_cycle()
        finally:
            await self._peer.close()

    async def _next_request(self) -> Received | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                    await self._peer.send(self._http.send(go_on) or b"")
                self._http.receive_data(await self._peer.receive())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data) and head is not None:
                body += event.data
                if len(body) > MAX_BODY:
                    message = f"the body is over {MAX_BODY} bytes"
                    await Exchange(_received(head, b""), self._peer, self._http).respond(413, message)
                    return None
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _received(head, bytes(body))
            else:
                return None

    async def _run(self, exchange: Exchange) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, group.cancel_scope)
            with suppress(*GONE):
                await self._handle(exchange)
            group.cancel_scope.cancel()

    async def _watch(self, running: anyio.CancelScope) -> None:
        # A handler that sleeps or stalls does not touch the socket: somebody else has to see the client go.
        early = 0
        while data := await self._peer.receive():
            self._http.receive_data(data)  # the next request, sent before the answer to this one
            early += len(data)
            if early > MAX_BODY:
                break
        running.cancel()


def _received(head: h11.Request, body: bytes) -> Received:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    return Received(head.method.decode(), head.target.decode("latin-1"), headers, body)
