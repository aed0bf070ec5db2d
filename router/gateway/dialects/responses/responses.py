"""The dialect of `POST /v1/responses`, as far as it maps on a chain that keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.wire.json import encode
from router.gateway.dialects.chat.reply import error_of
from router.gateway.dialects.responses.reply import response_of
from router.gateway.dialects.responses.request import asked_of
from router.gateway.dialects.responses.writer import ResponseWriter

if TYPE_CHECKING:
    from router.gateway.asked import Asked
    from router.gateway.dialects.dialect import Dialect, Writer
    from router.gateway.failure import Failure
    from router.gateway.names import Names
    from router.reply.transcript import Reply


class Responses:
    """Speaks OpenAI's Responses API; see `Dialect`."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Return what a client asks for.

        Raises:
            Refused: The body cannot be taken.
        """
        return asked_of(body, names)

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one document."""
        return encode(response_of(asked, reply, request_id))

    def writer(self, asked: Asked) -> Writer:
        """Return what words a streamed reply."""
        return ResponseWriter(asked)

    def error(self, failure: Failure) -> bytes:
        """Return a failure as a document."""
        return encode(error_of(failure))


RESPONSES: Final[Dialect] = Responses()
