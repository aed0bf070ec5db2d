"""The gateway as an ASGI application: which path is answered by what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from router.gateway.answer import Dropped
from router.gateway.conversation import Conversation
from router.gateway.dialects.chat import CHAT
from router.gateway.dialects.messages import COUNT_TOKENS, MESSAGES
from router.gateway.dialects.responses import RESPONSES
from router.gateway.failure import Failure, identified
from router.gateway.front import Front, document_of
from router.gateway.gateway import Gateway
from router.gateway.models import Models
from router.gateway.page import page_routes
from router.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from router import Router

_ENDPOINTS: Final = (
    "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/v1/models",
)  # fmt: skip
"""What clients may ask."""
_SHOWN: Final = 100
"""Characters of a path that a message repeats."""


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
    conversations = {
        "/v1/chat/completions": Conversation(gateway, CHAT),
        "/v1/responses": Conversation(gateway, RESPONSES),
        "/v1/messages": Conversation(gateway, MESSAGES),
        "/v1/messages/count_tokens": Conversation(gateway, COUNT_TOKENS),
    }
    others = Starlette(
        routes=[
            *(Route(path, each, methods=["POST"]) for path, each in conversations.items()),
            Route("/v1/models", Models(gateway), methods=["GET"]),
            Route("/v1/models/{name:path}", Models(gateway), methods=["GET"]),
            *page_routes(gateway),
        ],
        exception_handlers={404: _not_found, 405: _wrong_method},
    )

    async def endpoints(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's layers cost a conversation a tenth of its time; all else goes through them.
        quick = None
        if scope["type"] == "http" and scope["method"] == "POST":
            quick = conversations.get(scope["path"].removeprefix(scope.get("root_path", "")))
        await (quick or others)(scope, receive, send)

    return Front(gateway, endpoints)


async def _not_found(request: Request, _error: Exception) -> Response:
    """Say that there is no such endpoint, and which one is meant."""
    path, root = request.url.path, request.scope.get("root_path", "")
    near = _meant(path)
    if near is None:
        advice = f"it answers {', '.join(f'{root}{each}' for each in _ENDPOINTS)}"
    else:
        advice = (
            f"did you mean {root}{near}? OpenAI's clients need a base_url that ends in {root}/v1, "
            f"Anthropic's one that ends before it"
        )
    return _refusal(404, f"the gateway has no {request.method} {path[:_SHOWN]}; {advice}")


async def _wrong_method(request: Request, error: Exception) -> Response:
    """Say which method an endpoint takes."""
    allowed = (getattr(error, "headers", None) or {}).get("Allow", "POST")
    message = f"{request.url.path[:_SHOWN]} takes {allowed}, not {request.method}"
    return _refusal(405, message, ("allow", allowed))


def _meant(path: str) -> str | None:
    """Return the endpoint whose end a path has: `/v1` was left out, said twice, or put elsewhere."""
    ends = path.rstrip("/")
    return next((each for each in _ENDPOINTS if ends.endswith(each.removeprefix("/v1"))), None)


def _refusal(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """Return a refusal in words that the clients of all APIs understand."""
    failure = identified(Failure(status, "invalid_request_error", message, "unknown_url"))
    return Response(document_of(failure), status, dict([*failure.headers, *headers]), "application/json")


__all__ = ["Dropped", "Gateway", "app", "application"]
