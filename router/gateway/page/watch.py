"""What a gateway remembers of its routers: activity, recent requests, metrics."""

from __future__ import annotations

import datetime
import weakref
from typing import TYPE_CHECKING, Final

import anyio
from prometheus_client import CollectorRegistry, Gauge

from router.gateway.page.activity import Activity
from router.observers.prometheus import PrometheusObserver
from router.report import Waterfall

if TYPE_CHECKING:
    from router import Router

_RECENT: Final = 8
"""Requests whose course is shown after their end."""


def utc_now() -> datetime.datetime:
    """Return the time of day."""
    return datetime.datetime.now(datetime.UTC)


class Watch:
    """Observes the routers of a gateway, one after the other; what it counts goes on from one to the next.

    Args:
        router: The first one.

    Attributes:
        activity: What goes on.
        recent: The newest requests that are over.
        registry: The metrics.
    """

    def __init__(self, router: Router) -> None:
        # The routers live in the server's event loop, and so do their events.
        self.activity = Activity(anyio.current_time)
        self.recent = Waterfall(_RECENT, utc_now)
        self.registry = CollectorRegistry()
        self._counts = PrometheusObserver(self.registry)
        running = Gauge(
            "chat_router_requests_under_way", "Requests that are not over.", registry=self.registry
        )
        running.set_function(lambda: self.activity.running)
        self._followed: weakref.WeakSet[Router] = weakref.WeakSet()
        self.follow(router)

    def follow(self, router: Router) -> None:
        """Observe another router as well; one that is observed already is not counted twice."""
        if router not in self._followed:
            self._followed.add(router)
            for observer in (self.activity, self.recent, self._counts):
                router.observe(observer)
