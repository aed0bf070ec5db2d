"""OpenAI's chat completions on the wire: the request's body, the stream, the whole reply.

What one chunk says is read in `chunks`, what an error object means in `adapters.wire.error_object`; here is
how a body is taken apart and when it is over. A `finish_reason` or `[DONE]` proves the end. The usage,
where it was asked for, comes after the `finish_reason`: whoever wants it reads on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, BadReply
from adapters.contract.secret import PeerText
from adapters.openai.chunks import ChunkReader
from adapters.wire.error_object import error_from, is_harmless
from adapters.wire.json import decode, encode, encode_in_steps
from adapters.wire.sse import SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from adapters.contract.message import Message
    from adapters.wire.meter import Meter
    from adapters.wire.sse import Event

__all__ = ["ChunkDecoder", "error_from", "request_body", "request_body_in_steps", "whole"]

_DONE: Final = b"[DONE]"
_PINGS: Final = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})
_FIXED: Final = frozenset({"messages", "stream"})
_shown: Final = PeerText()


class ChunkDecoder:
    """Turns the bytes of a streamed completion into deltas; the same ones come out however the bytes are cut.

    An error does not swallow what was read before it: `feed` and `flush` return the deltas and set `failure`,
    and the caller raises it after it has handed them over.

    Args:
        meter: Counts what is delivered.
        line: The most bytes of one line, and of the data of one event (`Limits.line`).
        idle_lines: The most lines in a row that finish no event (`Limits.empty`).
        choices: How many replies were asked for.
        shown: Makes a peer's text fit to be shown in an error.

    Attributes:
        done: Whether `[DONE]` came; nothing is delivered after it.
        failure: Why nothing more will come, where that is an error.
    """

    __slots__ = ("_meter", "_reader", "_shown", "_sse", "done", "failure")

    def __init__(
        self,
        meter: Meter,
        line: int,
        idle_lines: int,
        *,
        choices: int = 1,
        shown: Callable[[str], str] = _shown,
    ) -> None:
        self.done = False
        self.failure: AdapterError | None = None
        self._meter = meter
        self._shown = shown
        self._sse = SSEDecoder(line, idle_lines, error_field=True)
        self._reader = ChunkReader(meter, shown, choices)

    @property
    def proved(self) -> bool:
        """Whether the reply is known to be complete: by a `finish_reason`, or by `[DONE]`."""
        return self.done or self._reader.finished

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the deltas that `chunk` completes; look at `failure` after having handed them over."""
        deltas: list[Delta] = []
        if self.done or self.failure is not None:
            return deltas
        try:
            for name, data in self._sse.feed(chunk):
                if data[:1] == b"{" and name == "message":
                    delta = self._reader.read(data)
                    if delta is not None:
                        deltas.append(delta)
                    continue
                if self._take(name, data, deltas):
                    break
        except AdapterError as failure:
            self.failure = failure
        return deltas

    def flush(self) -> list[Delta]:
        """Return the last deltas, at the end of the body.

        An event that misses only its blank line is accepted. One that was cut inside its JSON is not: the
        reply then lacks the proof of its end, which is what the router has to know.
        """
        deltas: list[Delta] = []
        if self.done or self.failure is not None:
            return deltas
        try:
            event = self._sse.flush()
            if event is not None and _is_entire(event):
                self._take(*event, deltas)
        except AdapterError as failure:
            self.failure = failure
        self._release(deltas, ends=False)
        return deltas

    def _take(self, name: str, data: bytes, deltas: list[Delta]) -> bool:
        """Take an event of any kind; return whether it is the end mark."""
        data = data.strip()
        if data == _DONE:
            self._release(deltas, ends=not self._reader.finished)
            self.done = True
        elif not data or name in _PINGS:
            self._meter.empty()
        elif name == "error":
            self._take_error(data)
        elif (delta := self._reader.read(data)) is not None:
            deltas.append(delta)
        return self.done

    def _take_error(self, data: bytes) -> None:
        try:
            payload = decode(data)
        except BadReply:
            payload = data.decode("utf-8", "replace")
        if not is_harmless(payload.get("error") if isinstance(payload, dict) else payload):
            raise error_from(payload, shown=self._shown)
        self._meter.empty()

    def _release(self, deltas: list[Delta], *, ends: bool) -> None:
        """Hand over what was held back, and the end where nothing else said it."""
        last = Delta(*self._reader.held(), self._reader.held_reason() if ends else None, ends=ends)
        if ends or last.has_content:
            deltas.append(last)


def _is_entire(event: Event) -> bool:
    if event.event == "error" or event.data.strip() in (b"", _DONE):
        return True
    try:
        decode(event.data)
    except BadReply:
        return False
    return True


def whole(
    data: bytes, meter: Meter, *, choices: int = 1, shown: Callable[[str], str] = _shown
) -> list[Delta]:
    """Return the deltas of a completion that came as one JSON document, though a stream was asked for.

    The document is entire, so its last delta proves the end also without a `finish_reason`.

    Args:
        data: The document.
        meter: Counts what is delivered.
        choices: How many replies were asked for.
        shown: Makes a peer's text fit to be shown in an error.

    Raises:
        AdapterError: It is an error object.
        BadReply: It is no completion.
    """
    reader = ChunkReader(meter, shown, choices)
    delta = reader.read(data)
    if delta is None or not (reader.finished or delta.has_content):
        payload = decode(data)
        if any(payload.get(name) for name in ("message", "msg", "detail")):
            raise error_from(payload, shown=shown)
        if not payload.get("choices"):
            raise BadReply(
                "the provider sent JSON without choices where a completion belongs; "
                "check that base_url is that of the API (it often ends in /v1)"
            )
    text, reasoning, calls = reader.held()
    delta = delta or Delta()
    return [
        replace(
            delta,
            text=delta.text + text,
            reasoning=delta.reasoning + reasoning,
            tool_calls=delta.tool_calls + calls,
            finish_reason=delta.finish_reason or reader.held_reason(),
            ends=not reader.finished,
        )
    ]


def request_body(
    model: str | None,
    messages: Sequence[Message],
    options: Mapping[str, Any],
    extra: Mapping[str, Any],
    stream: bool = True,
    provider: str | None = None,
) -> bytes:
    """Return the body of a request for a completion.

    Args:
        model: The service's own name of the model; None leaves the choice to it.
        messages: Sent as they are, with all that the caller gave.
        options: Those that the service takes; the caller has chosen them.
        extra: Further fields, merged last; never over `messages` and `stream`.
        stream: Whether a stream is asked for, and with it the usage.
        provider: Who is asked: it gets back what it alone wants of its own replies.

    Raises:
        TypeError: Something has no form in JSON.
        ValueError: A text cannot be encoded as UTF-8.
    """
    fields = _fields(model, options, extra, stream)
    return encode({**fields, "messages": [m.as_sent(provider) for m in messages], "stream": stream})


def request_body_in_steps(
    model: str | None,
    messages: Sequence[Message],
    options: Mapping[str, Any],
    extra: Mapping[str, Any],
    provider: str | None = None,
) -> Generator[None, None, bytes]:
    """Do as `request_body` does for a stream, in steps of a few milliseconds; see `encode_in_steps`."""
    fields = _fields(model, options, extra, stream=True)
    sent = (message.as_sent(provider) for message in messages)
    return encode_in_steps({**fields, "messages": sent, "stream": True})


def _fields(
    model: str | None, options: Mapping[str, Any], extra: Mapping[str, Any], stream: bool
) -> dict[str, Any]:
    """Return the fields of a body before its messages."""
    body: dict[str, Any] = {} if model is None else {"model": model}
    body |= options
    if stream:
        body["stream_options"] = {"include_usage": True}
    return body | {name: value for name, value in extra.items() if name not in _FIXED}
