"""What an API of chat clients must say, so that the gateway can speak it: bytes in, bytes out, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Delta
    from router.gateway.asked import Asked
    from router.gateway.failure import Failure
    from router.gateway.names import Names
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply


class Writer(Protocol):
    """Words one streamed reply as server-sent events. Each method returns bytes to send, maybe none."""

    def begin(self, stream: ReplyStream) -> bytes:
        """Return what stands before the first delta."""
        ...

    def deltas(self, deltas: Sequence[Delta]) -> bytes:
        """Return the events of deltas that came together, a switch of providers among them."""
        ...

    def end(self, stream: ReplyStream) -> bytes:
        """Return what proves to a client that the reply is complete."""
        ...

    def failed(self, failure: Failure) -> bytes:
        """Return the event that makes the API's official clients raise; nothing proves an end after it."""
        ...


class Dialect(Protocol):
    """An API that clients speak."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Return what a client asks for.

        Raises:
            Refused: The body cannot be taken; its failure names the field.
        """
        ...

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one JSON document."""
        ...

    def writer(self, asked: Asked) -> Writer:
        """Return what words a streamed reply."""
        ...

    def error(self, failure: Failure) -> bytes:
        """Return a failure as the JSON document that comes with its status."""
        ...
