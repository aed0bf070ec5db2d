"""Bytes over one non-blocking socket, plain or within TLS, without waiting.

Both kinds say "not now" with BlockingIOError, as a non-blocking socket does, so that who uses them waits in
one place only, and looks into a connection without any await.
"""

from __future__ import annotations

import select
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import socket

READ: Final = 64 << 10
"""Bytes of one read of a socket."""
_CAN_POLL: Final = hasattr(select, "poll")  # Windows cannot
_SLICE: Final = 256 << 10  # encrypted at once, so that a long body is not held twice
_NOTHING: Final = memoryview(b"")
_RECORD: Final = 16 << 10  # the text of one TLS record at most


class Channel(Protocol):
    """Bytes over one non-blocking socket."""

    sock: socket.socket

    @property
    def grows(self) -> bool:
        """Whether the first read makes it hold much more memory, for as long as it is open."""

    @property
    def unsent(self) -> bool:
        """Whether bytes that were written still wait here for the socket."""

    def read(self) -> bytes:
        """Return what is there, at least one byte; empty where the peer ended.

        Raises:
            BlockingIOError: Nothing is there yet.
            OSError: The connection is lost, or the peer breaks TLS.
        """

    def write(self, data: memoryview) -> int:
        """Write what can be written, and return how many bytes of `data` that were.

        Raises:
            BlockingIOError: Nothing can be written now.
            OSError: The connection is lost.
        """

    def clean(self) -> bool:
        """Look, without waiting, whether the peer sent nothing and did not end since the last answer."""

    def close(self) -> None:
        """Close the socket. Idempotent."""


class PlainChannel:
    """The bytes of the socket itself.

    Args:
        sock: Non-blocking and connected.
    """

    __slots__ = ("_look", "sock")

    grows: Final = False
    unsent: Final = False

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._look: select.poll | None = None

    def read(self) -> bytes:
        """See `Channel`."""
        return self.sock.recv(READ)

    def write(self, data: memoryview) -> int:
        """See `Channel`."""
        return self.sock.send(data)

    def clean(self) -> bool:
        """See `Channel`."""
        if _CAN_POLL:  # a third of the price of an exception
            if self._look is None:
                self._look = select.poll()
                self._look.register(self.sock, select.POLLIN | select.POLLPRI)
            return not self._look.poll(0)
        try:
            self.sock.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """See `Channel`."""
        self.sock.close()


class TLSChannel:
    """The text within TLS. One read of the socket gives all whole records in it, joined.

    Args:
        sock: Non-blocking and connected.
        context: Of the client.
        host: The name in the certificate, and of SNI.
    """

    grows: Final = True  # by 16 KiB of OpenSSL's, with the tickets of the session

    __slots__ = ("_ended", "_error", "_incoming", "_outgoing", "_tls", "_unsent", "sock")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self.sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unsent = _NOTHING
        self._ended = False
        self._error: OSError | None = None

    @property
    def unsent(self) -> bool:
        """See `Channel`."""
        return bool(self._unsent) or self._outgoing.pending > 0

    def handshake(self) -> bool:
        """Make one step of the handshake with what was received, and return whether it is done.

        Raises:
            ssl.SSLError: The handshake failed, or the certificate is not good.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            with suppress(OSError):
                self.flush()  # the alert, so that the peer learns why
            raise
        return True

    def read(self) -> bytes:
        """See `Channel`."""
        if self._error is not None:
            raise self._error
        if self._ended:
            return b""
        self.receive()
        text = self._decrypted()
        if self._outgoing.pending:
            with suppress(OSError):  # an answer of TLS itself; it goes out with the next write otherwise
                self.flush()
        if text or self._ended:
            return text
        if self._error is not None:
            raise self._error
        raise BlockingIOError

    def write(self, data: memoryview) -> int:
        """See `Channel`."""
        if self._unsent:
            self.flush()
            if self._unsent:
                raise BlockingIOError
        written = self._tls.write(data[:_SLICE]) if data else 0
        self.flush()  # with what TLS itself had to say: one packet, and one wake-up of the peer
        return written

    def clean(self) -> bool:
        """See `Channel`. What is no text, as the tickets of a session, is digested."""
        try:
            self.read()
        except BlockingIOError:
            return not self.unsent
        except OSError:
            return False
        return False

    def close(self) -> None:
        """See `Channel`. Says good-bye where that needs no waiting."""
        with suppress(OSError, ValueError):
            self._tls.unwrap()
        with suppress(OSError):
            self.flush()
        self.sock.close()

    def receive(self) -> None:
        """Take what the socket has to be decrypted.

        Raises:
            BlockingIOError: Nothing is there yet.
            OSError: The connection is lost.
        """
        data = self.sock.recv(READ)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def flush(self) -> None:
        """Send what TLS has to say, as far as it goes without waiting; the rest is `unsent`.

        Raises:
            OSError: The connection is lost.
        """
        while True:
            if not self._unsent:
                if not self._outgoing.pending:
                    return
                self._unsent = memoryview(self._outgoing.read())
            try:
                sent = self.sock.send(self._unsent)
            except BlockingIOError:
                return
            # A view of nothing would hold what was sent.
            self._unsent = self._unsent[sent:] if sent < len(self._unsent) else _NOTHING

    def _decrypted(self) -> bytes:
        pieces: list[bytes] = []
        try:
            while piece := self._tls.read(_RECORD):
                pieces.append(piece)
                if not self._incoming.pending and not self._tls.pending():
                    break  # nothing is left: to be told so by an exception costs more than the record
            else:
                self._ended = True
        except ssl.SSLWantReadError:
            pass
        except OSError as error:  # after the text of the records before it
            self._error = error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
