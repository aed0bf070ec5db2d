"""The documents for programs: is the process alive, can the chain answer, metrics, the health report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import generate_latest
from starlette.responses import JSONResponse, Response

from router.gateway.page.refusals import HEADERS, not_there, refusal
from router.gateway.page.watch import utc_now
from router.report import as_json, as_prometheus

if TYPE_CHECKING:
    from starlette.requests import Request

    from router.gateway.page.served import Served

_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


class Documents:
    """The endpoints of the documents.

    Args:
        gateway: What they tell of.
    """

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway

    async def alive(self, request: Request) -> Response:
        """Answer `/healthz`: the process lives, and its event loop runs."""
        return JSONResponse({"status": "alive"}, headers=HEADERS)

    async def ready(self, request: Request) -> Response:
        """Answer `/readyz`: 200 where the chain can answer, else 503. It tells no names."""
        if self._gateway.draining:
            status, why = 503, "the gateway is shutting down"
        elif self._gateway.router.health().can_answer:
            status, why = 200, "at least one provider would be asked"
        else:
            status, why = 503, "no provider can be asked now"
        return JSONResponse({"ready": status == 200, "reason": why}, status, headers=HEADERS)

    async def metrics(self, request: Request) -> Response:
        """Answer `/metrics`: requests, attempts and the providers' states in Prometheus's text format."""
        gateway = self._gateway
        if not gateway.settings.metrics:
            return not_there()
        if not gateway.admission.may_look(request.scope):
            return refusal()
        gateway.watch.follow(gateway.router)
        text = generate_latest(gateway.watch.registry).decode() + as_prometheus(gateway.router.health())
        return Response(text, media_type=None, headers={**HEADERS, "content-type": _METRICS})

    async def report(self, request: Request) -> Response:
        """Answer `/health.json`: the report, as `router.report.schema()` describes it."""
        gateway = self._gateway
        if not (gateway.settings.page or gateway.settings.metrics):
            return not_there()
        if not gateway.admission.may_look(request.scope):
            return refusal()
        text = as_json(gateway.router.health(), at=utc_now())
        return Response(text, media_type="application/json", headers=HEADERS)
