"""An HTTP answer that was read to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx

from adapters.contract.errors import BadReply
from adapters.contract.frozen import quickly_made
from adapters.contract.peer_text import PeerText
from adapters.wire.json import decode

_UNMASKED: Final = PeerText()


def text_of(value: bytes) -> str:
    """Return what a header says: UTF-8 where it is that, else Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@quickly_made
@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer read to its end, or to a limit where it is an error.

    Attributes:
        status: The HTTP status.
        reason: The reason phrase as sent.
        raw_headers: Of the answer as sent, names in lower case.
        body: The bytes of the body.
        where: The step, for messages: provider, method and path.
        shown: Makes text of the peer fit to be shown; it masks what this request brought along, too.
        keyed: Whether the request brought a key of its own.
        sent: Bytes of the request's body.
    """

    status: int
    reason: str
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes
    where: str
    shown: PeerText = _UNMASKED
    keyed: bool = False
    sent: int = 0

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the answer."""
        return httpx.Headers(self.raw_headers)

    def header(self, name: str) -> str | None:
        """Return a header's value; those of several headers of the name are joined."""
        wanted = name.lower().encode("ascii")
        values = [value for each, value in self.raw_headers if each == wanted]
        return text_of(b", ".join(values)) if values else None

    @property
    def names(self) -> str:
        """The names of all headers, in lower case and with something between them."""
        return text_of(b" ".join([name for name, _ in self.raw_headers]))

    def texts(self) -> dict[str, str]:
        """Return the headers as text, without those of a name that came before."""
        found: dict[str, str] = {}
        for name, value in self.raw_headers:
            found.setdefault(text_of(name), text_of(value))
        return found

    def json(self) -> Any:
        """Return the body's JSON value.

        Raises:
            BadReply: The body is not JSON.
        """
        try:
            return decode(self.body)
        except BadReply as error:
            raise BadReply(f"{self.where}: {error}", status=self.status) from None
