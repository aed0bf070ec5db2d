"""Connections to a host: by name, to the fastest of its addresses, with TLS where it is asked for.

Addresses are tried as RFC 8305 (happy eyeballs) says: the families in turn, IPv6 first, the next one when
the one before failed or has taken a quarter of a second; the first that connects is taken. A host with one
address, and one whose first address answers soon, costs neither a task group nor an event.
"""

from __future__ import annotations

import errno
import math
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from adapters.http.transport.channel import PlainChannel, TLSChannel

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from adapters.http.transport.channel import Channel
    from adapters.http.transport.names import Address

STAGGER: Final = 0.25
"""Seconds that one address has before the next is tried beside it (RFC 8305, section 5)."""


async def connect(addresses: Sequence[Address]) -> socket.socket:
    """Return a connected, non-blocking socket to one of the addresses.

    Raises:
        OSError: None could be reached; where there were several, their errors are the cause, as a group.
    """
    race = _Race()
    try:
        waiting = in_turn(addresses)
        for index, address in enumerate(waiting, 1):
            race.start(address)
            last = index == len(waiting)
            winner = await race.first(math.inf if last else STAGGER)
            while winner is None and last and race.under_way:
                winner = await race.first(math.inf)
            if winner is not None:
                return winner
    finally:
        race.close()
    if not race.errors:
        raise OSError("the name has no address")
    if len(race.errors) == 1:
        raise race.errors[0]
    raise OSError(f"none of {len(race.errors)} addresses could be reached") from ExceptionGroup(
        "each address", race.errors
    )


async def connect_tls(sock: socket.socket, context: ssl.SSLContext, host: str) -> TLSChannel:
    """Return the TLS channel over a connected socket, which is closed where that fails.

    Raises:
        ssl.SSLError: The handshake failed, or the certificate is not good.
        OSError: The connection is lost.
    """
    try:
        channel = TLSChannel(sock, context, host)
        while True:
            done = channel.handshake()
            channel.flush()
            while channel.unsent:
                await anyio.wait_writable(sock)
                channel.flush()
            if done:
                return channel
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


async def open_channel(addresses: Sequence[Address], context: ssl.SSLContext | None, host: str) -> Channel:
    """Return a channel to one of the addresses.

    Args:
        addresses: Of the host.
        context: Of TLS; None for plain HTTP.
        host: The name in the certificate.

    Raises:
        OSError: No connection, or TLS failed (`ssl.SSLError`).
    """
    sock = await connect(addresses)
    return PlainChannel(sock) if context is None else await connect_tls(sock, context, host)


def in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses, IPv6 and others in turn, IPv6 first; otherwise in the order given."""
    six = [each for each in addresses if each[0] == socket.AF_INET6]
    others = [each for each in addresses if each[0] != socket.AF_INET6]
    both = min(len(six), len(others))
    turns = [each for pair in zip(six, others, strict=False) for each in pair]
    return turns + six[both:] + others[both:]


class _Race:
    """Connects that are under way side by side; who is left at the end is closed."""

    def __init__(self) -> None:
        self.under_way: list[socket.socket] = []
        self.errors: list[OSError] = []

    def start(self, address: Address) -> None:
        family, where = address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self.errors.append(error)
            return
        self.under_way.append(sock)
        sock.setblocking(False)
        with suppress(OSError):  # a path that has no such option is slower, not broken
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            number = sock.connect_ex(where)
        except OSError as error:
            number = error.errno or errno.EADDRNOTAVAIL
        if number not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
            self._failed(sock, number)

    async def first(self, seconds: float) -> socket.socket | None:
        """Return the first that connects; None when time is up, or when one failed."""
        if not self.under_way:
            return None
        if seconds == math.inf and len(self.under_way) == 1:  # the usual case needs no scope
            await anyio.wait_writable(self.under_way[0])
            return self._judged(self.under_way[:])
        ready: list[socket.socket] = []
        with anyio.move_on_after(seconds):
            if len(self.under_way) == 1:
                await anyio.wait_writable(self.under_way[0])
                ready = self.under_way[:]
            else:
                ready = await _any_writable(self.under_way)
        return self._judged(ready)

    def _judged(self, ready: list[socket.socket]) -> socket.socket | None:
        for sock in ready:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                self.under_way.remove(sock)
                return sock
            self._failed(sock, number)
        return None

    def close(self) -> None:
        for sock in self.under_way:
            sock.close()

    def _failed(self, sock: socket.socket, number: int) -> None:
        self.under_way.remove(sock)
        sock.close()
        self.errors.append(OSError(number, os.strerror(number)))


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
