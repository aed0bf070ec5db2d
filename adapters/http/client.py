"""The HTTP of one provider: its connections, the headers of its requests, its limits, its errors."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import anyio
import httpx
from anyio.lowlevel import current_token

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    Busy,
    ConnectFailed,
    NotWorking,
    Unreachable,
)
from adapters.contract.hops import HOPS
from adapters.contract.message import EMPTY
from adapters.contract.peer_text import PeerText
from adapters.contract.reader import reader
from adapters.http.failures import CHECK_ADDRESS, CHECK_NETWORK, PROXY_SIGN_IN
from adapters.http.fingerprint import software_of
from adapters.http.heads import Heads
from adapters.http.limits import Limits
from adapters.http.proxies import may_name_a_proxy, proxy_of, unused_proxy
from adapters.http.settings import (
    HARMLESS_COOKIE,
    HARMLESS_HEADER,
    HTTPSettings,
    cookie_of,
    flag_of,
    header_of,
    hidden_of,
    is_placeholder,
    limits_of,
    pairs_of,
    shown_never,
    token_of,
    transport_of,
    verify_of,
)
from adapters.http.status import AMBIGUOUS, error_for_status, limits_bytes, wall_clock
from adapters.http.stock import StockExchange, checked_http2, keeps_connections, stock_client, used_once
from adapters.http.transport import StreamTransport, patched
from adapters.wire.error_body import words
from adapters.wire.vendor.errors import wait_beside
from adapters.wire.vendor.retry_after import may_be_told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.contract.secret import Secret
    from adapters.http.answer import WholeAnswer
    from adapters.http.cookies import CookieRenewal
    from adapters.http.transport import Exchange

VERSION: Final = "0.1.0"  # as in pyproject.toml; to look it up in what is installed takes 5 ms
USER_AGENT: Final = f"chat-router/{VERSION}"
_FIXED: Final = {"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "identity"}


@cache
def _usual_tls() -> ssl.SSLContext:
    # Reading the certificates takes 20 ms, in which the event loop stands still: once is enough.
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True)
class ServiceWords:
    """What messages about a service say of it.

    Attributes:
        software: What is expected at `base_url`, with its article. "": the adapter's own messages say so.
        key: The setting that gives a key. "": the adapter's own messages say so.
    """

    software: str = ""
    key: str = "headers or cookies"


class Client:
    """The HTTP of one provider. The exchanges of one attempt go through a `Session`.

    Args:
        name: The provider's name.
        base: Where the service is.
        service: What it is, and which setting gives a key, for messages.
        connect_timeout: Seconds for one connection.
        cleanup_timeout: Seconds for what is cleaned up at the service.
        settings: The others of `HTTPSettings`.
        secrets: Further secrets to mask in the peer's text.
        credentials: Returns the headers that carry credentials, revealed; called for each request.
        explain: Returns the error that the body of a failed answer stands for, or None where it has no words.

    Attributes:
        name: As given.
        base_url: As text.
        origin: Scheme, host and port, as an Origin header has them.
        address: Host and port, for messages.
        limits: See `Limits`.
        cleanup_timeout: As given.
        key_origin: Where the only key came from, for messages, where that is known.
        is_usual: Whether `base_url` is the service's own usual address, which the user did not write.
        shown: Makes text of the peer fit to be shown: secrets masked, cut, in one line.

    Raises:
        TypeError: A setting is of another type.
        ValueError: A header, a cookie or the proxy cannot be used.
    """

    def __init__(
        self,
        name: str,
        base: httpx.URL,
        service: ServiceWords,
        connect_timeout: float,
        cleanup_timeout: float,
        settings: HTTPSettings,
        *,
        secrets: tuple[Secret, ...],
        credentials: Callable[[], tuple[tuple[str, str], ...]],
        has_key: bool,
        explain: Callable[[WholeAnswer], AdapterError | None],
    ) -> None:
        self.name = name
        self._base = base
        self.base_url = str(base)
        self.origin = str(base.copy_with(raw_path=b"")).rstrip("/")
        port = base.port or (443 if base.scheme == "https" else 80)
        self.limits = limits_of(settings.get("limits", Limits()))
        self._service = service
        self.cleanup_timeout = cleanup_timeout
        self._timeouts = {"connect": connect_timeout, "read": None, "write": None, "pool": None}
        headers = pairs_of("headers", settings.get("headers", {}))
        cookies = pairs_of("cookies", settings.get("cookies", {}))
        sent = {token_of(k, "header"): header_of(k, v) for k, v in headers}
        sent_cookies = {token_of(k, "cookie"): cookie_of(k, v) for k, v in cookies}
        self._sent, self._cookies = sent, sent_cookies
        self._heads = Heads(base, _FIXED, sent, sent_cookies)
        self.renewal: CookieRenewal | None = None
        self.key_origin = ""
        self.is_usual = False
        self._transport = transport_of(settings.get("transport"))
        self._verify = verify_of(settings.get("verify", True))
        self._http2 = checked_http2(flag_of("http2", settings.get("http2", False)))
        self._trust_env = flag_of("trust_env", settings.get("trust_env", False))
        self._proxy = proxy_of(settings.get("proxy"), base, trust_env=self._trust_env)
        # As the environment is now: another look at each failure would cost more than the rest of its error.
        self._may_need_proxy = not (self._proxy or self._transport) and may_name_a_proxy(base.scheme)
        self.address = f"{base.host}:{port}" + (" through the proxy" if self._proxy else "")
        self.credentials = credentials
        self._explain = explain
        self._stock: httpx.AsyncClient | None = None
        self._streams = self._own_transport(connect_timeout)
        self._slots: anyio.Semaphore | None = None
        self._loop: object | None = None
        self._has_key = bool(sent or sent_cookies or secrets or has_key)
        hidden = [
            *hidden_of(headers, sent, HARMLESS_HEADER),
            *hidden_of(cookies, sent_cookies, HARMLESS_COOKIE),
            *secrets,
        ]
        hidden = shown_never(hidden)
        self.shown = PeerText(hidden if self._proxy is None else [*hidden, self._proxy])

    def take_cookies(self, cookies: Mapping[str, str | Secret]) -> None:
        """Send other cookies from here on.

        Raises:
            TypeError: A value is no text.
            ValueError: HTTP does not carry one of them.
        """
        taken = {token_of(k, "cookie"): cookie_of(k, v) for k, v in cookies.items()}
        self._heads = Heads(self._base, _FIXED, self._sent, taken)
        self._cookies = taken
        self.shown.hide(value.reveal() for value in taken.values())

    @property
    def asks_with(self) -> tuple[object, ...]:
        """What each request is sent to, through and with; it holds secrets."""
        proxy = None if self._proxy is None else self._proxy.reveal()
        parts = [sorted((n, v.reveal()) for n, v in part.items()) for part in (self._sent, self._cookies)]
        return self.base_url, proxy, self._trust_env, *parts

    @property
    def open_connections(self) -> int:
        """How many connections of our own transport are open."""
        return 0 if self._streams is None else self._streams.open_connections

    def enter_loop(self, loop: object | None = None) -> None:
        """Begin anew in another event loop: connections and slots of the last one are let go of.

        Clients of httpx are not closed, which would wait for a loop that may be gone.

        Args:
            loop: The token of the one that runs here, where the caller knows it.
        """
        if loop is None:
            loop = current_token()
        if loop is self._loop:
            return
        if self._loop is not None and self._loop != loop:
            self._stock = self._slots = None
            if self._streams is not None:
                self._streams.abandon()
        self._loop = loop
        if self._streams is not None:
            self._streams.loop = getattr(loop, "native_token", None)

    def _own_transport(self, connect_timeout: float) -> StreamTransport | None:
        """Return our own transport, or None where a setting needs httpx's."""
        own_tls = isinstance(self._verify, bool | ssl.SSLContext)
        stock = self._transport is not None or self._proxy is not None or self._trust_env or self._http2
        if stock or not own_tls:
            return None
        return StreamTransport(
            verify=self._verify,
            connect_timeout=connect_timeout,
            idle_connections=self.limits.idle_connections,
            idle_seconds=self.limits.idle_seconds,
        )

    @property
    def carrier(self) -> str:
        """What carries the requests, and why."""
        if self._transport is not None:
            return f"httpx, over the given {type(self._transport).__name__}"
        if self._proxy is not None:
            kind = "SOCKS proxy" if self._proxy.reveal().startswith("socks") else "proxy"
            return f"httpx, through the {kind}{', with HTTP/2' if self._http2 else ''}"
        if self._http2:
            return "httpx, with HTTP/2"
        if self._trust_env:
            return "httpx, since trust_env is on"
        if self._streams is None:
            return "httpx, since verify is neither a bool nor an SSLContext"
        return "httpx, since its methods are replaced (a mock, telemetry)" if patched() else "StreamTransport"

    async def aclose(self) -> None:
        """Close all connections. Idempotent; a later request opens new ones."""
        self.enter_loop()
        if self._streams is not None:
            await self._streams.aclose()
        stock, self._stock = self._stock, None
        if stock is not None:
            with anyio.move_on_after(self.cleanup_timeout, shield=True):
                await stock.aclose()

    def _stock_client(self) -> httpx.AsyncClient:
        if self._stock is None:
            verify = _usual_tls() if self._verify is True and not self._trust_env else self._verify
            proxy = self._proxy.reveal() if self._proxy else None
            self._stock = stock_client(
                self._transport, proxy, verify, trust_env=self._trust_env, http2=self._http2
            )
        return self._stock

    async def take_slot(self, *, wait: bool) -> None:
        """Take a connection slot. A router counts for itself, so only who asks an adapter directly does.

        httpx loses pool slots for good when a wait for its pool is cancelled, so nobody ever waits there.

        Raises:
            Busy: None is free, and it was not to be waited for.
        """
        slots = self._slots
        if slots is None:
            slots = self._slots = anyio.Semaphore(self.limits.connections, fast_acquire=True)
        try:
            slots.acquire_nowait()
        except anyio.WouldBlock:
            if wait:
                await slots.acquire()
                return
            raise Busy(
                f"{self.name}: all {self.limits.connections} connections are in use (Limits.connections)",
                provider=self.name,
            ) from None

    def give_slot_back(self) -> None:
        """Give a slot back that `take_slot` took."""
        if self._slots is not None:
            self._slots.release()

    def exchange(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: tuple[tuple[str, str], ...],
        query: Mapping[str, str] | None,
        credentials: tuple[tuple[str, str], ...] | None,
        *,
        fresh: bool,
    ) -> Exchange | StockExchange:
        """Return the exchange for a path below `base_url`, with the configured headers and cookies; not sent.

        Args:
            method: The HTTP method.
            path: Below `base_url`.
            content: The body.
            headers: Further headers; names in lower case.
            query: Fields of the query.
            credentials: Those of this attempt; None: the configured ones.
            fresh: Whether it needs a new connection.

        Raises:
            ValueError: Something has no form in HTTP.
        """
        if credentials is None:
            credentials = self.credentials()
        if credentials:
            self.shown.hide(value for _, value in credentials if not is_placeholder(value))
        if (hops := HOPS.get()) and not (self.is_usual and self._base.scheme == "https"):
            headers = (*headers, *hops)  # the public services that are known lead to no gateway
        if self._streams is not None and not patched():
            head = self._heads.head(method, path, headers, query, credentials)
            return self._streams.exchange(head, content or b"", fresh=fresh)
        request = self._heads.request(method, path, content or b"", headers, query, credentials)
        if keeps_connections(self._transport):
            used_once(request)
        return StockExchange(self._stock_client(), request, self._timeouts)

    def error_from(self, answer: WholeAnswer) -> AdapterError:
        """Return the error for a failed answer: by its body where `explain` knows better, else by status."""
        error = self._explain(answer) or self._error_by_status(answer)
        error.provider = error.provider or self.name
        error.status = error.status or answer.status
        error.request_id = error.request_id or self._request_id(answer)
        headers = answer.texts() if may_be_told(answer.names) else EMPTY
        error.retry_after = wait_beside(error, headers, wall_clock() if headers else None)
        advice = self._advice(error, answer)
        if advice:
            error.args = (f"{error}; {advice}",)
        return error

    @property
    def check(self) -> str:
        """What to do where the address may be wrong."""
        return CHECK_NETWORK if self.is_usual else CHECK_ADDRESS

    def unconnected(self, error: AdapterError) -> AdapterError:
        """Return `error`, with what to try where no connection was made."""
        if self._may_need_proxy and isinstance(error, Unreachable | ConnectFailed):
            advice = unused_proxy(self._base)
            if advice:
                error.args = (f"{error}; {advice}",)
        return error

    def _advice(self, error: AdapterError, answer: WholeAnswer) -> str:
        """Return what to do about an error, where it follows from the settings; else nothing."""
        words = self._service
        if limits_bytes(answer.status, answer.body):
            return f"the request's body is too large for its front server ({answer.sent} bytes)"
        if answer.status == PROXY_SIGN_IN:
            return "this is the word of a proxy, not of the service; " + reader().proxy_sign_in()
        has_key = self._has_key or answer.keyed
        if isinstance(error, AuthenticationFailed) and words.key and not has_key:
            return f"no key was sent; {reader().key(words.key, self.name)}"
        if isinstance(error, AuthenticationFailed) and self.key_origin and not answer.keyed:
            return f"the key came from {self.key_origin}"
        if type(error) is NotWorking and answer.status in (404, 405) and words.software:
            seen = software_of(answer)
            if seen and words.software.startswith(seen):
                hint = words.software.removeprefix(seen)
                return f"{seen} answers at {self.base_url}, but not at this path; check base_url{hint}"
            there = f" What answers there looks like {answer.shown(seen, 100)}." if seen else ""
            return f"is {self.base_url} {words.software}?{there}"
        return ""

    def _error_by_status(self, answer: WholeAnswer) -> AdapterError:
        kind = error_for_status(answer.status)
        # Below 300 the body may be a reply, which is not told.
        said = answer.shown(words(answer.body)) if answer.status >= 300 else ""
        text = f"{answer.where} answered {answer.status} {answer.shown(answer.reason, 60)}".rstrip()
        if 300 <= answer.status < 400:
            text += f", a redirect to {self._target(answer)}, which is never followed; check base_url"
            return BadReply(text)
        if (
            kind is AuthenticationFailed
            and (self._has_key or answer.keyed)
            and answer.status != PROXY_SIGN_IN
        ):
            text += "; check the key or cookie"
        ambiguous = answer.status in AMBIGUOUS
        return kind(f"{text}: {said}" if said else text, ambiguous=ambiguous)

    def _target(self, answer: WholeAnswer) -> str:
        try:
            url = self._base.join(answer.header("location") or "")
        except (httpx.InvalidURL, ValueError):
            return "an unreadable address"
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"  # httpx leaves user and password out of it
        return answer.shown(origin, 100) if url.host else "an unreadable address"

    def _request_id(self, answer: WholeAnswer) -> str | None:
        value = answer.header("x-request-id")
        return None if value is None else answer.shown(value, 100)
