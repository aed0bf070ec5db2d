"""What an API of chat clients must say, so that the gateway can speak it: bytes in, bytes out, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapters.wire.json import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class Dialect:
    """An API that clients speak.

    Attributes:
        asked: Returns what a client asks for, of the body of its request and the names of the chain. Raises
            `Refused` where the body cannot be taken; its failure names the field.
        document: Returns a whole reply as an object of JSON; it gets the request's id too.
        writer: Returns what words a streamed reply.
        failed: Returns a failure as the object of JSON that comes with its status.
    """

    asked: Callable[[bytes, Names], Asked]
    document: Callable[[Asked, Reply, str], Mapping[str, Any]]
    writer: Callable[[Asked], Writer]
    failed: Callable[[Failure], Mapping[str, Any]]

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one JSON document."""
        return encode(self.document(asked, reply, request_id))

    def error(self, failure: Failure) -> bytes:
        """Return a failure as the JSON document that comes with its status."""
        return encode(self.failed(failure))
