"""One request and its answer: whole, streamed, or broken off on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import anyio
import h11

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.simulators.peer import Peer
    from adapters.simulators.received import Received

BY_BODY: Final = "by the body"
"""Content type of a whole answer that follows from its body: text, bytes or JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, not sent yet.

    Attributes:
        status: The HTTP status.
        body: Bytes, text, or something that becomes JSON.
        content_type: None: no such header.
        headers: Further headers.
        reason: The reason phrase; None: the usual one.
    """

    status: int
    body: Any = b""
    content_type: str | None = BY_BODY
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


class Exchange:
    """One request, and the means to answer it.

    Either `respond`, or `start`, `send` as often as wanted, and `finish`; at any point `abort` or `hang_up`.

    Args:
        received: The request.
        peer: The connection.
        http: The state of HTTP on it.
    """

    def __init__(self, received: Received, peer: Peer, http: h11.Connection) -> None:
        self.received = received
        self.started = False
        self.ended = False
        self._peer = peer
        self._http = http
        self._framed = True

    @property
    def reusable(self) -> bool:
        """Whether a next request may come on this connection."""
        return not self._peer.closed and self._http.our_state is self._http.their_state is h11.DONE

    async def respond(
        self,
        status: int,
        body: Any = b"",
        *,
        content_type: str | None = BY_BODY,
        headers: Iterable[tuple[str, str]] = (),
        reason: str | None = None,
    ) -> None:
        """Send a whole answer with its length, in one write.

        Args:
            status: The HTTP status.
            body: Bytes, text, or something that becomes JSON.
            content_type: None: no such header; by default it follows from `body`.
            headers: Further headers.
            reason: The reason phrase, Latin-1; None: the usual one.
        """
        data, guessed = _encoded(body)
        fields = _fields(guessed if content_type == BY_BODY else content_type, headers)
        if status not in (204, 304):
            fields.append(("Content-Length", str(len(data))))
        self.started = True
        wire = self._event(h11.Response(status_code=status, headers=fields, reason=_reason(status, reason)))
        if data and self.received.method != "HEAD" and status not in (204, 304):
            wire += self._event(h11.Data(data=data))
        await self._peer.send(wire + self._event(h11.EndOfMessage()))
        self.ended = True

    async def answer(self, answer: Answer) -> None:
        """Send `answer` as it is."""
        await self.respond(
            answer.status,
            answer.body,
            content_type=answer.content_type,
            headers=answer.headers,
            reason=answer.reason,
        )

    async def start(
        self,
        status: int = 200,
        *,
        content_type: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        reason: str | None = None,
        framed: bool = True,
    ) -> None:
        """Send the head of a streamed answer.

        Args:
            status: The HTTP status.
            content_type: None: no such header.
            headers: Further headers.
            reason: The reason phrase, Latin-1; None: the usual one.
            framed: False: neither chunks nor a length; the body ends where the connection does.
        """
        fields = _fields(content_type, headers)
        self.started = True
        self._framed = framed
        if framed:
            head = h11.Response(status_code=status, headers=fields, reason=_reason(status, reason))
            await self._peer.send(self._event(head))
            return
        fields.append(("Connection", "close"))
        lines = [b"HTTP/1.1 %d %b" % (status, _reason(status, reason))]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in fields]
        await self._peer.send(b"\r\n".join(lines) + b"\r\n\r\n")

    async def send(self, data: bytes | str) -> None:
        """Send a piece of a streamed answer: one HTTP chunk, one write. Nothing is sent of an empty one."""
        piece = data.encode() if isinstance(data, str) else data
        if piece and self.received.method != "HEAD":
            await self._peer.send(self._event(h11.Data(data=piece)) if self._framed else piece)

    async def finish(self) -> None:
        """End a streamed answer in order: with the last chunk, or by closing where it is not framed."""
        if self._framed:
            await self._peer.send(self._event(h11.EndOfMessage()))
        else:
            await self._peer.close()
        self.ended = True

    async def abort(self) -> None:
        """Reset the connection (TCP RST), at this point."""
        await self._peer.close(reset=True)
        self.ended = True

    async def hang_up(self) -> None:
        """Close the connection at this point, without the last chunk."""
        await self._peer.close()
        self.ended = True

    async def stall(self) -> None:
        """Send nothing more, until the client goes away."""
        await anyio.sleep_forever()

    async def send_raw(self, data: bytes) -> None:
        """Write bytes past HTTP. What comes next must be `abort` or `hang_up`."""
        self.started = True
        await self._peer.send(data)

    def _event(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""

    def __repr__(self) -> str:
        state = "ended" if self.ended else "started" if self.started else "not answered yet"
        return f"<Exchange {self.received.method} {self.received.target}: {state}>"


def _encoded(body: Any) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _fields(content_type: str | None, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    named = [] if content_type is None else [("Content-Type", content_type)]
    return [*named, *headers]


def _reason(status: int, reason: str | None) -> bytes:
    if reason is not None:
        return reason.encode("latin-1")
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
