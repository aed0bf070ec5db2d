"""An exchange over a stock client of httpx: where a proxy, a transport of the user, or a mock demands it.

httpcore, below httpx, hands bytes that lie behind an answer to the next request as its answer, and has no
way to see them. So a connection of it carries one exchange.
"""

from __future__ import annotations

import http.cookiejar
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import httpx

from adapters.http.transport import SAID, Hushed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ONCE: Final = httpx.Limits(max_keepalive_connections=0)
"""No connection is used twice."""
_CLOSE: Final = (b"Connection", b"close")


def checked_http2(wanted: bool) -> bool:
    """Return whether to speak HTTP/2.

    Raises:
        ValueError: It is wanted, and its package is not installed.
    """
    if wanted and find_spec("h2") is None:
        raise ValueError("http2=True needs the package h2: pip install '.[http2]' in chat-router's folder")
    return wanted


def stock_client(
    transport: httpx.AsyncBaseTransport | None,
    proxy: str | None,
    verify: Any,
    *,
    trust_env: bool,
    http2: bool = False,
) -> httpx.AsyncClient:
    """Return a client of httpx.

    Args:
        transport: Of the user, or None for httpx's own.
        proxy: Its URL, or None.
        verify: As httpx takes it.
        trust_env: Whether httpx looks for certificates in the environment.
        http2: Whether to speak HTTP/2 alone. Its frames say whose each byte is, so that a connection may
            carry many exchanges; falling back to HTTP/1.1 would carry several there as well.
    """
    if transport is None:
        # Certificates may come from the environment; which proxy does is decided already.
        limits = httpx.Limits(max_keepalive_connections=None) if http2 else ONCE
        transport = httpx.AsyncHTTPTransport(
            verify=verify, trust_env=trust_env, limits=limits, proxy=proxy, http1=not http2, http2=http2
        )
    # A jar that takes nothing: cookies of one answer never travel with a request by accident.
    nothing = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        cookies=nothing, transport=Hushed(transport), trust_env=False, follow_redirects=False
    )


def keeps_connections(transport: httpx.AsyncBaseTransport | None) -> bool:
    """Whether a transport of the user is httpx's own for HTTP/1.1, which may use a connection twice."""
    pool = getattr(transport, "_pool", None)
    return isinstance(transport, httpx.AsyncHTTPTransport) and not getattr(pool, "_http2", True)


def used_once(request: httpx.Request) -> None:
    """Make the connection of a request carry nothing after it."""
    request.headers = httpx.Headers([*request.headers.raw, _CLOSE])


class _Trace:
    """Listens to httpcore: was a connection made for this request?"""

    __slots__ = ("connected", "heard")

    def __init__(self) -> None:
        self.connected = False
        self.heard = False

    async def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        self.heard = True
        if name.startswith("connection.connect"):
            self.connected = True

    @property
    def reused(self) -> bool:
        return self.heard and not self.connected


class StockExchange:
    """One request and its answer over an `httpx.AsyncClient`; see `adapters.http.transport.Exchange`."""

    __slots__ = ("_client", "_next", "_raw", "_request", "_response", "_trace", "complete", "heard")
    _response: httpx.Response

    def __init__(
        self, client: httpx.AsyncClient, request: httpx.Request, timeouts: Mapping[str, Any]
    ) -> None:
        self._client = client
        self._request = request
        self._trace = _Trace()
        self._next: bytes | None = None
        self._raw: AsyncIterator[bytes] | None = None
        self.complete = False
        self.heard = False
        request.extensions = {"timeout": timeouts, "trace": self._trace}

    @property
    def reused(self) -> bool:
        """Whether the connection had carried an exchange before."""
        return self._trace.reused

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    @property
    def reason(self) -> bytes:
        """The reason phrase as sent."""
        extensions = self._response.extensions
        phrase: bytes = extensions.get(SAID) or extensions.get("reason_phrase", b"")
        return phrase

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of the answer in their order, names in lower case."""
        return [(name.lower(), value) for name, value in self._response.headers.raw]

    @property
    def framed(self) -> bool:
        """Whether the end of the body can be told from a lost connection."""
        headers = self._response.headers
        return "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()

    async def send_request(self) -> None:
        """Send the request, and read the head of the answer as well: httpx knows no step between."""
        self._response = await self._client.send(
            self._request, stream=True, auth=None, follow_redirects=False
        )
        self.heard = True
        if self._response.is_stream_consumed:  # the answer of a mock, whose body was given as bytes
            self._next, self.complete = self._response.content, True

    async def receive_head(self) -> None:
        """Do nothing: the head is here."""

    def read_now(self) -> bytes | None:
        """Return what `more` has read; empty at the end of the body; None where `more` has to read first."""
        data, self._next = self._next, None
        return b"" if data is None and self.complete else data

    async def more(self) -> None:
        """Read on. Its limit is that of the scope around it."""
        if self._raw is None:
            self._raw = self._response.aiter_raw()
        try:
            self._next = await anext(self._raw)
        except StopAsyncIteration:
            self.complete = True

    async def aclose(self) -> None:
        """Close it.

        Closing the response alone would leave the generators of httpx and httpcore behind, each a
        ResourceWarning on trio. They end when they are run on over what was read already, at most one read of
        the socket, to the closed connection.
        """
        self.complete = True
        await self._response.aclose()
        if self._raw is not None:
            with suppress(httpx.HTTPError, httpx.StreamError):
                async for _ in self._raw:
                    pass
