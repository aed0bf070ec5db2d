"""The gateway as an ASGI application: which path is answered by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from router.gateway.answer import Dropped
from router.gateway.conversation import Conversation
from router.gateway.dialects.chat import CHAT
from router.gateway.dialects.messages import COUNT_TOKENS, MESSAGES
from router.gateway.dialects.responses import RESPONSES
from router.gateway.failure import Failure
from router.gateway.front import Front, document_of
from router.gateway.gateway import Gateway
from router.gateway.models import Models
from router.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from router import Router


def app(router: Router, settings: GatewaySettings | None = None) -> ASGIApp:
    """Return the gateway of a router as an ASGI application, to be served or mounted beside others.

    The router stays the caller's: it is not closed here. It must be used in one event loop only, that of the
    server. Limits that are the server's, such as those of headers, are not kept here; `chat-router serve`
    keeps them.

    Args:
        router: Answers the requests.
        settings: By default those of `GatewaySettings`.
    """
    return application(Gateway(router, settings or GatewaySettings()))


def application(gateway: Gateway) -> ASGIApp:
    """Return the ASGI application of a gateway."""
    endpoints = Starlette(
        routes=[
            Route("/v1/chat/completions", Conversation(gateway, CHAT), methods=["POST"]),
            Route("/v1/responses", Conversation(gateway, RESPONSES), methods=["POST"]),
            Route("/v1/messages", Conversation(gateway, MESSAGES), methods=["POST"]),
            Route("/v1/messages/count_tokens", Conversation(gateway, COUNT_TOKENS), methods=["POST"]),
            Route("/v1/models", Models(gateway), methods=["GET"]),
            Route("/v1/models/{name:path}", Models(gateway), methods=["GET"]),
        ],
        exception_handlers={404: _not_found, 405: _not_found},
    )
    return Front(gateway, endpoints)


async def _not_found(request: Request, error: Exception) -> Response:
    """Say that there is no such endpoint, in words that the clients of all APIs understand."""
    status = 405 if getattr(error, "status_code", 404) == 405 else 404
    shown = f"{request.method} {request.url.path[:100]}"
    failure = Failure(status, "invalid_request_error", f"the gateway has no {shown}", "unknown_url")
    return Response(document_of(failure), status, dict(failure.headers), "application/json")


__all__ = ["Dropped", "Gateway", "app", "application"]
