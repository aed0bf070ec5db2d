"""The client of one request as the server knows it; see `router.gateway.client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Connected:
    """A client that is connected; see `Client`.

    Args:
        cycle: What uvicorn knows of its request.
    """

    __slots__ = ("_call", "_cycle")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._call: Callable[[], object] | None = None

    def whole_body(self) -> bytes | None:
        """Take the body of the request where all of it is here; else None, and nothing is taken."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.response_complete:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        # What `receive()` does, too: it is about what comes next from now on.
        cycle.message_event.clear()
        cycle.flow.resume_reading()
        return body

    def when_left(self, call: Callable[[], object] | None) -> None:
        """Call this once the client has left, at once where it has; None for nothing any more."""
        self._call = call
        self.look()

    def look(self) -> None:
        """Call who waits for the client's leaving, if it has left."""
        if self._call is not None and self._cycle.disconnected:
            call, self._call = self._call, None
            call()
