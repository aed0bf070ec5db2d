"""The bytes of a streamed message into deltas; the same ones come out however the bytes are cut.

A stop reason proves the end, and so does `message_stop`, which is the end: nothing is delivered behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.anthropic.events import EventReader
from adapters.contract.delta import together
from adapters.contract.errors import AdapterError, BadReply
from adapters.wire.json import decode
from adapters.wire.sse import SSEDecoder
from adapters.wire.vendor.errors import AnswerErrors

if TYPE_CHECKING:
    from adapters.contract import Beside, Delta
    from adapters.wire.reply_limits import Meter
    from adapters.wire.sse import Event

__all__ = ["EventDecoder", "whole"]

_ERRORS: Final = AnswerErrors()
_DONE: Final = b"[DONE]"  # of relays that speak OpenAI's protocol as well


class EventDecoder:
    """Turns the bytes of a streamed message into deltas.

    An error does not swallow what was read before it: `feed` and `flush` return the deltas and set `failure`,
    and the caller raises it after it has handed them over.

    Args:
        meter: Counts what is delivered.
        line: The most bytes of one line, and of the data of one event (`Limits.line`).
        idle_lines: The most lines in a row that finish no event (`Limits.empty`).
        errors: Makes the exceptions of errors of the service.

    Attributes:
        done: Whether the end mark came; nothing is delivered after it.
        failure: Why nothing more will come, where that is an error.
        kept: How many deltas without content came from the stop reason on; `last` has what they hold.
    """

    __slots__ = ("_behind", "_errors", "_meter", "_reader", "_sse", "done", "failure", "kept")

    def __init__(self, meter: Meter, line: int, idle_lines: int, *, errors: AnswerErrors = _ERRORS) -> None:
        self.done = False
        self.failure: AdapterError | None = None
        self.kept = 0
        self._behind: Beside | None = None
        self._meter = meter
        self._errors = errors
        self._sse = SSEDecoder(line, idle_lines)
        self._reader = EventReader(meter, errors)

    @property
    def proved(self) -> bool:
        """Whether the reply is known to be complete: by a stop reason, or by the end mark."""
        return self.done or self._reader.finished

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the deltas that `chunk` completes; look at `failure` after having handed them over."""
        deltas: list[Delta] = []
        if self.done or self.failure is not None:
            return deltas
        try:
            for event in self._sse.feed(chunk):
                self._take(event, deltas)
                if self.done:
                    break
        except AdapterError as failure:
            self.failure = failure
        return deltas

    def flush(self) -> list[Delta]:
        """Return the last deltas, at the end of the body. An event that was cut in its JSON is none."""
        deltas: list[Delta] = []
        if self.done or self.failure is not None:
            return deltas
        try:
            event = self._sse.flush()
            if event is not None and _is_entire(event):
                self._take(event, deltas)
        except AdapterError as failure:
            self.failure = failure
        # Half a character that was held back is worth nothing before a failure, wherever the bytes were cut.
        if self.failure is None and not self.proved and (held := self._reader.held()).has_content:
            deltas.append(held)
        return deltas

    def last(self) -> Delta:
        """Return the delta that proves the end, once nothing more comes of a reply that is `proved`.

        Raises:
            EmptyReply: See `EventReader.last`.
        """
        last = self._reader.last()
        return replace(last, beside=together((self._behind, last.beside)))

    def _take(self, event: Event, deltas: list[Delta]) -> None:
        name, data = event
        data = data.strip()
        if data == _DONE:
            self.done = True
            return
        if not data or name == "ping":
            self._meter.empty()
            return
        if name == "error":
            raise self._errors.of(_payload(data))
        delta = self._reader.read(data)
        self.done = self._reader.done
        if delta is None:
            return
        if self._reader.finished and not delta.has_content:
            self._behind = together((self._behind, delta.beside))
            self.kept += 1
        else:
            deltas.append(delta)


def _payload(data: bytes) -> object:
    try:
        return decode(data)
    except BadReply:
        return data.decode("utf-8", "replace")


def _is_entire(event: Event) -> bool:
    if event.event == "error":
        return True
    try:
        decode(event.data)
    except BadReply:
        return False
    return True


def whole(data: bytes, meter: Meter, *, errors: AnswerErrors = _ERRORS) -> Delta:
    """Return a message that came as one JSON document, though a stream was asked for.

    Args:
        data: The document. It is entire, so it proves the end also without a stop reason.
        meter: Counts what is delivered.
        errors: Makes the exceptions of errors of the service.

    Raises:
        AdapterError: It is an error object, or there is nothing but reasoning up to the limit of tokens.
        BadReply: It is no message.
    """
    message = decode(data)
    if isinstance(message, dict) and (message.get("type") == "error" or message.get("error")):
        raise errors.of(message, 200)
    reader = EventReader(meter, errors)
    first = reader.whole(message)
    last = reader.last()
    return replace(
        last,
        text=first.text + last.text,
        reasoning=first.reasoning + last.reasoning,
        tool_calls=first.tool_calls + last.tool_calls,
        model=first.model,
        beside=together((first.beside, last.beside)),
    )
