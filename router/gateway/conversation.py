"""The endpoint of one API of chat clients."""

from __future__ import annotations

import datetime
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.contract.hops import HOPS
from router.gateway.access import Access
from router.gateway.answer import Answer, Dropped, send_failure
from router.gateway.body import Left, read_body
from router.gateway.client import client_of
from router.gateway.failure import BUG, Refused
from router.gateway.names import Names

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from router.gateway.dialects.dialect import Dialect
    from router.gateway.gateway import Gateway


class Conversation:
    """The endpoint of one API of chat clients, as an ASGI application.

    Args:
        gateway: What it shares with the other endpoints.
        dialect: The API.
    """

    def __init__(self, gateway: Gateway, dialect: Dialect) -> None:
        self._gateway = gateway
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and write its line in the log.

        Raises:
            Dropped: See `Answer.give`.
            Exception: A bug of this side. The client was told.
        """
        access = Access(scope["path"], send)
        hops = HOPS.set(())
        try:
            with suppress(Left):
                await self._answer(scope, receive, access)
        except Dropped:
            access.failed = True
            raise
        except Exception:
            if access.status is None:
                await send_failure(access.send, self._dialect, BUG, close=True)
            raise
        finally:
            HOPS.reset(hops)
            access.tell()

    async def _answer(self, scope: Scope, receive: Receive, access: Access) -> None:
        gateway, dialect = self._gateway, self._dialect
        admission, settings = gateway.admission, gateway.settings
        was_read = False
        try:
            caller = admission.caller(scope)
            access.key = caller.name
            HOPS.set(gateway.trail.after(scope))
            with admission.admit(caller) as admitted, gateway.routers.lent() as router:
                body = await read_body(scope, receive, settings.body, settings.body_seconds)
                was_read = True
                asked = dialect.asked(body, Names.of(router, caller.models))
                asked = replace(asked, created=int(datetime.datetime.now(datetime.UTC).timestamp()))
                access.model = asked.named
                async with admission.gate.slot(receive):
                    answer = Answer(asked, dialect, access.send, client_of(scope), settings.comment_after)
                    try:
                        await answer.give(router, receive)
                    finally:
                        admitted.used(answer.stream, len(body))
        except Refused as refused:
            # Where the body was not read, what comes on this connection next is no request.
            await send_failure(access.send, dialect, refused.failure, close=not was_read)
