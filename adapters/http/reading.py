"""Reading a reply that comes as events, or as one JSON document though events were asked for.

What comes is told by the first byte of the body, never by its content type.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import anyio

from adapters.contract.errors import AdapterError, BadReply, ReplyTooLarge
from adapters.wire.lines import CR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.contract import Delta, Flow
    from adapters.http.exchange import Answer

T = TypeVar("T")

HEADERS: Final = (("content-type", "application/json"), ("accept", "text/event-stream, application/json"))
"""Of the request: JSON goes, events are asked for."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_TAIL: Final = 64  # bytes at the end of a document in which its line ends are looked for


class Decoder(Protocol):
    """Makes deltas of the chunks of a body."""

    @property
    def proved(self) -> bool:
        """Whether the end of the reply is proved."""
        ...

    @property
    def done(self) -> bool:
        """Whether the end mark has come."""
        ...

    @property
    def failure(self) -> AdapterError | None:
        """What went wrong, where it did."""
        ...

    @property
    def kept(self) -> int:
        """How much it keeps for its last delta."""
        ...

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the deltas of a chunk."""
        ...

    def flush(self) -> list[Delta]:
        """Return the deltas of what is left at the end of the body."""
        ...


async def beginning(answer: Answer, hint: str) -> bytes:
    """Return the body up to its first chunk that is not blank; empty where there is nothing else.

    Args:
        answer: Whose body it is.
        hint: What to look at where a page comes.

    Raises:
        BadReply: It is a page.
    """
    start = b""
    while chunk := await answer.read():
        start += chunk
        first = start.lstrip(_BLANK)
        if first.startswith(b"<"):
            raise BadReply(f"{answer.where}: a page with status 200; check that {hint}", status=answer.status)
        if first:
            return start
        start = start[-len(_BLANK) :]  # blanks say nothing; a mark of byte order may be cut
    return b""


def is_document(chunk: bytes) -> bool:
    """Whether a body that begins so is a JSON document, and no events."""
    return chunk.lstrip(_BLANK).startswith((b"{", b"["))


async def document(answer: Answer, start: bytes, limit: int, read: Callable[[bytes], T]) -> T:
    """Return what is read of a reply that comes as a JSON document.

    Args:
        answer: Whose body it is.
        start: What has come of it.
        limit: The most bytes (`Limits.reply`).
        read: Makes something of the whole document; raises `BadReply` where it is cut.

    Raises:
        AdapterError: The document is an error object, no reply, or cut.
    """
    data, worth = bytearray(start), 0

    def found() -> T:
        try:
            return read(bytes(data))
        except AdapterError as error:
            raise answer.located(error) from None

    while len(data) <= limit:
        # The document may be whole though the body goes on; trying after each doubling only stays linear.
        if data[-_TAIL:].rstrip().endswith((b"}", b"]")) and len(data) >= worth:
            with suppress(BadReply):
                whole = found()
                answer.ended()
                return whole
            worth = 2 * len(data)
        chunk = await answer.read()
        if not chunk:
            return found()
        data += chunk
    raise ReplyTooLarge(f"{answer.where}: the body is over {limit} bytes (Limits.reply)")


def decoded(chunk: bytes, decoder: Decoder, flow: Flow) -> Iterator[Delta]:
    """Return the deltas of a chunk, to be yielded one by one; the first content does not wait for the others.

    Up to the first content an event is decoded when its delta is asked for. What stands behind it is decoded
    at once, and handed over as one batch, as every later chunk is.

    Args:
        chunk: Of the body.
        decoder: Of the body; it does not matter to it where the bytes are cut.
        flow: Takes the batches, and knows whether the first content has left.
    """
    if flow.begun:
        return flow.hand_over(decoder.feed(chunk))
    return flow.begin(_by_event(chunk, decoder, flow))


def _by_event(chunk: bytes, decoder: Decoder, flow: Flow) -> Iterator[Delta]:
    """Yield the deltas of a chunk, decoded event by event as long as no content has left."""
    blank = b"\n\r\n" if CR in chunk else b"\n\n"
    start = 0
    while not flow.begun and (end := chunk.find(blank, start)) >= 0:
        end += len(blank)
        yield from decoder.feed(chunk[start:end])
        start = end
    if start < len(chunk):
        yield from decoder.feed(chunk[start:])


class Rest:
    """Reads on after the reason of the end, until nothing new came for a while.

    New are content, the usage, and whatever else a delta can hold; pings and empty chunks are not.

    Args:
        answer: Whose body it is.
        decoder: Of the body.
        silence: Seconds in which nothing new may come (`Limits.silence_after_finish`).
    """

    def __init__(self, answer: Answer, decoder: Decoder, silence: float) -> None:
        self._answer = answer
        self._decoder = decoder
        self._silence = silence
        self._came = False

    async def next(self) -> list[Delta]:
        """Return the deltas that come next; none at the end mark, at the end of the body, after the silence.

        Raises:
            AdapterError: The body was cut behind a reason that content had followed already: it was not the
                end then, and proves nothing.
        """
        decoder = self._decoder
        try:
            with anyio.move_on_after(self._silence) as scope:
                while not self._ended and anyio.current_time() < scope.deadline:
                    kept = decoder.kept
                    chunk = await self._answer.read()
                    deltas = decoder.feed(chunk) if chunk else decoder.flush()
                    if deltas:
                        self._came = True
                        return deltas
                    if not chunk:
                        break
                    if decoder.kept > kept:
                        scope.deadline = anyio.current_time() + self._silence
        except AdapterError:
            if self._came:
                raise
        return []

    @property
    def _ended(self) -> bool:
        return self._decoder.done or self._decoder.failure is not None
