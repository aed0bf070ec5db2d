"""Where a gateway listens, and what that demands."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
