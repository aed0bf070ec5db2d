"""The dialects of `POST /v1/messages`, and of its `/count_tokens`, which no chain can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.wire.json import encode
from router.gateway.dialects.messages.errors import error_of
from router.gateway.dialects.messages.reply import message_of
from router.gateway.dialects.messages.request import asked_of
from router.gateway.dialects.messages.writer import MessageWriter
from router.gateway.failure import refused

if TYPE_CHECKING:
    from router.gateway.asked import Asked
    from router.gateway.dialects.dialect import Dialect, Writer
    from router.gateway.failure import Failure
    from router.gateway.names import Names
    from router.reply.transcript import Reply


class Messages:
    """Speaks Anthropic's Messages API; see `Dialect`."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Return what a client asks for.

        Raises:
            Refused: The body cannot be taken.
        """
        return asked_of(body, names)

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one document."""
        return encode(message_of(asked, reply, request_id))

    def writer(self, asked: Asked) -> Writer:
        """Return what words a streamed reply."""
        return MessageWriter(asked)

    def error(self, failure: Failure) -> bytes:
        """Return a failure as a document."""
        return encode(error_of(failure))


class CountTokens(Messages):
    """Refuses every request to count tokens: each model of a chain counts in its own way."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Refuse.

        Raises:
            Refused: Always.
        """
        raise refused(
            "the gateway does not count tokens: each provider of the chain would count others; "
            "read the usage of a reply, or count in the client",
            status=404,
            code="not_found",
        )


MESSAGES: Final[Dialect] = Messages()
COUNT_TOKENS: Final[Dialect] = CountTokens()
