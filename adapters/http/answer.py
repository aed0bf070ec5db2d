"""An HTTP answer that was read to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import BadReply
from adapters.contract.secret import PeerText
from adapters.wire.json import decode

if TYPE_CHECKING:
    import httpx

_UNMASKED: Final = PeerText()


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer read to its end, or to a limit where it is an error.

    Attributes:
        status: The HTTP status.
        reason: The reason phrase as sent.
        headers: Of the answer.
        body: The bytes of the body.
        where: The step, for messages: provider, method and path.
        shown: Makes text of the peer fit to be shown; it masks what this request brought along, too.
        keyed: Whether the request brought a key of its own.
    """

    status: int
    reason: str
    headers: httpx.Headers
    body: bytes
    where: str
    shown: PeerText = _UNMASKED
    keyed: bool = False

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value = self.headers.get(name)
        return None if value is None else str(value)

    def json(self) -> Any:
        """Return the body's JSON value.

        Raises:
            BadReply: The body is not JSON.
        """
        try:
            return decode(self.body)
        except BadReply as error:
            raise BadReply(f"{self.where}: {error}", status=self.status) from None
