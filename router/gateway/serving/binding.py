"""Where a gateway listens, and what that demands."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.contract import Adapter
    from router.gateway.settings import GatewaySettings

_BACKLOG = 2048


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    Args:
        host: A name or an address.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def check_binding(host: str, settings: GatewaySettings) -> None:
    """Look whether a gateway may listen on an address.

    Raises:
        ValueError: Others can reach it there, and it demands no key.
    """
    if not is_loopback(host) and not settings.keys:
        raise ValueError(
            f"on {host} everybody who reaches this machine could use your providers, so clients must show a "
            "key there: add [[gateway.keys]] with name and key to the file, or set CHAT_ROUTER_GATEWAY_KEY "
            "where there is no file; or listen on 127.0.0.1"
        )


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: A name or an address.
        port: 0 for a free one.

    Raises:
        OSError: It cannot be opened.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # With its protocol named, asyncio switches Nagle's delay off on what is accepted: 51 ms a request else.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def address_of(listener: socket.socket) -> str:
    """Return the address of a socket that listens, such as `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def asked_at(address: str) -> str:
    """Return what to ask on this machine: 0.0.0.0 and :: stand for all addresses, and are none to ask."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def check_providers(listener: socket.socket, adapters: Iterable[Adapter]) -> None:
    """Look whether a provider of a gateway is the gateway itself, by its address.

    A name is looked up only where its port is the gateway's. One behind a proxy is the proxy's to find.

    Args:
        listener: Where the gateway listens.
        adapters: Its providers.

    Raises:
        ValueError: One is; the message names it.
    """
    here = listener.getsockname()
    for adapter in adapters:
        base_url: str = getattr(adapter, "base_url", "")
        url = urlsplit(base_url)
        port = url.port or (443 if url.scheme == "https" else 80)
        if port == here[1] and url.hostname and _is_own(url.hostname, here[0]):
            raise ValueError(
                f"the provider {adapter.name!r} is this gateway itself: its base_url {base_url} "
                f"leads to {address_of(listener)}, where the gateway listens; change base_url, or choose "
                "another --port"
            )


def _is_own(name: str, listens_on: str) -> bool:
    """Whether a name leads to where a gateway listens."""
    here = ipaddress.ip_address(listens_on.partition("%")[0])
    try:
        found = {each[4][0] for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False  # nobody is asked there
    for text in found:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        if address == here or (address.is_unspecified and here.is_loopback):
            return True
        if here.is_unspecified and (address.version == 4 or here.version == 6) and _is_of_machine(address):
            return True
    return False


def _is_of_machine(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of this machine's: only those can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
