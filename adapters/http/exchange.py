"""One HTTP exchange: sent, bounded, checked, and closed without leaving anything behind."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from adapters.contract.errors import AdapterError, ConnectionLost, ReplyTooLarge
from adapters.http.answer import WholeAnswer, text_of
from adapters.http.decoding import Decoded, codings_of
from adapters.http.failures import FAILED, error_from_transport
from adapters.http.transport import Exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from types import TracebackType

    from adapters.contract import Flow
    from adapters.contract.peer_text import PeerText
    from adapters.http.client import Client
    from adapters.http.stock import StockExchange

LONG_BODY: Final = 1 << 16
"""Bytes of a request that are more than the buffers of a connection take at once."""


class Answer:
    """One HTTP exchange, as an async context manager: sent on entering or by `ask` before, closed on leaving.

    Leaving early closes the connection; leaving after `ended()` reads on a little, so that it lives.

    Attributes:
        where: The step, for messages.
        status: The HTTP status.
        framed: Whether the end of the body can be told from a lost connection.
        received: Bytes of the body so far.
    """

    __slots__ = (
        "_alone", "_asked", "_client", "_closed", "_decoded", "_ended", "_exchange", "_flow", "_headers",
        "_joined", "_keyed", "_sent", "_shown", "framed", "received", "status", "where",
    )  # fmt: skip
    _headers: list[tuple[bytes, bytes]]

    def __init__(
        self,
        client: Client,
        exchange: Exchange | StockExchange,
        where: str,
        flow: Flow,
        sent: int,
        shown: PeerText,
        keyed: bool = False,
    ) -> None:
        self._client = client
        self._shown = shown  # masks what this request brought along, too
        self._keyed = keyed
        self._sent = sent  # bytes of the request's body
        self._exchange = exchange
        self._flow = flow
        self._joined: dict[bytes, bytes] | None = None
        self._decoded: Decoded | None = None  # where the body comes compressed
        self._ended = False
        self._closed = False
        self._asked = False
        self._alone: Exchange | None = None  # it does all the waiting
        self.where = where
        self.status = 0
        self.framed = False
        self.received = 0

    async def ask(self) -> None:
        """Send the request, and no more; entering then waits for the answer.

        What only the answer needs is made between the two, while the service works. Nothing is awaited there:
        the exchange is closed by leaving, or by a failure of its own.
        """
        try:
            await self._exchange.send_request()
        except FAILED as error:
            # `from None`: a shown traceback would lead into frames that hold the request's headers.
            raise self._failed(error) from None
        self._asked = True

    async def __aenter__(self) -> Answer:
        exchange = self._exchange
        if not self._asked:
            await self.ask()
        try:
            await exchange.receive_head()
        except FAILED as error:
            raise self._failed(error) from None
        self.status = exchange.status
        self._headers = exchange.headers
        self.framed = exchange.framed
        coded = self._value(b"content-encoding")
        if coded is not None and (codings := codings_of(coded)):
            self._decoded = Decoded(
                self,
                codings,
                shown=self._shown(", ".join(codings), 40),
                where=self.where,
                limit=self._client.limits.body,
                status=self.status,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        try:
            if self._ended and not self._exchange.complete and (kind is None or kind is GeneratorExit):
                await self._read_on()
        finally:
            await self._close()

    def alone(self) -> None:
        """Say that this exchange does all the waiting from now on, so that its waits can be limited singly.

        The router then needs no scope around a step of the adapter, and what is at hand costs no scope at
        all. Where httpx carries the exchange, nothing changes.
        """
        exchange = self._exchange
        if isinstance(exchange, Exchange):
            self._flow.interrupt = exchange.close
            self._flow.guarded = True
            self._alone = exchange

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the answer."""
        return httpx.Headers(self._headers)

    def header(self, name: str) -> str | None:
        """Return a header's value; those of several headers of the name are joined."""
        return self._value(name.lower().encode("ascii"))

    def _value(self, name: bytes) -> str | None:
        """Return the value of a header, named in lower case."""
        if self._joined is None:
            self._joined = joined = dict(self._headers)
            if len(joined) < len(self._headers):
                joined.clear()
                for key, value in self._headers:
                    joined[key] = joined[key] + b", " + value if key in joined else value
        found = self._joined.get(name)
        return None if found is None else text_of(found)

    def values_of(self, wanted: Mapping[bytes, str]) -> dict[str, str]:
        """Return those of the wanted headers that came: name -> value.

        Args:
            wanted: Names in lower case, as bytes and as text.
        """
        return {wanted[name]: self._value(name) or "" for name, _ in self._headers if name in wanted}

    def set_cookies(self) -> dict[str, str]:
        """Return the names and values of all Set-Cookie headers; attributes are left out."""
        lines = (text_of(value) for name, value in self._headers if name == b"set-cookie")
        pairs = (line.partition(";")[0].partition("=") for line in lines)
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    @property
    def reason(self) -> str:
        """The reason phrase as sent: some servers put their error there."""
        return text_of(self._exchange.reason)

    def chunks(self) -> AsyncIterator[bytes]:
        """Return the iterator over the body's bytes, as they arrive; decoded, where they come compressed.

        Raises:
            ConnectionLost: The body was cut.
            BadReply: The body breaks HTTP, or is in a coding that cannot be decoded.
            ReplyTooLarge: The body is over `Limits.body`, as it is sent or decoded.
        """
        return self if self._decoded is None else self._decoded

    def read(self) -> Awaitable[bytes]:
        """Return what to await for the next bytes of the body, as of `chunks`; empty at its end."""
        return self._read() if self._decoded is None else anext(self._decoded, b"")

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> bytes:
        if not (chunk := await self._read()):
            raise StopAsyncIteration
        return chunk

    async def _read(self) -> bytes:
        """Return the next bytes of the body as they are sent; empty at its end."""
        if self._closed:
            return b""
        exchange = self._exchange
        try:
            while (chunk := exchange.read_now()) is None:
                clock = self._flow.clock
                if clock is None or self._alone is None:
                    await exchange.more()
                    continue
                try:  # as long as the router's clock lets it
                    await self._alone.more(clock.begin())
                except httpx.ReadTimeout:
                    raise clock.expired() from None
                finally:
                    clock.end()
        except FAILED as error:
            await self._close()
            raise self._failed(error) from None
        if not chunk:
            self._closed = True  # by itself, at its end
            return b""
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
        return self._whole_answer(bytes(body))

    async def failure(self) -> AdapterError:
        """Return the error that this answer stands for, after a bounded look at its body."""
        limits = self._client.limits
        body = bytearray()
        if not self._exchange.complete:
            with anyio.move_on_after(limits.error_seconds):
                await self._begin_of_body(body, limits.error_body)
        elif self._decoded is not None:  # all of it is here, so nothing waits
            await self._begin_of_body(body, limits.error_body)
        else:
            body += self._exchange.read_now() or b""
        return self._client.error_from(self._whole_answer(bytes(body[: limits.error_body])))

    async def _begin_of_body(self, body: bytearray, limit: int) -> None:
        """Read the body into `body`, up to about `limit` bytes, or to its failure."""
        with suppress(AdapterError):
            async for chunk in self.chunks():
                body += chunk
                if len(body) >= limit:
                    return

    def _whole_answer(self, body: bytes) -> WholeAnswer:
        return WholeAnswer(
            self.status,
            self.reason,
            self._headers,
            body,
            self.where,
            self._shown,
            self._keyed,
            self._sent,
        )

    async def _read_on(self) -> None:
        limits = self._client.limits
        most = self.received + limits.drain
        with anyio.move_on_after(limits.drain_seconds), suppress(AdapterError):
            async for _ in self:
                if self.received > most:
                    return

    async def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if isinstance(self._exchange, Exchange):
            self._exchange.close()
            return
        with anyio.move_on_after(self._client.cleanup_timeout, shield=True):
            await self._exchange.aclose()

    def _failed(self, error: Exception) -> AdapterError:
        exchange = self._exchange
        reused = exchange.reused and not exchange.heard
        found = error_from_transport(
            error, self.where, self._client.address, self._client.check, reused=reused
        )
        if isinstance(found, ConnectionLost) and not exchange.heard and self._sent > LONG_BODY:
            found.ambiguous = True  # a server that refuses a long body closes while it is being sent
        return self._client.unconnected(found)
