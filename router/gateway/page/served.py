"""What the page must know of the gateway that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import Scope

    from router import Router
    from router.gateway.page.watch import Watch


class Admission(Protocol):
    """Decides who may do what, by the headers of a request."""

    @property
    def has_admin(self) -> bool:
        """Whether there is an admin key; where there is none, nobody may operate anything."""
        ...

    def admin(self, scope: Scope) -> bool:
        """Whether the request shows the admin key."""
        ...

    def may_look(self, scope: Scope) -> bool:
        """Whether the request may see the status page and the metrics."""
        ...


class Switches(Protocol):
    """Which of the endpoints there are."""

    @property
    def page(self) -> bool:
        """Whether there is a status page."""
        ...

    @property
    def metrics(self) -> bool:
        """Whether there are metrics."""
        ...


class Served(Protocol):
    """The gateway; all of it may change while it runs."""

    @property
    def router(self) -> Router:
        """The router that answers now."""
        ...

    @property
    def settings(self) -> Switches:
        """What the operator set."""
        ...

    @property
    def admission(self) -> Admission:
        """Who may do what."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the gateway takes no new requests, since it is about to end."""
        ...

    @property
    def watch(self) -> Watch:
        """What was seen of the requests."""
        ...
