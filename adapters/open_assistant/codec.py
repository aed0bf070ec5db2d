"""Open-Assistant on the wire: the event stream of an answer, the message object, and what both say. Sans-I/O.

An event is one `data:` line of ASCII JSON, told apart by `event_type`. Four of them matter, all others carry
no content and are skipped, those that are not invented yet included:

    pending    the answer waits in the queue, or is being worked on
    token      a piece of the answer, maybe an empty one
    message    the end: the whole message object with its final content
    error      the end: the worker failed, or took the work too late; the message object, or null

Source: `inference/server/oasst_inference_server/schemas/chat.py` and `website/src/pages/api/chat` of
LAION-AI/Open-Assistant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from adapters.contract.errors import BadReply
from adapters.wire.error_body import is_page
from adapters.wire.json import decode
from adapters.wire.sse import Event, SSEDecoder
from adapters.wire.text import SurrogateJoiner, encodable

COMPLETE: Final = "complete"
ABORTED: Final = "aborted_by_worker"
CANCELLED: Final = "cancelled"
TIMEOUT: Final = "timeout"
FAILED: Final = frozenset({ABORTED, CANCELLED, TIMEOUT})
"""The states of a message that no answer follows."""
_HEAD: Final = 4096  # bytes of a body without events that are kept, to say what it was


class Message(Struct, gc=False):
    """A message object, as far as it is needed.

    Attributes:
        id: Its id; a text where the site keeps to the protocol.
        state: manual, pending, in_progress, complete, aborted_by_worker, cancelled, timeout.
        content: Its text; None while it is not complete.
    """

    id: Any = None
    state: Any = None
    content: Any = None

    @property
    def text(self) -> str | None:
        """The content, fit to be encoded, or None where there is none."""
        return encodable(self.content) if isinstance(self.content, str) else None


class _Event(Struct, gc=False):
    event_type: Any = None
    text: Any = None
    error: Any = None
    message: Any = None


class Waiting:
    """The answer waits in the queue, or is being worked on without a word yet."""


WAITING: Final = Waiting()


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the event stream.

    Attributes:
        message: The message object, where one came.
        error: What the error event says; None where the end is a good one.
    """

    message: Message | None = None
    error: str | None = None


Item = str | Waiting | Ended
"""What an event is to a reader: text (an empty one is no progress), waiting, or the end."""


def message_of(value: Any) -> Message | None:
    """Return the message object that a JSON value is, or None."""
    if not isinstance(value, dict):
        return None
    return Message(value.get("id"), value.get("state"), value.get("content"))


class EventDecoder:
    """Turns the bytes of the event stream into items; the same items come however the bytes are cut.

    Nothing comes after the end: what a server sends then is dropped.

    Args:
        limit: The most bytes of one line or event.
        idle_lines: The most lines in a row without an event.

    Attributes:
        head: The first bytes of the body, as long as no event has come: a page, a JSON error.
    """

    __slots__ = ("_ended", "_failure", "_joiner", "_seen", "_sse", "head")

    def __init__(self, limit: int, idle_lines: int) -> None:
        self._sse = SSEDecoder(limit, idle_lines)
        self._joiner = SurrogateJoiner()
        self._failure: BadReply | None = None
        self._seen = False
        self._ended = False
        self.head = b""

    def feed(self, chunk: bytes) -> list[Item]:
        """Return the items that `chunk` completes.

        Raises:
            BadReply: An event is not JSON, or a limit is passed. Items before it come first; the error with
                the next call.
        """
        if self._failure is not None:
            raise self._failure
        if not self._seen:
            self.head = (self.head + chunk)[:_HEAD]
        items: list[Item] = []
        try:
            for event in self._sse.feed(chunk):
                if self._ended:
                    break
                items += self._items(event)
        except BadReply as failure:
            self._failure = failure
            if not items:
                raise
        return items

    def flush(self) -> list[Item]:
        """Return the item of a last event that misses only its blank line, at the end of the body.

        One that was cut in the middle is no item: the body was.

        Raises:
            BadReply: As of `feed`.
        """
        if self._failure is not None:
            raise self._failure
        event = None if self._ended else self._sse.flush()
        try:
            return [] if event is None else self._items(event)
        except BadReply:
            return []

    @property
    def is_no_stream(self) -> bool:
        """Whether the body is a page or a JSON document, and no event came of it."""
        return not self._seen and (is_page(self.head) or self.head.lstrip()[:1] in (b"{", b"["))

    def _items(self, event: Event) -> list[Item]:
        if event.event != "message":
            return self._named(event)
        found = decode(event.data, _Event)
        self._seen = True
        self.head = b""
        match found.event_type:
            case "token":
                return [self._joiner.feed(found.text) if isinstance(found.text, str) else ""]
            case "pending":
                return [WAITING]
            case "message":
                return self._end(Ended(message_of(found.message)))
            case "error":
                said = found.error if isinstance(found.error, str) else ""
                return self._end(Ended(message_of(found.message), said))
        return [""]

    def _named(self, event: Event) -> list[Item]:
        # The site's own reader knows events with the names `error` and `ping`; their data need not be JSON.
        self._seen = True
        self.head = b""
        if event.event == "error":
            return self._end(Ended(None, event.data.decode("utf-8", "replace")))
        return [""]

    def _end(self, end: Ended) -> list[Item]:
        self._ended = True
        rest = "" if end.error is not None else self._joiner.flush()
        return [rest, end] if rest else [end]


def rest_of(content: str, delivered: str) -> str | None:
    """Return what of the final `content` was not delivered yet; None where the two do not fit together.

    The worker trims the text when it is complete, and cuts stop sequences off. So what was delivered may
    begin with blanks that the content lacks, and go on where the content ends.
    """
    if content.startswith(delivered):
        return content[len(delivered) :]
    begun = delivered.lstrip()
    if content.startswith(begun):
        return content[len(begun) :]
    return "" if begun.startswith(content.strip()) and content.strip() else None
