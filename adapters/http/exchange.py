"""One HTTP exchange: sent, bounded, checked, and closed without leaving anything behind."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from adapters.contract.errors import AdapterError, ConnectionLost, ReplyTooLarge
from adapters.http.answer import WholeAnswer
from adapters.http.decoding import Decoded, codings_of
from adapters.http.failures import error_from_transport
from adapters.http.transport import SAID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    from adapters.http.client import Client

LONG_BODY: Final = 1 << 16
"""Bytes of a request that are more than the buffers of a connection take at once."""

# OSError: on asyncio, errors of TLS after the handshake come as they are.
_FAILED: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)


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


class Answer:
    """One HTTP exchange, as an async context manager: sent on entering, closed on leaving.

    Leaving early closes the connection; leaving after `ended()` reads on a little, so that it lives.

    Attributes:
        where: The step, for messages.
        status: The HTTP status.
        framed: Whether the end of the body can be told from a lost connection.
        received: Bytes of the body so far.
    """

    __slots__ = (
        "_client",
        "_decoded",
        "_ended",
        "_exhausted",
        "_fresh",
        "_raw",
        "_request",
        "_response",
        "framed",
        "received",
        "status",
        "where",
    )
    _response: httpx.Response

    def __init__(self, client: Client, request: httpx.Request, where: str, *, fresh: bool) -> None:
        self._client = client
        self._request = request
        self._fresh = fresh
        self._raw: AsyncIterator[bytes] | None = None
        self._decoded: Decoded | None = None  # where the body comes compressed
        self._ended = False
        self._exhausted = False
        self.where = where
        self.status = 0
        self.framed = False
        self.received = 0

    async def __aenter__(self) -> Answer:
        trace = _Trace()
        self._request.extensions = {"timeout": self._client.timeouts, "trace": trace}
        client = self._client.connections(fresh=self._fresh)
        try:
            self._response = await client.send(self._request, stream=True, auth=None, follow_redirects=False)
        except _FAILED as error:
            # `from None`: a shown traceback would lead into frames that hold the request's headers.
            lost = error_from_transport(error, self.where, self._client.address, reused=trace.reused)
            if isinstance(lost, ConnectionLost) and len(self._request.content) > LONG_BODY:
                lost.ambiguous = True  # a server that refuses a long body closes while it is being sent
            raise self._client.unconnected(lost) from None
        self.status = self._response.status_code
        headers = self._response.headers
        self.framed = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()
        codings = codings_of(self.header("content-encoding"))
        if codings:
            self._decoded = Decoded(
                self,
                codings,
                shown=self._client.shown(", ".join(codings), 40),
                where=self.where,
                limit=self._client.limits.body,
                status=self.status,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._ended and not self._exhausted and (kind is None or kind is GeneratorExit):
                await self._read_on()
        finally:
            if not self._exhausted:
                await self._close()

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the answer."""
        return self._response.headers

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value = self._response.headers.get(name)
        return None if value is None else str(value)

    def set_cookies(self) -> dict[str, str]:
        """Return the names and values of all Set-Cookie headers; attributes are left out."""
        pairs = (
            line.partition(";")[0].partition("=") for line in self._response.headers.get_list("set-cookie")
        )
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    @property
    def reason(self) -> str:
        """The reason phrase as sent: some servers put their error there."""
        phrase: bytes = self._response.extensions.get(SAID) or self._response.extensions.get(
            "reason_phrase", b""
        )
        try:
            return phrase.decode()
        except UnicodeDecodeError:
            return phrase.decode("latin-1")

    def chunks(self) -> AsyncIterator[bytes]:
        """Return the iterator over the body's bytes, as they arrive; decoded, where they come compressed.

        Raises:
            ConnectionLost: The body was cut.
            BadReply: The body breaks HTTP, or is in a coding that cannot be decoded.
            ReplyTooLarge: The body is over `Limits.body`, as it is sent or decoded.
        """
        return self if self._decoded is None else self._decoded

    def __aiter__(self) -> Answer:
        if self._raw is None:
            self._raw = self._response.aiter_raw()
        return self

    async def __anext__(self) -> bytes:
        raw = self._raw
        if raw is None:
            raise RuntimeError("iterate over chunks() with `async for`")
        try:
            chunk = await raw.__anext__()
        except StopAsyncIteration:
            self._exhausted = True
            raise
        except _FAILED as error:
            self._exhausted = True
            raise error_from_transport(error, self.where, self._client.address) from None
        self.received += len(chunk)
        if self.received > self._client.limits.body:
            raise ReplyTooLarge(
                f"{self.where}: the body is over {self._client.limits.body} bytes (Limits.body)"
            )
        return chunk

    def ended(self) -> None:
        """Say that the end mark was seen, so that leaving reads on a little and keeps the connection."""
        self._ended = True

    def located(self, error: AdapterError) -> AdapterError:
        """Return `error` of a codec, which cannot know the step, with the step it happened in."""
        said = str(error)
        if not said.startswith(self.where):
            error.args = (f"{self.where}: {said}",)
        error.status = error.status or self.status
        return error

    async def whole(self, limit: int | None = None) -> WholeAnswer:
        """Read the body to its end.

        Args:
            limit: Bytes at most; `Limits.reply` by default.

        Raises:
            ReplyTooLarge: There is more.
            ConnectionLost: The body was cut.
        """
        limit = limit or self._client.limits.reply
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise ReplyTooLarge(f"{self.where}: the body is over {limit} bytes")
        return WholeAnswer(self.status, self.reason, self._response.headers, bytes(body), self.where)

    async def failure(self) -> AdapterError:
        """Return the error that this answer stands for, after a bounded look at its body."""
        limits = self._client.limits
        body = bytearray()
        with anyio.move_on_after(limits.error_seconds), suppress(AdapterError):
            async for chunk in self.chunks():
                body += chunk
                if len(body) >= limits.error_body:
                    break
        part = bytes(body[: limits.error_body])
        return self._client.error_from(
            WholeAnswer(self.status, self.reason, self._response.headers, part, self.where)
        )

    async def _read_on(self) -> None:
        limits = self._client.limits
        most = self.received + limits.drain
        with anyio.move_on_after(limits.drain_seconds), suppress(AdapterError):
            async for _ in self:
                if self.received > most:
                    return

    async def _close(self) -> None:
        # Closing the response alone would leave the generators of httpx and httpcore behind, each a
        # ResourceWarning on trio. They end when they are run on over what was read already, at most one
        # read of the socket, to the closed connection.
        self._exhausted = True
        with anyio.move_on_after(self._client.cleanup_timeout, shield=True):
            await self._response.aclose()
            if self._raw is not None:
                with suppress(*_FAILED):
                    async for _ in self._raw:
                        pass
