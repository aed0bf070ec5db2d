"""The paths of the page and of its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from router.gateway.page.documents import Documents
from router.gateway.page.operations import Operations
from router.gateway.page.status import Page, Status, Updates

if TYPE_CHECKING:
    from router.gateway.page.served import Served


def page_routes(gateway: Served) -> list[Route]:
    """Return the routes of all that operators see of a gateway.

    Args:
        gateway: What they tell of; its settings and its admission are asked at each request.
    """
    documents, status = Documents(gateway), Status(gateway)
    return [
        Route("/", Page(gateway, status), methods=["GET"]),
        Route("/events", Updates(gateway, status), methods=["GET"]),
        Route("/healthz", documents.alive, methods=["GET"]),
        Route("/readyz", documents.ready, methods=["GET"]),
        Route("/metrics", documents.metrics, methods=["GET"]),
        Route("/health.json", documents.report, methods=["GET"]),
        Route("/admin/{action}", Operations(gateway), methods=["POST"]),
    ]
