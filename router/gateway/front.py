"""What holds for every request before it is looked at: names of hosts, foreign web pages, the end of service.

A web page anywhere may have a browser send requests to a gateway on its user's machine. A name that leads to
that machine for a moment (DNS rebinding) shows in the Host header; a page elsewhere shows in Origin. There
are no cookies, so nothing else of a browser's could be borrowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.contract.reader import reader, told_to
from adapters.wire.json import encode
from router.gateway.answer import send_document
from router.gateway.failure import Failure, identified
from router.gateway.reader import GatewayReader

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from router.gateway.gateway import Gateway

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SEVERAL: Final = "?"
"""Stands for a header that a request has more than once."""
_ALIVE: Final = frozenset({"/healthz", "/metrics", "/health.json"})
"""Paths that are answered to the end."""


def document_of(failure: Failure) -> bytes:
    """Return a failure as a document that the clients of all APIs understand."""
    error = {
        "type": failure.kind,
        "message": failure.message,
        "param": failure.param,
        "code": failure.code,
    }
    return encode({"type": "error", "error": error, "request_id": failure.request_id})


async def send_plainly(send: Send, failure: Failure, *, close: bool = False) -> None:
    """Send a failure where it is not known which API the client speaks.

    Args:
        send: Takes the parts of the answer.
        failure: What is told.
        close: Whether the connection is closed after it.
    """
    failure = identified(failure)
    headers = [*failure.headers, *((("connection", "close"),) if close else ())]
    await send_document(send, failure.status, document_of(failure), headers)


class Front:
    """Stands before the application of a gateway.

    Args:
        gateway: Whose settings hold.
        behind: The application.
    """

    def __init__(self, gateway: Gateway, behind: ASGIApp) -> None:
        self._gateway = gateway
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        with told_to(GatewayReader(reader())):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        failure = self._refusal(scope, host, origin)
        if failure is not None:
            await send_plainly(send, failure, close=True)
            return
        if origin and origin in self._gateway.settings.cors:
            if scope["method"] == "OPTIONS":
                await send({"type": "http.response.start", "status": 204, "headers": _preflight(origin)})
                await send({"type": "http.response.body", "body": b""})
                return
            send = _allowing(origin, send)
        await self._behind(scope, receive, send)

    def _refusal(self, scope: Scope, host: str, origin: str) -> Failure | None:
        gateway = self._gateway
        if host == _SEVERAL or not self._knows(host):
            return _forbidden(
                f"the gateway is not called {host[:100]!r}; add the name to hosts in the table [gateway]",
                "host_not_allowed",
            )
        if origin and origin not in gateway.settings.cors and origin.partition("://")[2] != host:
            return _forbidden(
                f"web pages of {origin[:100]!r} may not call the gateway; "
                "add the origin to cors in the table [gateway]",
                "origin_not_allowed",
            )
        if gateway.draining and scope["path"] not in _ALIVE:
            return Failure(
                503,
                "service_unavailable_error",
                "the gateway is shutting down; ask again",
                "shutting_down",
                retry_after=1,
            )
        return None

    def _knows(self, host: str) -> bool:
        hosts = self._gateway.settings.hosts
        if not (self._gateway.local or hosts):
            return True
        name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
        return name in LOOPBACK or name in hosts


def _header(scope: Scope, name: bytes) -> str:
    found = [value for each, value in scope["headers"] if each == name]
    # Two of them are a trick: the one that is looked at here need not be the one that others look at.
    return found[0].decode("latin-1").strip().lower() if len(found) == 1 else _SEVERAL if found else ""


def _forbidden(message: str, code: str) -> Failure:
    return Failure(403, "invalid_request_error", message, code, repeats=False)


def _preflight(origin: str) -> list[tuple[bytes, bytes]]:
    return [
        *_cors(origin),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"authorization, *"),
        (b"access-control-max-age", b"600"),
    ]


def _cors(origin: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"*"),
        (b"vary", b"Origin"),
    ]


def _allowing(origin: str, send: Send) -> Send:
    async def allowing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_cors(origin)]}
        await send(message)

    return allowing
