"""The transport of one connection: joins small writes, and closes without losing an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import asyncio

FLUSH_SECONDS: Final = 60.0
"""How long a client may take to read the rest of an answer whose connection is closed."""


class Connection(Protocol):
    """What the transport must know of the connection that uses it."""

    loop: asyncio.AbstractEventLoop

    @property
    def expects_more(self) -> bool:
        """Whether the client may still send."""
        ...

    def linger(self) -> None:
        """Drop what comes from now on, and close after a while."""
        ...


class Lingering:
    """A transport that is closed only when the client had time to read the answer.

    Args:
        transport: The real one.
        connection: Says whether bytes may be under way.
    """

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport = transport
        self._connection: Connection | None = connection
        self._closing = False
        self._last: asyncio.TimerHandle | None = None
        self._held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them while writes are held."""
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def hold(self) -> None:
        """Keep what is written from now on, so that it goes out together with what follows."""
        if self._held is None:
            self._held = []

    def let_go(self) -> None:
        """Send what was kept, and hold no longer."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def is_closing(self) -> bool:
        """Whether nothing is to be sent any more."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Send what is left and the end; close at once, or when the client has closed, or after a while."""
        if self._closing:
            return
        self._begin_closing()
        connection = self._connection
        if connection is not None and connection.expects_more and self._transport.can_write_eof():
            connection.linger()
            self._transport.write_eof()
        else:
            self._transport.close()

    def close_now(self) -> None:
        """Close without waiting for the client to close."""
        self._begin_closing()
        self._transport.close()

    def _begin_closing(self) -> None:
        self.let_go()
        if self._last is None and self._connection is not None:
            self._last = self._connection.loop.call_later(FLUSH_SECONDS, self._transport.abort)
        self._closing = True

    def end(self) -> None:
        """Take note that the connection has ended."""
        self._closing = True
        self._connection = None  # which knows this transport
        self._held = None
        if self._last is not None:
            self._last.cancel()
