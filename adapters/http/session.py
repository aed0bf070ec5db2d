"""The HTTP exchanges of one attempt, and the clean-up after them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ServiceFailed,
)
from adapters.contract.secret import Secret
from adapters.http.exchange import Answer
from adapters.http.settings import hidden_headers, shown_never
from adapters.wire.json import encode
from adapters.wire.reply_limits import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from adapters.contract import Conditions
    from adapters.http.answer import WholeAnswer
    from adapters.http.client import Client
    from adapters.http.keys import Keys, Lease

JSON: Final = (("content-type", "application/json"),)
FORM: Final = (("content-type", "application/x-www-form-urlencoded"),)


class Session:
    """The exchanges of one `stream()` or `probe()` call, as an async context manager.

    It holds a connection slot for all of them, so that a clean-up always finds one.

    Args:
        client: Of the provider.
        conditions: Of the attempt.
        keys: The provider's keys, where it has any or a request may bring one.
        loop: The token of the event loop that runs here, where the caller knows it.
        counted: False for what must not compete with requests, a probe: it takes no slot.

    Attributes:
        name: The provider's name.
        base_url: Where the service is.
        origin: Scheme, host and port of it, as an Origin header has them.
        limits: Of the provider.
        cleanup_timeout: Seconds for a clean-up.
        shown: Makes text of the peer fit to be shown: secrets masked, cut, in one line.
        meter: Counts the characters delivered, and items without content.
        proves: Whether an end without an error says that the key serves.
    """

    __slots__ = (
        "_client", "_conditions", "_cookies", "_counted", "_credentials", "_keys", "_lease", "_loop",
        "_probes", "_steps", "base_url", "cleanup_timeout", "limits", "meter", "name", "origin", "proves",
        "shown",
    )  # fmt: skip

    def __init__(
        self,
        client: Client,
        conditions: Conditions,
        keys: Keys | None = None,
        loop: object | None = None,
        *,
        counted: bool = True,
    ) -> None:
        self._client = client
        self._keys = keys
        self._loop = loop
        self._lease: Lease | None = None
        self._credentials: tuple[tuple[str, str], ...] | None = None  # None: those of the client
        self.proves = True
        self._probes = not counted
        self._counted = counted and not conditions.has_slot
        self._conditions = conditions
        self._steps = 0
        self._cookies = -1 if client.renewal is None else client.renewal.serial
        self.name = client.name
        self.base_url = client.base_url
        self.origin = client.origin
        self.limits = client.limits
        self.cleanup_timeout = client.cleanup_timeout
        self.shown = client.shown
        self.meter = Meter(client.limits.reply, client.limits.empty)

    async def __aenter__(self) -> Session:
        self._client.enter_loop(self._loop)
        if self._counted:
            await self._client.take_slot(wait=not self._conditions.others_left)
        if (self._keys is not None and self._keys.lends) or self._conditions.brings_credentials:
            try:
                await self._take_credentials()
            except BaseException:
                self._give_slot_back()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_slot_back()
        if self._client.renewal is not None and isinstance(error, AuthenticationFailed):
            await self._judge_cookies(error)
        if self._lease is None or (error is not None and not isinstance(error, AdapterError)):
            return
        if error is None:
            if self.proves:
                self._lease.served()
        elif (judged := self._lease.judged(error)) is not error:
            raise judged from None

    async def _judge_cookies(self, error: AuthenticationFailed) -> None:
        """Change the failure of a session where its cookies are others now, or say what to do."""
        renewal, conditions = self._client.renewal, self._conditions
        if renewal is not None and not conditions.own_account:
            await renewal.judged(error, self._cookies, again=not conditions.key_repeats)

    def _give_slot_back(self) -> None:
        if self._counted:
            self._client.give_slot_back()

    async def _take_credentials(self) -> None:
        """Take the key of this attempt, and what the request brings along.

        Raises:
            AdapterError: There is no key to ask with now.
        """
        conditions, found = self._conditions, dict[str, str]()
        if self._keys is not None and (self._keys.lends or conditions.api_key is not None):
            self._lease = await self._keys.lease(conditions, held_too=self._probes)
            found = dict(self._lease.headers)
            assert self._lease.secret is not None
            self.shown = self.shown.also(shown_never([self._lease.secret]))
        else:
            found = {name.lower(): value for name, value in self._client.credentials()}
        if conditions.headers:
            hidden = shown_never(hidden_headers(conditions.headers))
            self.shown = self.shown.also(hidden)
            if self._keys is None:  # adapters without keys show some texts by the client's own
                self._client.shown.hide(secret.reveal() for secret in hidden)
            found |= {name: Secret(value).reveal() for name, value in conditions.headers.items()}
        self._credentials = tuple(found.items())

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
        if self._steps > self.limits.steps:
            raise BadReply(
                f"{self.name}: one reply took more than {self.limits.steps} requests (Limits.steps)"
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
                error = await answer.failure()
                raise error if self._lease is None else self._lease.named(error)
            return await answer.whole()

    def error_from(self, answer: WholeAnswer) -> AdapterError:
        """Return the error that a failed answer stands for."""
        return self._client.error_from(answer)

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

        Args:
            method: Of the request.
            path: As of `exchange`.
            headers: Further headers.
            json: Sent as the body, or None.
            query: Sent as the query.
            ok: The statuses that are no failure.
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
        seconds = self.cleanup_timeout
        with anyio.move_on_after(seconds, shield=True) as scope:
            try:
                yield
            except AdapterError as error:
                error.provider = error.provider or self.name
                self._conditions.on_leftover(error)
        if scope.cancelled_caught:
            self._conditions.on_leftover(
                ServiceFailed(
                    f"{self.name}: the clean-up took longer than {seconds:g} s and was given up; "
                    "something may be left at the service",
                    provider=self.name,
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
        try:
            exchange = self._client.exchange(
                method, path, content, headers, query, self._credentials, fresh=fresh
            )
        except ValueError as error:
            # Something of the peer has no form in HTTP, half a surrogate pair for instance.
            raise InvalidRequest(
                f"{self.name}: {method} request cannot be built ({type(error).__name__})"
            ) from None
        where = f"{self.name}: {method} {path}"
        sent, own = len(content or b""), self._credentials is not None
        return Answer(self._client, exchange, where, self._conditions.flow, sent, self.shown, own)
