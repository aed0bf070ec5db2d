"""The exceptions of the transport, mapped to ours at one frontier. Pure."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from typing import Final

import anyio
import httpx

from adapters.contract.errors import (
    AdapterError,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    LocalFailure,
    ReplyTooLarge,
    Unreachable,
)
from adapters.contract.reader import reader

FAILED: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    BadReply,
    anyio.ClosedResourceError,
    OSError,  # on asyncio, errors of TLS after the handshake come as they are
)
"""What a transport raises, httpx's or our own."""

_OURS: Final = {
    errno.EMFILE: "no file descriptors are left; raise the limit (ulimit -n) or open fewer streams",
    errno.ENFILE: "no file descriptors are left on this machine",
    errno.ENETUNREACH: "this machine has no route there; check the network",
    errno.EHOSTUNREACH: "this machine has no route there; check the network",
    errno.EADDRNOTAVAIL: "no local address or port is free",
    errno.ENOBUFS: "this machine has no buffers left",
}
_TEMPORARY: Final = (socket.EAI_AGAIN,)
_QUOTED: Final = re.compile(r":?\s*(?:bytearray\(|\bb['\"])")
_STATUS: Final = re.compile(r"[1-5][0-9]{2}\b")
PROXY_SIGN_IN: Final = 407
CHECK_ADDRESS: Final = "check base_url"
CHECK_NETWORK: Final = "check the network and the DNS of this machine"
"""In place of `CHECK_ADDRESS` where the address is the service's own."""
_CUT: Final = ("disconnected", "closed connection", "incomplete")


def error_from_transport(
    error: Exception, where: str, address: str, check: str = CHECK_ADDRESS, *, reused: bool = False
) -> AdapterError:
    """Return our error for an exception of a transport.

    Args:
        error: One of `FAILED`.
        where: The step, for the message: provider, method and path.
        address: Host and port of the service.
        check: What to do where the address may be wrong, such as `CHECK_ADDRESS`.
        reused: Whether the request went over a kept-alive connection and no byte of an answer had come.
    """
    if isinstance(error, httpx.ConnectError):  # the most usual one
        return _connect_error(error, where, address, check)
    if isinstance(error, ReplyTooLarge):
        return ReplyTooLarge(f"{where}: {_words(error)}; {check}")
    if isinstance(error, BadReply):
        return BadReply(f"{where}: the answer is not HTTP ({_words(error)}); {check}")
    if isinstance(error, anyio.ClosedResourceError):
        return ConnectionLost(f"{where}: the connection was closed meanwhile, by aclose()")
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(
            f"{where}: no connection to {address} within the connect timeout; {check}, or wait"
        )
    if isinstance(error, httpx.ProxyError):
        return _proxy_error(error, where)
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | httpx.UnsupportedProtocol):
        return InvalidRequest(f"{where}: the request cannot be sent ({_words(error)}); check headers and URL")
    if isinstance(error, httpx.RemoteProtocolError) and not any(word in _words(error) for word in _CUT):
        return BadReply(f"{where}: the answer is not HTTP ({_words(error)}); {check}")
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.TimeoutException | OSError):
        ours = _our_fault(_numbers(_causes(error)))
        if ours:
            return LocalFailure(f"{where}: {ours}")
        return ConnectionLost(f"{where}: the connection was lost ({_words(error)})", reused=reused)
    return BadReply(f"{where}: the answer could not be read ({_words(error)})")


def _proxy_error(error: httpx.ProxyError, where: str) -> AdapterError:
    # Behind the status stands what the proxy says, who may quote the password that it was sent.
    status = _STATUS.match(str(error))
    said = f"it answered {status[0]}" if status else "see its log"
    if status and int(status[0]) == PROXY_SIGN_IN:
        text = f"{where}: the proxy demands a sign-in; {reader().proxy_sign_in()}"
        return Unreachable(text, status=PROXY_SIGN_IN)
    return Unreachable(f"{where}: the proxy refused ({said}); check the proxy setting")


def _connect_error(error: httpx.ConnectError, where: str, address: str, check: str) -> AdapterError:
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Unreachable(
                f"{where}: TLS with {address} failed ({_words(cause)}); check the certificate, and that the "
                "service speaks https"
            )
        if isinstance(cause, socket.gaierror):
            if cause.errno in _TEMPORARY:
                return ConnectFailed(f"{where}: the name of {address} could not be resolved for now")
            return Unreachable(f"{where}: there is no host of the name of {address}; {check}")
    numbers = _numbers(causes)
    ours = _our_fault(numbers)
    if ours:
        return LocalFailure(f"{where}: {ours}")
    return ConnectFailed(
        f"{where}: no connection to {address} ({_why(error, numbers)}); is the service running there?"
    )


def _our_fault(numbers: list[int]) -> str | None:
    for number in numbers:
        if number in _OURS:
            return _OURS[number]
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and all that led to it, groups opened, each once."""
    found: list[BaseException] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    for current in waiting:  # which grows meanwhile
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        found.append(current)
        waiting += (current.__cause__, current.__context__)
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
    return found


def _numbers(causes: list[BaseException]) -> list[int]:
    """Return the numbers that the system gave to errors, where it did."""
    return [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno is not None]


def _why(error: Exception, numbers: list[int]) -> str:
    """Return the system's word where there is one; what wraps it only says that all attempts failed."""
    for number in numbers:
        if number in errno.errorcode:
            return os.strerror(number).lower()
    return _words(error)


def _words(error: BaseException) -> str:
    # Texts of transport errors are short and of the local libraries. Those about HTTP quote what broke its
    # rules: bytes of the peer, who may quote a key, or a header of ours.
    text = str(error)
    if isinstance(error, httpx.ProtocolError):
        text = _QUOTED.split(text, maxsplit=1)[0]
    text = " ".join(text.split())[:120]
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text or type(error).__name__
