"""The base of adapters that speak HTTP: configuration, one client, connection slots, errors by status."""

from __future__ import annotations

import http.cookiejar
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ClassVar, Final, Unpack

import anyio
import httpx

from adapters.contract import Adapter, Conditions, ProbeResult
from adapters.contract.errors import AdapterError, AuthenticationFailed, BadReply, Busy
from adapters.contract.message import nearest
from adapters.contract.secret import PeerText, Secret
from adapters.http.body import Body
from adapters.http.limits import Limits
from adapters.http.session import Session
from adapters.http.settings import (
    HTTPSettings,
    base_of,
    cookie_of,
    header_of,
    name_of,
    pairs_of,
    seconds_of,
    secret_of,
    token_of,
)
from adapters.http.status import error_for_status, retry_after_seconds
from adapters.http.transport import Hushed
from adapters.probing import finding
from adapters.wire.error_body import words

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from adapters.contract import ProbeLevel
    from adapters.http.exchange import WholeAnswer

try:
    _version = version("chat-router")
except PackageNotFoundError:  # the sources are used without being installed
    _version = "0"
USER_AGENT: Final = f"chat-router/{_version}"
_LOST: Final = httpx.Limits(max_keepalive_connections=0)


@cache
def _usual_tls() -> ssl.SSLContext:
    # Reading the certificates takes 20 ms, in which the event loop stands still: once is enough.
    return httpx.create_ssl_context(trust_env=False)


class HTTPAdapter(Adapter):
    """An adapter that speaks HTTP to one service.

    Args:
        base_url: Where the service is: http or https, with a path prefix where it has one. None points at
            the service's old public host, which is gone: `working` is False from the start then.
        settings: See `HTTPSettings`.

    Raises:
        TypeError: A setting is unknown; the nearest name is shown.
        ValueError: `base_url`, a header, a cookie or a timeout cannot be used; the message says why.
    """

    seed: ClassVar[str | None] = None
    """The old public host of the service."""

    def __init__(self, base_url: str | None = None, **settings: Unpack[HTTPSettings]) -> None:
        unknown = [key for key in settings if key not in HTTPSettings.__annotations__]
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no setting {unknown[0]!r}"
                f"{nearest(unknown[0], HTTPSettings.__annotations__)}"
            )
        if base_url is None and self.seed is None:
            raise TypeError(f"{type(self).__name__} needs base_url, the address of the service")
        self._base = base_of(self.seed if base_url is None else base_url)
        self.base_url = str(self._base)
        self.name = name_of(settings.get("name", type(self).name))
        self.model = settings.get("model", type(self).model)
        self.models = dict(pairs_of("models", settings.get("models", {})))
        self.limits = settings.get("limits", Limits())
        self.concurrency = self.limits.connections
        self.connect_timeout = seconds_of("connect_timeout", settings.get("connect_timeout", 5.0))
        self.cleanup_timeout = seconds_of("cleanup_timeout", settings.get("cleanup_timeout", 1.0))
        self.timeout_extension = {"connect": self.connect_timeout, "read": None, "write": None, "pool": None}
        headers = pairs_of("headers", settings.get("headers", {}))
        cookies = pairs_of("cookies", settings.get("cookies", {}))
        self._headers = {token_of(k, "header"): header_of(k, v) for k, v in headers}
        self._cookies = {token_of(k, "cookie"): cookie_of(k, v) for k, v in cookies}
        # The URL of a proxy may hold a password, so it is kept as the headers and cookies are.
        proxy = settings.get("proxy")
        self._proxy = None if proxy is None else secret_of("the proxy", proxy)
        self._transport = settings.get("transport")
        self._verify = settings.get("verify", True)
        self._trust_env = settings.get("trust_env", False)
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._slots: anyio.Semaphore | None = None
        self._urls: dict[str, httpx.URL] = {}
        hidden = [*self._headers.values(), *self._cookies.values(), *self.secrets()]
        self.shown = PeerText(hidden if self._proxy is None else [*hidden, self._proxy])
        if base_url is None:
            reason = f"the public host {self._base.host} is gone; give base_url, the address of a server"
            self._standing = replace(self._standing, working=False, reason=reason)

    # -- what a service's adapter may override --------------------------------------------------

    def secrets(self) -> tuple[Secret, ...]:
        """Return further secrets to mask in the peer's text; called once, at the end of construction."""
        return ()

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that carry credentials, revealed; called for each request."""
        return ()

    def explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the body of a failed answer stands for, where the body knows better."""
        return None

    async def reach(self, session: Session) -> ProbeResult:
        """Ask the service's cheapest endpoint, and return what it shows; no generation.

        Raises:
            AdapterError: The service does not answer as it should; the probe turns it into its result.
        """
        return ProbeResult(None, "this adapter has no probe")

    # -- the adapter's public face --------------------------------------------------------------

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Ask the service's cheapest endpoint (`reach`), or for an answer, and keep the finding in `working`.

        Raises:
            nothing but cancellation.
        """
        if level == "answer":
            return await super().probe(level)
        started = anyio.current_time()
        try:
            # Not counted, so that a probe never holds the slot that a request needs.
            async with Session(self, Conditions(), counted=False) as session:
                result = await self.reach(session)
        except Exception as error:  # noqa: BLE001 - a bug of the adapter must not end a health check
            result = finding(error, level)
        now = anyio.current_time()
        if result.working is not None:
            self._found(result.working, result.reason, now)
        return replace(result, seconds=now - started)

    async def aclose(self) -> None:
        """Close all connections. Idempotent; a later request opens new ones."""
        clients, self._clients = list(self._clients.values()), {}
        # A cancellation between two of them would leave the rest open.
        with anyio.move_on_after(self.cleanup_timeout, shield=True):
            for client in clients:
                await client.aclose()

    # -- for sessions ---------------------------------------------------------------------------

    def session(self, conditions: Conditions) -> Session:
        """Return the HTTP exchanges of one attempt, to be entered."""
        return Session(self, conditions)

    def client(self, *, fresh: bool = False) -> httpx.AsyncClient:
        """Return the client, made on first use; a `fresh` one keeps no connection alive."""
        if fresh not in self._clients:
            self._clients[fresh] = self._make_client(fresh=fresh)
        return self._clients[fresh]

    def _make_client(self, *, fresh: bool) -> httpx.AsyncClient:
        limits = _LOST
        if not fresh:
            idle = self.limits.idle_connections
            limits = httpx.Limits(max_keepalive_connections=idle, keepalive_expiry=self.limits.idle_seconds)
        verify = _usual_tls() if self._verify is True and not self._trust_env else self._verify
        proxy = self._proxy.reveal() if self._proxy else None
        transport = self._transport
        own = transport is None and not self._trust_env  # else httpx looks for the environment's proxies
        if own:
            transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits, proxy=proxy)
        # A jar that takes nothing: cookies of one answer never travel with a request by accident.
        nothing = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        return httpx.AsyncClient(
            cookies=nothing,
            limits=limits,
            proxy=None if own else proxy,
            transport=None if transport is None else Hushed(transport),
            verify=verify,
            trust_env=self._trust_env,
            follow_redirects=False,
        )

    async def take_slot(self, seconds: float) -> None:
        """Take a connection slot, waiting at most so long.

        httpx loses pool slots for good when a wait for its pool is cancelled, so nobody ever waits there.

        Raises:
            Busy: None became free.
        """
        slots = self._slots
        if slots is None:
            slots = self._slots = anyio.Semaphore(self.limits.connections, fast_acquire=True)
        try:
            slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(seconds):
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

    def build(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: tuple[tuple[str, str], ...],
        query: Mapping[str, str] | None,
    ) -> httpx.Request:
        """Return the request for a path below `base_url`, with the configured headers and cookies."""
        sent = {"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "identity", **dict(headers)}
        sent |= {name.lower(): value.reveal() for name, value in self._headers.items()}
        cookies = [f"{name}={value.reveal()}" for name, value in self._cookies.items()]
        if cookies:
            sent["cookie"] = "; ".join([*cookies, sent["cookie"]] if "cookie" in sent else cookies)
        sent.update(self.credentials())
        request = httpx.Request(method, self._url(path), headers=sent, content=content, params=query)
        request.stream = Body(content or b"")
        return request

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            prefix = self._base.raw_path.rstrip(b"/")
            url = self._base.copy_with(raw_path=prefix + path.encode("ascii"))
            if len(self._urls) < 32:  # the fixed paths; those with ids in them come after
                self._urls[path] = url
        return url

    @property
    def origin(self) -> str:
        """Scheme, host and port of the service, as an Origin header has it."""
        return str(self._base.copy_with(raw_path=b"")).rstrip("/")

    def error_from(self, answer: WholeAnswer) -> AdapterError:
        """Return the error for a failed answer: by its body where `explain` knows better, else by status."""
        error = self.explain(answer) or self._error_by_status(answer)
        error.provider = error.provider or self.name
        error.status = error.status or answer.status
        error.request_id = error.request_id or self._request_id(answer)
        if error.retry_after is None:
            error.retry_after = retry_after_seconds(answer.header)
        return error

    def _error_by_status(self, answer: WholeAnswer) -> AdapterError:
        kind = error_for_status(answer.status)
        said = self.words_of(answer) if answer.status >= 300 else ""  # it may be a reply, which is not told
        text = f"{answer.where} answered {answer.status} {self.shown(answer.reason, 60)}".rstrip()
        if 300 <= answer.status < 400:
            text += f", a redirect to {self._target(answer)}, which is never followed; check base_url"
            return BadReply(text)
        if kind is AuthenticationFailed:
            text += "; check the key or cookie"
        return kind(f"{text}: {said}" if said else text)

    def words_of(self, answer: WholeAnswer) -> str:
        """Return what the body of a failed answer says, fit to be shown; a page is only named."""
        return self.shown(words(answer.body))

    def _target(self, answer: WholeAnswer) -> str:
        try:
            url = self._base.join(answer.header("location") or "")
        except (httpx.InvalidURL, ValueError):
            return "an unreadable address"
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"  # httpx leaves user and password out of it
        return self.shown(origin, 100) if url.host else "an unreadable address"

    def _request_id(self, answer: WholeAnswer) -> str | None:
        value = answer.header("x-request-id")
        return None if value is None else self.shown(value, 100)
