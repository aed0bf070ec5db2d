"""Which proxy a service is reached through, and whether its address can work; checked where it is given."""

from __future__ import annotations

import ipaddress
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies

import httpx

from adapters.contract.reader import reader
from adapters.http.settings import secret_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.contract.secret import Secret

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_USUAL: Final = {"http": 80, "https": 443}


def proxy_of(value: str | Secret | None, base: httpx.URL, *, trust_env: bool) -> Secret | None:
    """Return the address of the proxy for a service, which may hold a password, or None where it has none.

    Args:
        value: As given; it comes before the environment.
        base: Where the service is.
        trust_env: Whether the environment may name one.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be used; the message says where it was given and what to write.
    """
    if value is not None:
        return _checked("proxy", secret_of("proxy", value))
    return proxy_from_environment(base) if trust_env else None


def proxy_from_environment(base: httpx.URL) -> Secret | None:
    """Return the address of the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names for a service.

    NO_PROXY takes out hosts, domains with all below them, addresses and ranges of addresses, each with a port
    where one is wanted; `*` takes out everything.

    Raises:
        ValueError: What stands there cannot be used.
    """
    named = getproxies()
    for kind in (base.scheme, "all"):
        if named.get(kind):
            address = named[kind]
            variable = f"{kind.upper()}_PROXY"
            found = _checked(
                variable, secret_of(variable, address if "://" in address else f"http://{address}")
            )
            return None if any(_excepts(each, base) for each in _entries(named.get("no", ""))) else found
    return None


def may_name_a_proxy(scheme: str) -> bool:
    """Whether the usual variables are set, or the system has settings: to read all of it costs more."""
    if sys.platform in ("darwin", "win32"):
        return True
    names = (f"{scheme}_proxy", "all_proxy")
    return any(os.environ.get(each) or os.environ.get(each.upper()) for each in names)


def unused_proxy(base: httpx.URL) -> str:
    """Return what to say of a failed connection where the environment names a proxy that is not used."""
    with suppress(ValueError):
        if proxy_from_environment(base) is not None:
            variable = f"{base.scheme.upper()}_PROXY" if getproxies().get(base.scheme) else "ALL_PROXY"
            return f"the environment names a proxy ({variable}), which is not used; {reader().trust_env()}"
    return ""


def _checked(what: str, secret: Secret) -> Secret:
    """Return the address of a proxy.

    Raises:
        ValueError: It cannot be used. The message shows nothing of it, since it may hold a password.
    """
    try:
        url = httpx.URL(secret.reveal())
        scheme, port = url.scheme, url.port
    except (httpx.InvalidURL, ValueError):
        raise ValueError(f"{what} cannot be read as an address; write http://host:port") from None
    if scheme not in _SCHEMES or "://" not in secret.reveal():
        raise ValueError(
            f"{what} must begin with one of {', '.join(f'{each}://' for each in _SCHEMES)}; "
            "write for example http://host:port"
        )
    if not url.host:
        raise ValueError(f"{what} names no host; write for example {scheme}://host:port")
    if port is not None and not 0 < port < 1 << 16:
        raise ValueError(f"{what} has the port {port}; ports are 1 to 65535")
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValueError(
            f"{what} is a SOCKS proxy, which needs the package socksio: "
            "pip install '.[socks]' in chat-router's folder"
        )
    return secret


def _entries(no_proxy: str) -> Iterator[str]:
    return (entry for entry in (each.strip().lower() for each in no_proxy.split(",")) if entry)


def _excepts(entry: str, base: httpx.URL) -> bool:
    """Whether an entry of NO_PROXY takes out a service.

    Raises:
        ValueError: It is a range of addresses that is none, or has a port that is none.
    """
    if entry == "*":
        return True
    scheme, mark, rest = entry.rpartition("://")
    if mark and scheme not in ("all", base.scheme):
        return False
    host = base.host.strip("[]")
    if "/" in rest:
        return _in_range(host, rest, entry)
    name, port = _with_port(rest)
    if port and (base.port or _USUAL.get(base.scheme)) != int(port):
        return False
    with suppress(ValueError):
        return ipaddress.ip_address(host) == ipaddress.ip_address(name.strip("[]"))
    name = name.lstrip("*.")
    return host == name or host.endswith(f".{name}")


def _in_range(host: str, text: str, entry: str) -> bool:
    try:
        network = ipaddress.ip_network(text.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        raise ValueError(
            f"NO_PROXY holds {entry!r}, which is no range of addresses; write for example 10.0.0.0/8"
        ) from None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False  # a name; it is not looked up for this
    return address.version == network.version and address in network


def _with_port(text: str) -> tuple[str, str]:
    """Return a host and its port, "" where it has none."""
    name, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
        return name, port
    return text, ""
