"""The HTTP exchanges of one attempt, and the clean-up after them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio

from adapters.contract.errors import (
    AdapterError,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ServiceFailed,
)
from adapters.http.exchange import Answer
from adapters.wire.json import encode
from adapters.wire.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.contract import Conditions
    from adapters.http.answer import WholeAnswer
    from adapters.http.client import Client

JSON: Final = (("content-type", "application/json"),)
FORM: Final = (("content-type", "application/x-www-form-urlencoded"),)


class Session:
    """The exchanges of one `stream()` or `probe()` call, as an async context manager.

    It holds a connection slot for all of them, so that a clean-up always finds one.

    Args:
        client: Of the provider.
        conditions: Of the attempt.
        counted: False for what must not compete with requests: it takes no slot.

    Attributes:
        name: The provider's name.
        base_url: Where the service is.
        origin: Scheme, host and port of it, as an Origin header has them.
        limits: Of the provider.
        cleanup_timeout: Seconds for a clean-up.
        shown: Makes text of the peer fit to be shown: secrets masked, cut, in one line.
        meter: Counts the characters delivered, and items without content.
    """

    __slots__ = (
        "_client", "_conditions", "_counted", "_steps",
        "base_url", "cleanup_timeout", "limits", "meter", "name", "origin", "shown",
    )  # fmt: skip

    def __init__(self, client: Client, conditions: Conditions, *, counted: bool = True) -> None:
        self._client = client
        self._counted = counted and not conditions.has_slot
        self._conditions = conditions
        self._steps = 0
        self.name = client.name
        self.base_url = client.base_url
        self.origin = client.origin
        self.limits = client.limits
        self.cleanup_timeout = client.cleanup_timeout
        self.shown = client.shown
        self.meter = Meter(client.limits.reply, client.limits.empty)

    async def __aenter__(self) -> Session:
        self._client.enter_loop()
        if self._counted:
            await self._client.take_slot(wait=not self._conditions.others_left)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._counted:
            self._client.give_slot_back()

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
                raise await answer.failure()
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
            exchange = self._client.exchange(method, path, content, headers, query, fresh=fresh)
        except ValueError as error:
            # Something of the peer has no form in HTTP, half a surrogate pair for instance.
            raise InvalidRequest(
                f"{self.name}: {method} request cannot be built ({type(error).__name__})"
            ) from None
        where = f"{self.name}: {method} {path}"
        return Answer(self._client, exchange, where, self._conditions.flow, len(content or b""))
