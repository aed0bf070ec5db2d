"""Name lookups that are shared: one at a time for a name, its result kept for some seconds.

Lookups run in threads, of which there are few. A thousand requests that begin at once ask for one name once.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel
import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Hashable

Address = tuple[int, tuple[Any, ...]]
"""A family of addresses, and an address of it as sockets take it."""

Lookup = Callable[[str, int], Sequence[Address]]
"""Finds the addresses of a host and port; it may block."""

_KEPT: Final = 10.0
_MOST: Final = 256


async def system_lookup(host: str, port: int) -> list[Address]:
    """Return the addresses of a host by the means of the event loop, which may have a resolver of its own.

    Raises:
        OSError: There is no such name, or names cannot be looked up for now (`socket.gaierror`).
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, tuple(address)) for family, _, _, _, address in found))


def numeric(host: str, port: int) -> Address | None:
    """Return the address that `host` is, or None where it is a name."""
    if host[-1:].isdigit() and host.count(".") == 3:
        try:
            socket.inet_pton(socket.AF_INET, host)
        except OSError:
            return None
        return socket.AF_INET, (host, port)
    if ":" in host and "%" not in host:
        try:
            socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            return None
        return socket.AF_INET6, (host, port, 0, 0)
    return None


class Names:
    """Looks names up.

    Args:
        lookup: Does it, blocking, in a thread; None leaves it to the event loop.
        kept: Seconds that a result is kept. Failures are told to those who wait, and not kept.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        lookup: Lookup | None = None,
        *,
        kept: float = _KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._kept = kept
        self._clock = clock
        self._found: dict[tuple[str, int], tuple[float, Sequence[Address]]] = {}
        self._under_way: dict[Hashable, _UnderWay] = {}

    def known(self, host: str, port: int) -> Sequence[Address] | None:
        """Return the addresses of a host where nothing has to be looked up, else None."""
        address = numeric(host, port)
        if address is not None:
            return (address,)
        found = self._found.get((host, port))
        return found[1] if found is not None and found[0] > self._clock() else None

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host.

        Raises:
            OSError: There is no such name, or names cannot be looked up for now (`socket.gaierror`).
        """
        # An event belongs to one event loop, so each loop has its own lookups; the results are for all.
        key = (anyio.lowlevel.current_token(), host, port)
        while True:
            known = self.known(host, port)
            if known is not None:
                return known
            under_way = self._under_way.get(key)
            if under_way is None:
                return await self._look_up(key, host, port)
            await under_way.done.wait()
            if under_way.error is not None:
                raise type(under_way.error)(*under_way.error.args)  # one of its own for each who waits
            if under_way.addresses is not None:
                return under_way.addresses
            # Who looked it up was cancelled: the next who waits does it.

    def forget(self, host: str, port: int) -> None:
        """Forget the addresses of a host: none of them could be reached."""
        self._found.pop((host, port), None)

    async def _look_up(self, key: Hashable, host: str, port: int) -> Sequence[Address]:
        under_way = self._under_way[key] = _UnderWay()
        try:
            # Cancelled, it returns at once, and its thread goes on.
            if self._lookup is None:
                found: Sequence[Address] = await system_lookup(host, port)
            else:
                found = await anyio.to_thread.run_sync(self._lookup, host, port, abandon_on_cancel=True)
        except (OSError, UnicodeError) as error:
            under_way.error = error
            raise
        else:
            under_way.addresses = found
            self._keep(host, port, found)
            return found
        finally:
            del self._under_way[key]
            under_way.done.set()

    def _keep(self, host: str, port: int, found: Sequence[Address]) -> None:
        self._found.pop((host, port), None)
        if len(self._found) >= _MOST:
            del self._found[next(iter(self._found))]
        self._found[host, port] = (self._clock() + self._kept, found)


class _UnderWay:
    """One lookup, and those who wait for it."""

    __slots__ = ("addresses", "done", "error")

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.addresses: Sequence[Address] | None = None
        self.error: Exception | None = None
