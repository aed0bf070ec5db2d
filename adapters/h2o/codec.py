"""The answers of huggingface/chat-ui, line by line: what they say, and what proves that they are whole.

Two streams are told apart by the first bytes of a line, never by the content type, which was wrong for long:

    data:{"token": …}             2023-05 .. 2023-09: the events of text-generation-inference, passed through,
                                  with all that an event stream may have: a BOM, CR, comments, other fields
    {"type": "stream", …}         since 2023-09-20: one JSON object a line

The proof of a whole reply is `generated_text` in the first, `finalAnswer` in the second. Neither may be
believed blindly: some versions answer a failed generation with the user's own text as the final answer, some
leave out the last token, some stream a second answer after half of a first. `Reply` knows these cases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, BadReply, ReplyTooLarge
from adapters.wire.error_body import is_page
from adapters.wire.json import decode
from adapters.wire.lines import LineDecoder
from adapters.wire.text import SurrogateJoiner, encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.wire.reply_limits import Meter

T = TypeVar("T")

_BOM: Final = b"\xef\xbb\xbf"
_NOTICES: Final = (b":", b"event:", b"id:", b"retry:")
_FINISH_REASONS: Final = {"eos_token": "stop", "stop_sequence": "stop"}


class _Update(msgspec.Struct, gc=False):
    """A JSON line. Lines of other types use the same names for other things, so nothing is typed here."""

    type: Any = None
    status: Any = None
    token: Any = None
    text: Any = None
    message: Any = None
    error: Any = None
    status_code: Any = msgspec.field(default=None, name="statusCode")


class _Token(msgspec.Struct, gc=False):
    text: str = ""
    special: bool = False


class _Details(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Event(msgspec.Struct, gc=False):
    """An event of text-generation-inference."""

    token: _Token | None = None
    generated_text: str | None = None
    details: _Details | None = None
    error: Any = None
    error_type: Any = None
    message: Any = None


class Reply:
    """One answer, fed chunk by chunk.

    Args:
        where: The step, for messages.
        failed: Makes the error for a failure that the stream reports: from its message, and the status or the
            kind that it names, or None.
        meter: Counts what is delivered, and lines without content.
        limit: The most bytes of one line.

    Attributes:
        passed_through: Whether the lines are events of text-generation-inference; None before the first one.
        heard: Whether anything of the protocol came: a status, a keep-alive, a comment.
        over: Whether the last word was said, with or without a proof of completion; the rest is not read.
        failure: Why the reply failed, where it did: reported by the server whatever follows, not of this
            protocol, or over a limit. What came before it was delivered.
    """

    __slots__ = (
        "_begun", "_data", "_failed", "_joiner", "_limit", "_lines", "_meter", "_odd", "_parts", "_reasoned",
        "_where", "failure", "heard", "over", "passed_through",
    )  # fmt: skip

    def __init__(
        self,
        where: str,
        failed: Callable[[str, int | str | None], AdapterError],
        meter: Meter,
        limit: int,
    ) -> None:
        self._where = where
        self._failed = failed
        self._meter = meter
        self._limit = limit
        self._lines = LineDecoder(limit, cr=True)
        self._begun = False
        self._data = b""  # the first lines of an event whose JSON goes over several
        self._odd = False  # whether a line came before any event that may be a field of an event stream
        self._joiner = SurrogateJoiner()
        self._parts: list[str] = []
        self._reasoned = False
        self.passed_through: bool | None = None
        self.heard = False
        self.over = False
        self.failure: AdapterError | None = None

    def feed(self, chunk: bytes) -> Iterator[Delta]:
        """Yield what the lines that `chunk` completes deliver, up to the last word."""
        try:
            for line in self._lines.feed(chunk):
                delta = self._take(line)
                if delta is None:
                    self._meter.empty()
                else:
                    self._meter.content(delta.text or delta.reasoning)
                    yield delta
                if self.over:
                    return
        except AdapterError as error:
            self.failure, self.over = error, True

    def end(self) -> Iterator[Delta]:
        """Yield what the unfinished last line delivers, at the end of the body.

        Half a line proves nothing, and is no worse than none: the reply is truncated then.
        """
        if self.over:
            return
        self.over = True
        rest = b""
        try:
            rest = self._lines.flush()
            delta = self._take(rest)
            if self._data and not rest:
                self._decoded(self._data, _Event)  # it would have been an event if it could be read
        except BadReply as error:
            if not rest or is_page(rest):  # anything else is half a line
                self.failure = error
        except AdapterError as error:
            self.failure = error
        else:
            half = self._joiner.flush()
            if delta is not None or half:
                delta = delta or Delta()
                yield replace(delta, text=delta.text + half)
        # A word of another protocol is told from half a line of this one by what came before it.
        if self.failure is None and self._odd and self.passed_through is None:
            self.failure = self._foreign(b"")

    def _take(self, line: bytes) -> Delta | None:
        """Return what `line` delivers, or None where it is no progress."""
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        line = line.strip()
        if line.startswith(b"{"):
            self.heard = True
            self.passed_through = False
            return self._update(self._decoded(line, _Update))
        if line.startswith(b"data:"):
            self.heard = True
            return self._data_line(line[5:].strip())
        if not line:
            if self._data:  # it would have been an event if it could be read
                self._decoded(self._data, _Event)
            return None
        if line.startswith(_NOTICES):
            self.heard = True
            return None
        if self.passed_through:
            return None  # a field that nobody knows is skipped in an event stream
        if self.passed_through is None and not is_page(line):
            self._odd = True  # as one may stand before the first event; without any it is another protocol
            return None
        raise self._foreign(line)

    def _data_line(self, data: bytes) -> Delta | None:
        """Take a line of data: an event as soon as it is whole, which takes several lines at times."""
        alone, self.passed_through = self.passed_through is False, True
        data = self._data + b"\n" + data if self._data else data
        if data in (b"", b"[DONE]"):
            return None
        if len(data) > self._limit:
            raise ReplyTooLarge(f"{self._where}: an event is over the limit of {self._limit} bytes")
        try:
            event = self._decoded(data, _Event)
        except BadReply:
            if alone:
                raise
            self._data = data
            return None
        self._data = b""
        return self._event(event)

    def _foreign(self, line: bytes) -> BadReply:
        sent = "an HTML page" if is_page(line) else "a line that is neither an event nor JSON"
        return BadReply(f"{self._where}: the reply is {sent}; check that base_url leads to a chat-ui server")

    def _decoded(self, data: bytes, kind: type[T]) -> T:
        try:
            return decode(data, kind)
        except BadReply as error:
            raise BadReply(f"{self._where}: {error}") from None

    # -- one JSON object a line -----------------------------------------------------------------

    def _update(self, update: _Update) -> Delta | None:
        match update.type:
            case "stream" if isinstance(update.token, str):
                # Padded with NULs to 16 UTF-16 units, against guesses from the size of encrypted packets.
                return self._text(update.token.rstrip("\0"))
            case "reasoning" if isinstance(update.token, str) and update.token:
                self._reasoned = True
                return Delta(reasoning=encodable(update.token.rstrip("\0")))
            case "finalAnswer" if isinstance(update.text, str):
                return self._final(update.text, "stop")
            case "status" if update.status == "error":
                raise self._failure(update.message, update.status_code)
            case "status" if update.status == "finished":
                self.over = True
            case "stream" | "finalAnswer" if update.token is not None or update.text is not None:
                raise BadReply(f"{self._where}: the text of a line of type {update.type} is not text")
            case None if update.error is not None or update.message is not None:
                raise self._failure(update.message or update.error, update.status_code)
        return None

    # -- events of text-generation-inference ----------------------------------------------------

    def _event(self, event: _Event) -> Delta | None:
        if event.error is not None or (event.token is None and event.message is not None):
            raise self._failure(event.error or event.message, event.error_type)
        token = event.token
        delta = self._text(token.text) if token is not None and not token.special else None
        if event.generated_text is None:
            return delta
        said = event.details.finish_reason if event.details else None
        final = self._final(event.generated_text, _FINISH_REASONS.get(said or "", said or "stop"))
        if delta is None or final is None:
            return final or delta
        return replace(final, text=delta.text + final.text)

    # -- both -----------------------------------------------------------------------------------

    def _text(self, text: str) -> Delta | None:
        text = self._joiner.feed(text)
        if not text:
            return None
        self._parts.append(text)
        return Delta(text=text)

    def _final(self, final: str, reason: str) -> Delta | None:
        self.over = True
        tail = self._joiner.flush()
        streamed = "".join(self._parts) + tail
        if not streamed and not self._reasoned and not (self.passed_through and final):
            # Without a single token the final answer is the user's own text (2023), or empty.
            return None
        rest, other = reconcile(streamed, encodable(final))
        return Delta(text=tail + rest, finish_reason=reason, final_text=other)

    def _failure(self, message: Any, status: Any) -> AdapterError:
        if isinstance(message, dict):
            message = message.get("message")
        text = message if isinstance(message, str) else ""
        known = isinstance(status, int | str) and not isinstance(status, bool)
        return self._failed(text, status if known else None)


def reconcile(streamed: str, final: str) -> tuple[str, str | None]:
    """Compare the streamed text with the server's final one.

    Returns:
        What is still to be delivered, and the final text where no delivery can make up for the difference:

        1. equal, or trimmed by the server, or blank: nothing to do;
        2. the final text goes on where the stream ended: the rest;
        3. anything else, such as a second answer streamed after half of a first: the final text.
    """
    if final == streamed or final.strip() in ("", streamed.strip()):
        return "", None
    for shown in (streamed, streamed.lstrip()):
        if final.startswith(shown):
            return final[len(shown) :], None
    return "", final
