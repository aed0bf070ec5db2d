"""The base of adapters that speak HTTP: their settings, and what a service's adapter overrides."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack

import anyio
from anyio.lowlevel import current_token

from adapters.answer_probe import finding
from adapters.contract import Adapter, Conditions, ProbeResult
from adapters.contract.allowances import budget_of, count_of
from adapters.http.client import Client, ServiceWords
from adapters.http.cookies import CookieRenewal, SiteCookies, site_cookies
from adapters.http.session import Session
from adapters.http.settings import (
    HTTPSettings,
    base_of,
    is_unchecked,
    model_of,
    name_of,
    no_setting,
    pairs_of,
    parameters_of,
    seconds_of,
)

if TYPE_CHECKING:
    import httpx

    from adapters.contract import ProbeLevel
    from adapters.contract.errors import AdapterError
    from adapters.contract.secret import Secret
    from adapters.http.answer import WholeAnswer
    from adapters.http.keys import Keys


_PROCESS: Final = os.urandom(16)
"""What makes digests of credentials worthless elsewhere."""


class HTTPAdapter(Adapter):
    """An adapter that speaks HTTP to one service.

    A service's adapter implements `stream`, which asks through `self._session(request.conditions)`, and may
    override the methods `_reach`, `_explain`, `_secrets` and `_credentials`.

    Args:
        base_url: Where the service is: http or https, with a path prefix where it has one. None points at
            the service's old public host, which is gone: `working` is False from the start then.
        settings: See `HTTPSettings`.

    Attributes:
        base_url: Where the service is.
        limits: See `Limits`.
        connect_timeout: Seconds for one connection.
        cleanup_timeout: Seconds for what is cleaned up at the service after a reply.

    Raises:
        TypeError: A setting is unknown; the nearest name is shown.
        ValueError: `base_url`, a header, a cookie or a timeout cannot be used; the message says why.
    """

    _seed: ClassVar[str | None] = None
    """The old public host of the service."""
    _words: ClassVar[ServiceWords] = ServiceWords()
    """What messages say of the service."""
    _keys: Keys | None = None
    """The keys, where the service takes one; set before `HTTPAdapter` is initialised."""

    if not TYPE_CHECKING:  # which refuses these by itself

        def __new__(cls, *args: Any, **settings: Any) -> HTTPAdapter:
            """Return the adapter, before its constructor.

            Raises:
                TypeError: The address was given under another name; said before Python says that `base_url`
                    is missing.
            """
            wanted = signature(cls.__init__).parameters.get("base_url")
            if wanted is not None and wanted.default is Parameter.empty and not args:
                known = parameters_of(cls)
                for name in () if "base_url" in settings else settings:
                    if name not in known:
                        raise TypeError(no_setting(cls, name, settings[name], known))
            return super().__new__(cls)

    def __init__(self, base_url: str | None = None, **settings: Unpack[HTTPSettings]) -> None:
        self._refuse_unknown(settings)
        if base_url is None and self._seed is None:
            raise TypeError(f"{type(self).__name__} needs base_url, the address of the service")
        base = base_of(self._seed if base_url is None else base_url)
        self.base_url = str(base)
        self.per_request = frozenset({"headers"} if self._keys is None else {"headers", "api_key"})
        self.name = name_of(settings.get("name", type(self).name))
        self.model = model_of(settings.get("model", type(self).model))
        self.models = dict(pairs_of("models", settings.get("models", {})))
        self.connect_timeout = seconds_of("connect_timeout", settings.get("connect_timeout", 5.0))
        self.cleanup_timeout = seconds_of("cleanup_timeout", settings.get("cleanup_timeout", 1.0))
        given = settings.get("cookies", {})
        cookies = self._read_cookies(given, base)
        settings["cookies"] = cookies.values
        self._client = Client(
            self.name,
            base,
            self._words,
            self.connect_timeout,
            self.cleanup_timeout,
            settings,
            secrets=self._secrets(),
            credentials=self._credentials,
            has_key=bool(self._keys),
            explain=self._explain,
        )
        self._client.key_origin = "" if self._keys is None else self._keys.origin
        self._renew_from(given, base, "", cookies)
        self.limits = self._client.limits
        self._keep_within(settings)
        if is_unchecked(settings.get("verify", True)):
            said = "certificates are not checked (verify=False)"
            self.cautions = (*self.cautions, said)
            warnings.warn(
                f"{self.name}: {said}: whoever is on the way can read the key and all that is said",
                stacklevel=2,
            )
        if base_url is None:
            reason = f"the public host {base.host} is gone; give base_url, the address of a server"
            self._standing = replace(self._standing, working=False, reason=reason)

    def _keep_within(self, settings: HTTPSettings) -> None:
        """Take the clocks and limits that hold for this provider alone."""
        first_content, stall = settings.get("first_content"), settings.get("stall")
        self.first_content = None if first_content is None else seconds_of("first_content", first_content)
        self.stall = None if stall is None else seconds_of("stall", stall)
        own = count_of("concurrency", settings.get("concurrency"))
        self.concurrency = self.limits.connections if own is None else min(own, self.limits.connections)
        self.requests_per_minute = count_of("requests_per_minute", settings.get("requests_per_minute"))
        self.tokens_per_minute = count_of("tokens_per_minute", settings.get("tokens_per_minute"))
        self.daily_requests = count_of("daily_requests", settings.get("daily_requests"))
        self.budget = budget_of(settings.get("budget"))

    def _read_cookies(self, given: object, base: httpx.URL) -> SiteCookies:
        """Return the configured cookies; what is not sent of them is told."""
        cookies = site_cookies(given, base)
        self._cookie_names = frozenset(cookies.values)
        if cookies.left_out:
            self.cautions = (f"cookies of {cookies.source} that are not sent: {'; '.join(cookies.left_out)}",)
        return cookies

    def _renew_from(self, given: object, base: httpx.URL, path: str, known: SiteCookies) -> None:
        """Read cookies of a file or store again when the service refuses them; a mapping has no others."""
        if not isinstance(given, Mapping):
            self._client.renewal = CookieRenewal(given, base, path, known, self._take_cookies)

    def _take_cookies(self, found: SiteCookies) -> None:
        """Use other cookies from here on.

        Raises:
            TypeError: They cannot be used.
            ValueError: They cannot be used.
        """
        self._client.take_cookies(found.values)

    # -- what a service's adapter may override --------------------------------------------------

    def _secrets(self) -> tuple[Secret, ...]:
        """Return further secrets to mask in the peer's text; called once, during construction."""
        return () if self._keys is None else self._keys.fixed

    def _credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that carry credentials, revealed; called for each request."""
        return () if self._keys is None else self._keys.credentials()

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the body of a failed answer stands for, where the body knows better."""
        return None

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask the service's cheapest endpoint, and return what it shows; no reply is made.

        Raises:
            AdapterError: The service does not answer as it should; the probe turns it into its result.
        """
        return ProbeResult(None, "this adapter has no probe")

    # -- the adapter's public face --------------------------------------------------------------

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Ask the service's cheapest endpoint (`reach`), or for an answer, and keep the finding in `working`.

        It raises nothing but cancellation.
        """
        if level == "answer":
            return await super().probe(level)
        self.in_loop(current_token())
        started = anyio.current_time()
        try:
            # Not counted, so that a probe never holds the slot that a request needs.
            conditions = Conditions(model=self.model)
            seen = 0 if self._client.renewal is None else self._client.renewal.serial
            async with Session(self._client, conditions, keys=self._keys, counted=False) as session:
                result = await self._reach(session)
                session.proves = result.working is True
            if result.working is False and await self._has_other_cookies(seen):
                async with Session(self._client, conditions, keys=self._keys, counted=False) as session:
                    result = await self._reach(session)
                    session.proves = result.working is True
        except Exception as error:  # noqa: BLE001 - a bug of the adapter must not end a health check
            result = finding(error, level)
        now = anyio.current_time()
        if result.working is not None:
            self._found(result.working, result.reason, now)
        return replace(result, seconds=now - started)

    async def _has_other_cookies(self, seen: int) -> bool:
        """Whether the cookies are others now than those that a probe was refused with."""
        renewal = self._client.renewal
        return renewal is not None and await renewal.renewed(seen) is None

    def identity(self) -> bytes | None:
        """Return a digest of address, credentials and models; None where a function gives a key.

        Such a key may be another one each time.
        """
        if self._keys is not None and not self._keys.are_fixed:
            return None
        secrets = [secret.reveal() for secret in self._secrets()]
        with_what = (*self._client.asks_with, self._credentials(), secrets)
        stands_for = (*with_what, self.model, sorted(self.models.items()))
        return hashlib.blake2b(repr(stands_for).encode(), key=_PROCESS).digest()

    def resume(self, former: Adapter) -> None:
        """Go on with what an adapter of the same class and `identity` found, of each of its keys too."""
        super().resume(former)
        if isinstance(former, HTTPAdapter):
            self._keys = former._keys  # noqa: SLF001 - of the same class

    @property
    def open_connections(self) -> int:
        """How many connections are open, idle ones too; those of httpx are not counted."""
        return self._client.open_connections

    async def aclose(self) -> None:
        """Close all connections. Idempotent; a later request opens new ones."""
        await self._client.aclose()

    def __repr__(self) -> str:
        return f"{super().__repr__().removesuffix('>')}; over {self._client.carrier}>"

    # -- for subclasses -------------------------------------------------------------------------

    def _session(self, conditions: Conditions) -> Session:
        """Return the HTTP exchanges of one attempt, to be entered."""
        # A router counts the requests, and has looked whether this is the event loop that it told us of.
        loop = self._loop if conditions.has_slot else None
        return Session(self._client, conditions, self._keys, loop)

    def _refuse_unknown(self, settings: HTTPSettings) -> None:
        for name, value in settings.items():
            if name not in HTTPSettings.__annotations__:
                raise TypeError(no_setting(type(self), name, value, parameters_of(type(self))))
