"""The gateway as an ASGI application: which path is answered by what, and the router behind it."""

from __future__ import annotations

import datetime
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from router.gateway.answer import Answer, Dropped, send_failure
from router.gateway.body import Left, read_body
from router.gateway.dialects.chat import CHAT
from router.gateway.failure import Refused
from router.gateway.models import Models
from router.gateway.names import Names
from router.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from router import Router
    from router.gateway.dialects.dialect import Dialect


class Gateway:
    """What all endpoints share: the router that answers now, and the settings.

    Attributes:
        router: Answers requests that begin from now on; those under way keep the one that they began with.
        settings: See `GatewaySettings`.
    """

    def __init__(self, router: Router, settings: GatewaySettings) -> None:
        self.router = router
        self.settings = settings


class Conversation:
    """The endpoint of one API of chat clients, as an ASGI application."""

    def __init__(self, gateway: Gateway, dialect: Dialect) -> None:
        self._gateway = gateway
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        gateway, dialect = self._gateway, self._dialect
        router = gateway.router
        with suppress(Left):
            try:
                body = await read_body(scope, receive, gateway.settings.body)
                asked = dialect.asked(body, Names(router.providers))
            except Refused as refused:
                close = refused.failure.status == 413
                await send_failure(send, dialect, refused.failure, close=close)
                return
            asked = replace(asked, created=int(datetime.datetime.now(datetime.UTC).timestamp()))
            await Answer(asked, dialect, send, gateway.settings.comment_after).give(router, receive)


def app(router: Router, settings: GatewaySettings | None = None) -> ASGIApp:
    """Return the gateway of a router as an ASGI application, to be served or mounted beside others.

    The router stays the caller's: it is not closed here. It must be used in one event loop only, that of the
    server.

    Args:
        router: Answers the requests.
        settings: By default those of `GatewaySettings`.
    """
    gateway = Gateway(router, settings or GatewaySettings())
    models = Models(lambda: gateway.router)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", Conversation(gateway, CHAT), methods=["POST"]),
            Route("/v1/models", models, methods=["GET"]),
            Route("/v1/models/{name:path}", models, methods=["GET"]),
        ],
    )


__all__ = ["Dropped", "Gateway", "app"]
