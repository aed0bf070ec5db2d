"""What lies before HTTP: names, addresses, ports, descriptors, certificates."""

from __future__ import annotations

import datetime
import os
import resource
import socket
import ssl
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
import trio
import trustme
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.faults.world import World

NAME: Final = "chat.test"
Answer = "Callable[[int], Awaitable[list[Any]]]"


class Resolver(trio.abc.HostnameResolver):
    """Answers every look-up of a name in its own way."""

    def __init__(self, answer: Callable[[int], Awaitable[list[Any]]]) -> None:
        self._answer = answer

    async def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        return await self._answer(int(port))

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


@contextmanager
def resolving(world: World, answer: Callable[[int], Awaitable[list[Any]]]) -> Iterator[None]:
    """Point the first provider to a name, and resolve names by `answer`, on either backend."""
    world.url = f"http://{NAME}:{urlsplit(world.faulty.url).port}"
    resolver = Resolver(answer)
    loop: Any = current_token().native_token
    if isinstance(loop, trio.lowlevel.TrioToken):
        trio.socket.set_custom_hostname_resolver(resolver)  # holds for this run of trio only
        yield
    else:
        loop.getaddrinfo = resolver.getaddrinfo  # a loop of this test only
        yield


def addresses(port: int, *hosts: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]


async def no_such_name(_: int) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def not_for_now(_: int) -> list[Any]:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def never(_: int) -> list[Any]:
    await anyio.sleep_forever()
    return []


async def first_one_dead(port: int) -> list[Any]:
    return addresses(port, "127.0.0.2", "127.0.0.1")  # the servers listen on the second one only


@contextmanager
def named(world: World, answer: Callable[[int], Awaitable[list[Any]]]) -> Iterator[None]:
    with resolving(world, answer):
        yield


@contextmanager
def refused(world: World) -> Iterator[None]:
    """A port that is bound, and not listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        world.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        world.sockets += 1
        yield
    world.sockets -= 1


@contextmanager
def full(world: World) -> Iterator[None]:
    """A port whose queue is full, so that the kernel drops every SYN."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        world.url = f"http://127.0.0.1:{address[1]}"
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(address)
            yield
        finally:
            for one in waiting:
                one.close()


@contextmanager
def without_descriptors(world: World) -> Iterator[None]:
    """No descriptor is left for a new socket."""
    world.url = world.faulty.url
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def as_https(world: World) -> Iterator[None]:
    """Speak TLS to a port that may not."""
    world.url = world.faulty.url.replace("http:", "https:")
    yield


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    """What the client trusts: the authority above, and nobody else."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@cache
def right() -> ssl.SSLContext:
    return _context(authority().issue_cert("127.0.0.1"))


@cache
def wrong_name() -> ssl.SSLContext:
    return _context(authority().issue_cert("other.test"))


@cache
def unknown_issuer() -> ssl.SSLContext:
    return _context(trustme.CA().issue_cert("127.0.0.1"))


@cache
def expired() -> ssl.SSLContext:
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    day = datetime.timedelta(days=1)
    return _context(authority().issue_cert("127.0.0.1", not_before=long_ago, not_after=long_ago + day))
