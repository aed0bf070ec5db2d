"""The dialect of `POST /v1/chat/completions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.wire.json import encode
from router.gateway.dialects.chat.reply import Chunks, completion, error_of
from router.gateway.dialects.chat.request import asked_of

if TYPE_CHECKING:
    from router.gateway.asked import Asked
    from router.gateway.dialects.dialect import Dialect, Writer
    from router.gateway.failure import Failure
    from router.gateway.names import Names
    from router.reply.transcript import Reply


class ChatCompletions:
    """Speaks chat completions; see `Dialect`."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Return what a client asks for.

        Raises:
            Refused: The body cannot be taken.
        """
        return asked_of(body, names)

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one document."""
        return encode(completion(asked, reply, request_id))

    def writer(self, asked: Asked) -> Writer:
        """Return what words a streamed reply."""
        return Chunks(asked)

    def error(self, failure: Failure) -> bytes:
        """Return a failure as a document."""
        return encode(error_of(failure))


CHAT: Final[Dialect] = ChatCompletions()
