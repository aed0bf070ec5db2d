"""Connections to a host: by name, to the fastest of its addresses, with TLS where it is asked for.

Addresses are tried as RFC 8305 (happy eyeballs) says: the families in turn, IPv6 first, the next one when
the one before failed or has taken a quarter of a second; the first that connects is taken. A host with one
address, and one whose first address answers soon, costs neither a task group nor an event. A host on this
machine answers before the call to connect returns, and is not waited for at all.
"""

from __future__ import annotations

import errno
import math
import os
import select
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from adapters.http.transport.channel import TLSChannel

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from adapters.http.transport.names import Address

_CAN_POLL: Final = hasattr(select, "poll")  # Windows cannot
STAGGER: Final = 0.25
"""Seconds that one address has before the next is tried beside it (RFC 8305, section 5)."""


async def connect(addresses: Sequence[Address]) -> socket.socket:
    """Return a connected, non-blocking socket to one of the addresses.

    Raises:
        OSError: None could be reached; where there were several, their errors are the cause, as a group.
    """
    race = Race(addresses)
    return race.at_once() or await race.finished()


async def connect_tls(sock: socket.socket, context: ssl.SSLContext, host: str) -> TLSChannel:
    """Return the TLS channel over a connected socket, which is closed where that fails.

    Raises:
        ssl.SSLError: The handshake failed, or the certificate is not good.
        OSError: The connection is lost.
    """
    try:
        channel = TLSChannel(sock, context, host)
        while True:
            if channel.handshake():
                return channel  # the last of it goes out with the request
            channel.flush()
            while channel.unsent:
                await anyio.wait_writable(sock)
                channel.flush()
            await _received(channel)
    except BaseException:
        sock.close()
        raise


async def _received(channel: TLSChannel) -> None:
    while True:
        try:
            return channel.receive()
        except BlockingIOError:
            await anyio.wait_readable(channel.sock)


def in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses, IPv6 and others in turn, IPv6 first; otherwise in the order given."""
    if len(addresses) < 2:
        return list(addresses)
    six = [each for each in addresses if each[0] == socket.AF_INET6]
    others = [each for each in addresses if each[0] != socket.AF_INET6]
    both = min(len(six), len(others))
    turns = [each for pair in zip(six, others, strict=False) for each in pair]
    return turns + six[both:] + others[both:]


class Race:
    """Connects to the addresses of a host, side by side where they take long; who loses is closed.

    Args:
        addresses: Of the host.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._waiting = deque(in_turn(addresses))
        self._under_way: list[socket.socket] = []
        self._errors: list[OSError] = []

    def at_once(self) -> socket.socket | None:
        """Start with the first address; return the socket where that is connected without a wait.

        Raises:
            OSError: No address could be reached, which is known already.
        """
        while self._waiting and not self._under_way:
            self._start(self._waiting.popleft())
            if self._under_way and _CAN_POLL and _is_writable(self._under_way[0]):
                winner = self._judged(self._under_way[:])
                if winner is not None:
                    return winner
        if not self._under_way:
            raise self._failure()
        return None

    async def finished(self) -> socket.socket:
        """Return a connected socket, behind `at_once`.

        Raises:
            OSError: As of `connect`.
        """
        try:
            while self._under_way or self._waiting:
                winner = await self._first(STAGGER if self._waiting else math.inf)
                if winner is not None:
                    return winner
                if self._waiting:
                    self._start(self._waiting.popleft())
        finally:
            self.close()
        raise self._failure()

    def close(self) -> None:
        """Give up what is under way."""
        for sock in self._under_way:
            sock.close()

    def _failure(self) -> OSError:
        if not self._errors:
            return OSError("the name has no address")
        if len(self._errors) == 1:
            return self._errors[0]
        failure = OSError(f"none of {len(self._errors)} addresses could be reached")
        failure.__cause__ = ExceptionGroup("each address", self._errors)
        return failure

    def _start(self, address: Address) -> None:
        family, where = address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._errors.append(error)
            return
        self._under_way.append(sock)
        sock.setblocking(False)
        with suppress(OSError):  # a path that has no such option is slower, not broken
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            number = sock.connect_ex(where)
        except OSError as error:
            number = error.errno or errno.EADDRNOTAVAIL
        except BaseException:  # a port that cannot be one
            self.close()
            raise
        if number not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
            self._failed(sock, number)

    async def _first(self, seconds: float) -> socket.socket | None:
        """Return the first that connects; None when time is up, or when one failed."""
        if not self._under_way:
            return None
        if seconds == math.inf and len(self._under_way) == 1:  # the usual case needs no scope
            await anyio.wait_writable(self._under_way[0])
            return self._judged(self._under_way[:])
        ready: list[socket.socket] = []
        with anyio.move_on_after(seconds):
            if len(self._under_way) == 1:
                await anyio.wait_writable(self._under_way[0])
                ready = self._under_way[:]
            else:
                ready = await _any_writable(self._under_way)
        return self._judged(ready)

    def _judged(self, ready: list[socket.socket]) -> socket.socket | None:
        for sock in ready:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                self._under_way.remove(sock)
                return sock
            self._failed(sock, number)
        return None

    def _failed(self, sock: socket.socket, number: int) -> None:
        self._under_way.remove(sock)
        sock.close()
        self._errors.append(OSError(number, os.strerror(number)))


def _is_writable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(0))


async def _any_writable(socks: list[socket.socket]) -> list[socket.socket]:
    ready: list[socket.socket] = []

    async def watch(sock: socket.socket) -> None:
        await anyio.wait_writable(sock)
        ready.append(sock)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for sock in socks:
            group.start_soon(watch, sock)
    return ready
