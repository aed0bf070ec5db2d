"""The client of a request while its answer is made: its body, and whether it is still there.

ASGI tells of a client that leaves only to a task that waits in `receive()`, which costs each request a task
of its own. The gateway's own server can call back instead, and hand over a body that is here already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

EXTENSION: Final = "chat_router.client"
"""Where it stands in `extensions` of the scope of a request."""


class Client(Protocol):
    """A client as the gateway's own server knows it."""

    def whole_body(self) -> bytes | None:
        """Take the body of the request where all of it is here; else None, and nothing is taken."""
        ...

    def when_left(self, call: Callable[[], object] | None) -> None:
        """Call this once the client has left, at once where it has; None for nothing any more."""
        ...


def client_of(scope: Scope) -> Client | None:
    """Return the client of a request, where the server that runs the application tells of it."""
    client: Client | None = scope.get("extensions", {}).get(EXTENSION)
    return client
