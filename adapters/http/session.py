"""The HTTP exchanges of one attempt: sent, bounded, checked, and closed without leaving anything behind."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio
import httpx

from adapters.errors import (
    AdapterError,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    ReplyTooLarge,
    ServiceFailed,
)
from adapters.http.failures import error_from_transport
from adapters.wire.json import decode, encode
from adapters.wire.meter import Meter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from types import TracebackType

    from adapters.contract import Conditions
    from adapters.http.adapter import HTTPAdapter

JSON: Final = (("content-type", "application/json"),)
FORM: Final = (("content-type", "application/x-www-form-urlencoded"),)
_FAILED: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)


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


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer read to its end, or to a limit where it is an error.

    Attributes:
        status: The HTTP status.
        reason: The reason phrase as sent.
        headers: Of the answer.
        body: The bytes of the body.
        where: The step, for messages: provider, method and path.
    """

    status: int
    reason: str
    headers: httpx.Headers
    body: bytes
    where: str

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value = self.headers.get(name)
        return None if value is None else str(value)

    def json(self) -> Any:
        """Return the body's JSON value.

        Raises:
            BadReply: The body is not JSON.
        """
        try:
            return decode(self.body)
        except BadReply as error:
            raise BadReply(f"{self.where}: {error}", status=self.status) from None


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
        "_adapter",
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

    def __init__(self, adapter: HTTPAdapter, request: httpx.Request, where: str, *, fresh: bool) -> None:
        self._adapter = adapter
        self._request = request
        self._fresh = fresh
        self._raw: AsyncIterator[bytes] | None = None
        self._ended = False
        self._exhausted = False
        self.where = where
        self.status = 0
        self.framed = False
        self.received = 0

    async def __aenter__(self) -> Answer:
        trace = _Trace()
        self._request.extensions = {"timeout": self._adapter.timeout_extension, "trace": trace}
        client = self._adapter.client(fresh=self._fresh)
        try:
            self._response = await client.send(self._request, stream=True, auth=None, follow_redirects=False)
        except _FAILED as error:
            # `from None`: a shown traceback would lead into frames that hold the request's headers.
            raise error_from_transport(error, self.where, reused=trace.reused) from None
        self.status = self._response.status_code
        headers = self._response.headers
        self.framed = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            await self._close()
            raise BadReply(
                f"{self.where}: the body is encoded as {self._adapter.shown(encoding, 40)!r}, though only identity "
                "was asked for",
                status=self.status,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended and not self._exhausted and (kind is None or kind is GeneratorExit):
            await self._read_on()
        if not self._exhausted:
            await self._close()

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
        phrase: bytes = self._response.extensions.get("reason_phrase", b"")
        try:
            return phrase.decode()
        except UnicodeDecodeError:
            return phrase.decode("latin-1")

    def chunks(self) -> Answer:
        """Return the iterator over the body's bytes, as they arrive.

        Raises:
            ConnectionLost: The body was cut.
            BadReply: The body breaks HTTP.
            ReplyTooLarge: The body is over `Limits.body`.
        """
        return self

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
            raise error_from_transport(error, self.where) from None
        self.received += len(chunk)
        if self.received > self._adapter.limits.body:
            raise ReplyTooLarge(
                f"{self.where}: the body is over {self._adapter.limits.body} bytes (Limits.body)"
            )
        return chunk

    def ended(self) -> None:
        """Say that the end mark was seen, so that leaving reads on a little and keeps the connection."""
        self._ended = True

    async def whole(self, limit: int | None = None) -> WholeAnswer:
        """Read the body to its end.

        Args:
            limit: Bytes at most; `Limits.reply` by default.

        Raises:
            ReplyTooLarge: There is more.
            ConnectionLost: The body was cut.
        """
        limit = limit or self._adapter.limits.reply
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise ReplyTooLarge(f"{self.where}: the body is over {limit} bytes")
        return WholeAnswer(self.status, self.reason, self._response.headers, bytes(body), self.where)

    async def failure(self) -> AdapterError:
        """Return the error that this answer stands for, after a bounded look at its body."""
        limits = self._adapter.limits
        body = bytearray()
        with anyio.move_on_after(limits.error_seconds), suppress(AdapterError):
            async for chunk in self.chunks():
                body += chunk
                if len(body) >= limits.error_body:
                    break
        part = bytes(body[: limits.error_body])
        return self._adapter.error_from(
            WholeAnswer(self.status, self.reason, self._response.headers, part, self.where)
        )

    async def _read_on(self) -> None:
        limits = self._adapter.limits
        most = self.received + limits.drain
        with anyio.move_on_after(limits.drain_seconds), suppress(AdapterError):
            async for _ in self.chunks():
                if self.received > most:
                    return

    async def _close(self) -> None:
        # Closing the response alone would leave the generators of httpx and httpcore behind, each a
        # ResourceWarning on trio; one more step runs them to their end.
        self._exhausted = True
        with anyio.move_on_after(self._adapter.cleanup_timeout, shield=True):
            await self._response.aclose()
            if self._raw is not None:
                with suppress(StopAsyncIteration, *_FAILED):
                    await self._raw.__anext__()


class Session:
    """The exchanges of one `stream()` or `probe()` call, as an async context manager.

    It holds a connection slot for all of them, so that a clean-up always finds one.

    Attributes:
        meter: Counts the characters delivered, and items without content.
    """

    __slots__ = ("_adapter", "_conditions", "_steps", "meter")

    def __init__(self, adapter: HTTPAdapter, conditions: Conditions) -> None:
        self._adapter = adapter
        self._conditions = conditions
        self._steps = 0
        self.meter = Meter(adapter.limits.reply, adapter.limits.empty)

    async def __aenter__(self) -> Session:
        await self._adapter.take_slot(0.0 if self._conditions.others_left else self._adapter.limits.slot_wait)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._adapter.give_slot_back()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the exchange of one request; enter it to send it.

        Args:
            method: The HTTP method.
            path: Below `base_url`, beginning with a slash; ids in it come from `segment()`.
            json: A value to send as JSON.
            form: Fields to send as a urlencoded form.
            content: Bytes to send as they are; give the content type in `headers`.
            headers: Further headers.
            query: Fields of the query.

        Raises:
            BadReply: The attempt has used up its requests (`Limits.steps`).
        """
        self._steps += 1
        if self._steps > self._adapter.limits.steps:
            raise BadReply(
                f"{self._adapter.name}: one reply took more than {self._adapter.limits.steps} requests "
                "(Limits.steps)"
            )
        return self._answer(
            method, path, json, form, content, headers, query, self._conditions.fresh_connection
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        query: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
    ) -> WholeAnswer:
        """Send one request and read the whole answer.

        Args:
            method: As of `exchange`.
            path: As of `exchange`.
            json: As of `exchange`.
            form: As of `exchange`.
            headers: As of `exchange`.
            query: As of `exchange`.
            ok: The statuses that are no failure.

        Raises:
            AdapterError: Any other status, or a failure of the transport.
        """
        exchange = self.exchange(method, path, json=json, form=form, headers=headers, query=query)
        async with exchange as answer:
            if answer.status not in ok:
                raise await answer.failure()
            return await answer.whole()

    async def clean_up(
        self,
        method: str,
        path: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        json: Any = None,
        query: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200, 404),
    ) -> None:
        """Send one request of a clean-up, in the adapter's `finally`: shielded, bounded, with one more try.

        A failure is told to `Conditions.on_leftover` and never raised. The second try, after a lost or
        refused connection, uses a fresh one: bytes left over from the reply can spoil a kept-alive one.
        """
        with self.cleaning_up():
            for fresh in (self._conditions.fresh_connection, True):
                answer = self._answer(method, path, json, None, None, headers, query, fresh)
                try:
                    async with answer:
                        if answer.status not in ok:
                            raise await answer.failure()
                        answer.ended()
                        return
                except (ConnectionLost, ConnectFailed, BadReply) as error:
                    lost = error
            raise lost

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """Shield and bound what runs inside; its failure is told to `Conditions.on_leftover`, never raised.

        It stands in a `finally` around awaits only, never around a `yield` of an async generator.
        """
        seconds = self._adapter.cleanup_timeout
        with anyio.move_on_after(seconds, shield=True) as scope:
            try:
                yield
            except AdapterError as error:
                error.provider = error.provider or self._adapter.name
                self._conditions.on_leftover(error)
        if scope.cancelled_caught:
            self._conditions.on_leftover(
                ServiceFailed(
                    f"{self._adapter.name}: the clean-up took longer than {seconds:g} s and was given up; "
                    "something may be left at the service",
                    provider=self._adapter.name,
                )
            )

    def _answer(
        self,
        method: str,
        path: str,
        json: Any,
        form: Mapping[str, str] | None,
        content: bytes | None,
        headers: tuple[tuple[str, str], ...],
        query: Mapping[str, str] | None,
        fresh: bool,
    ) -> Answer:
        if json is not None:
            content, headers = encode(json), JSON + headers
        elif form is not None:
            content, headers = urlencode(form).encode(), FORM + headers
        request = self._adapter.build(method, path, content, headers, query)
        return Answer(self._adapter, request, f"{self._adapter.name}: {method} {path}", fresh=fresh)
