"""The status page and its updates by server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from starlette.responses import HTMLResponse, Response

from adapters.wire.json import encode
from router.gateway.page.past import Past
from router.gateway.page.pictures import TIME, pictures
from router.gateway.page.refusals import HEADERS, not_there, refusal, told
from router.gateway.page.skeleton import locked, page, policy
from router.gateway.page.watch import utc_now

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from router.gateway.page.served import Served

EVERY: Final = 1.0
"""Seconds between two looks at the routers."""
SILENCE: Final = 15.0
"""Seconds after which a viewer gets the time though nothing has changed: proxies cut a quiet connection."""
LIFETIME: Final = 600.0
"""Seconds after which the updates end; the page asks for them again."""
MOST_VIEWERS: Final = 50
FRESH: Final = 0.5
"""Seconds for which all viewers get the same pictures."""


class Status:
    """The pictures of a gateway, made at most once in half a second, however many look at them.

    Args:
        gateway: What they tell of.
    """

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self._past = Past()
        self._made: tuple[float, str, dict[str, str]] | None = None

    async def now(self) -> tuple[str, dict[str, str]]:
        """Return the title of the page, and the pictures by name."""
        clock = anyio.current_time()
        if self._made is None or clock - self._made[0] >= FRESH:
            gateway, router = self._gateway, self._gateway.router
            gateway.watch.follow(router)
            past = await self._past.of(router)
            report = router.health()
            watch = gateway.watch
            operable = gateway.admission.has_admin
            made = pictures(report, watch.activity, watch.recent.requests, past, utc_now(), operable=operable)
            self._made = clock, f"{report.verdict.capitalize()} – chat-router", made
        return self._made[1:]


class Page:
    """The endpoint `/`, as an ASGI application.

    Args:
        gateway: What it tells of.
        status: Its pictures.
    """

    def __init__(self, gateway: Served, status: Status) -> None:
        self._gateway = gateway
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._answer(scope)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        if not self._gateway.settings.page:
            return not_there()
        headers = {**HEADERS, "content-security-policy": policy()}
        if not self._gateway.admission.may_look(scope):
            return HTMLResponse(locked(), 401, {**headers, "www-authenticate": "Bearer"})
        title, made = await self._status.now()
        return HTMLResponse(page(title, made), headers=headers)


class Updates:
    """The endpoint `/events`, as an ASGI application: the pictures that have changed, as often as they do.

    Args:
        gateway: What it tells of.
        status: Its pictures.
    """

    def __init__(self, gateway: Served, status: Status) -> None:
        self._gateway = gateway
        self._status = status
        self._viewers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, until the viewer leaves, or may look no longer, or the gateway ends."""
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        self._viewers += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_when_left, receive, group.cancel_scope)
                await self._show(scope, send)
                group.cancel_scope.cancel()
        finally:
            self._viewers -= 1

    def _refusal(self, scope: Scope) -> Response | None:
        if not self._gateway.settings.page:
            return not_there()
        if not self._gateway.admission.may_look(scope):
            return refusal()
        if self._gateway.draining:
            return told(503, "shutting_down", "the gateway is shutting down", retry_after="1")
        if self._viewers >= MOST_VIEWERS:
            message = f"{MOST_VIEWERS} pages are kept up to date already; close one, or ask again later"
            return told(503, "too_many_viewers", message, retry_after="15")
        return None

    def _goes_on(self, scope: Scope) -> bool:
        gateway = self._gateway
        return gateway.settings.page and not gateway.draining and gateway.admission.may_look(scope)

    async def _show(self, scope: Scope, send: Send) -> None:
        headers = {**HEADERS, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        shown: dict[str, str] = {}
        end = anyio.current_time() + LIFETIME
        said_at = -SILENCE
        while self._goes_on(scope) and (now := anyio.current_time()) < end:
            title, made = await self._status.now()
            news = {name: html for name, html in made.items() if shown.get(name) != html}
            if news.keys() - {TIME} or now - said_at >= SILENCE:
                data = b"data: " + encode({"title": title, "pictures": news}) + b"\n\n"
                await send({"type": "http.response.body", "body": data, "more_body": True})
                shown, said_at = made, now
            await anyio.sleep(EVERY)
        await send({"type": "http.response.body", "body": b""})


async def _cancel_when_left(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
