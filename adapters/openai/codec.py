"""OpenAI's chat completions on the wire: the request's body, the stream, the whole reply.

What one chunk says is read in `chunks`, what an error means in `adapters.wire.vendor`; here is how a body is
taken apart and when it is over. A `finish_reason` or `[DONE]` proves the end. Only `[DONE]` is the end: text,
tool calls and the usage may follow a `finish_reason`, so whoever wants all of it reads on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.contract import Delta
from adapters.contract.delta import together
from adapters.contract.errors import AdapterError, BadReply
from adapters.contract.message import EMPTY, ROLES, all_as_sent
from adapters.openai.chunks import ChunkReader
from adapters.openai.dialect import USUAL, Dialect
from adapters.wire.json import decode, encode, encode_in_steps, encode_text
from adapters.wire.sse import SSEDecoder
from adapters.wire.vendor.errors import AnswerErrors, is_harmless

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from adapters.contract.message import Message
    from adapters.wire.reply_limits import Meter
    from adapters.wire.sse import Event

__all__ = [
    "ChunkDecoder",
    "messages_body",
    "messages_body_in_steps",
    "request_body",
    "request_body_in_steps",
    "whole",
]

_DONE: Final = b"[DONE]"
_PINGS: Final = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})
_ERRORS: Final = AnswerErrors()
_FIXED: Final = frozenset({"messages", "stream"})
_BEGINNINGS: Final = {role: b'{"role":%b,"content":' % encode(role) for role in ROLES}


class ChunkDecoder:
    """Turns the bytes of a streamed completion into deltas; the same ones come out however the bytes are cut.

    An error does not swallow what was read before it: `feed` and `flush` return the deltas and set `failure`,
    and the caller raises it after it has handed them over.

    Args:
        meter: Counts what is delivered.
        line: The most bytes of one line, and of the data of one event (`Limits.line`).
        idle_lines: The most lines in a row that finish no event (`Limits.empty`).
        choices: How many replies were asked for.
        errors: Makes the exceptions of errors of the service.

    Attributes:
        errors: As given.
        done: Whether `[DONE]` came; nothing is delivered after it.
        failure: Why nothing more will come, where that is an error.
    """

    __slots__ = ("_behind", "_line", "_meter", "_reader", "_sse", "done", "errors", "failure")

    def __init__(
        self,
        meter: Meter,
        line: int,
        idle_lines: int,
        choices: int = 1,
        errors: AnswerErrors = _ERRORS,
    ) -> None:
        self.done = False
        self.failure: AdapterError | None = None
        self._behind: list[Delta] = []  # without content, from the finish reason on: for the last delta
        self._meter = meter
        self.errors = errors
        self._line = line
        self._sse = SSEDecoder(line, idle_lines, True)
        self._reader = ChunkReader(meter, errors, choices)

    @property
    def proved(self) -> bool:
        """Whether the reply is known to be complete: by a `finish_reason`, or by `[DONE]`."""
        return self.done or self._reader.finished

    @property
    def kept(self) -> int:
        """How many deltas without content came from the finish reason on; `last` has what they hold."""
        return len(self._behind)

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the deltas that `chunk` completes; look at `failure` after having handed them over."""
        deltas: list[Delta] = []
        runs = self._reader.runs
        if len(chunk) > self._line:  # a line may be over the limit, which is the decoder's to say
            self._decode(chunk, deltas)
            return deltas
        if not (runs.known and self._sse.at_rest):
            chunk = self._begin(chunk, deltas)
            if not chunk:
                return deltas
        usual = not self.done and self.failure is None  # and at rest, as each part but the last leaves it
        for part in runs.parts(chunk):
            if not isinstance(part, bytes):
                if usual and (read := self._reader.read_texts(part)):
                    self._sse.passed()
                    deltas += read
                    continue
                part = runs.events(part)
            self._decode(part, deltas)
            usual = not self.done and self.failure is None and self._sse.at_rest
        return deltas

    def _begin(self, chunk: bytes, deltas: list[Delta]) -> bytes:
        """Decode the beginning of a chunk, up to where a run of texts may begin; return the rest."""
        runs = self._reader.runs
        while chunk and not (runs.known and self._sse.at_rest):
            # One event for itself: what is learned by it may hold for those behind it.
            known = runs.known
            end = chunk.find(b"\n\n") + 2 if known or runs.tries > 0 else 1
            if not known and runs.tries > 0:
                runs.tries -= 1
            head = chunk if end == 1 else chunk[:end]
            chunk = chunk[len(head) :]
            self._decode(head, deltas)
            if known and not self._sse.at_rest:
                self._decode(chunk, deltas)
                return b""
        return chunk

    def _decode(self, chunk: bytes, deltas: list[Delta]) -> None:
        if self.done or self.failure is not None:
            return
        try:
            if (data := self._sse.whole(chunk)) is not None:
                self._read(data, deltas)
                return
            for name, data in self._sse.feed(chunk):
                if data[:1] == b"{" and name == "message":
                    self._read(data, deltas)
                    continue
                if self._take(name, data, deltas):
                    break
        except AdapterError as failure:
            self.failure = failure

    def _read(self, data: bytes, deltas: list[Delta]) -> None:
        """Take the data of a message."""
        delta = self._reader.read(data)
        if delta is not None:
            self._add(delta, deltas) if self._reader.finished else deltas.append(delta)

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
        # Half a character that was held back is worth nothing before a failure, wherever the bytes were cut.
        whole_so_far = self.failure is None and not self.proved
        if whole_so_far and (held := self._reader.held()).has_content:
            deltas.append(held)
        return deltas

    def last(self) -> Delta:
        """Return the delta that proves the end, once nothing more comes of a reply that is `proved`.

        Raises:
            AdapterError: The finish reason names a failure; see `ChunkReader.last`.
        """
        last = self._reader.last()
        for delta in reversed(self._behind):
            last = joined(delta, last)
        return last

    def _take(self, name: str, data: bytes, deltas: list[Delta]) -> bool:
        """Take an event of any kind; return whether it is the end mark."""
        data = data.strip()
        if data == _DONE:
            self.done = True
        elif not data or name in _PINGS:
            self._meter.empty()
        elif name == "error":
            self._take_error(data)
        elif (delta := self._reader.read(data)) is not None:
            self._add(delta, deltas)
        return self.done

    def _add(self, delta: Delta, deltas: list[Delta]) -> None:
        """Hand a delta over, or keep it for the last one."""
        if self._reader.finished and not delta.has_content:
            self._behind.append(delta)
        else:
            deltas.append(delta)

    def _take_error(self, data: bytes) -> None:
        try:
            payload = decode(data)
        except BadReply:
            payload = data.decode("utf-8", "replace")
        if not is_harmless(payload.get("error") if isinstance(payload, dict) else payload):
            raise self.errors.of(payload)
        self._meter.empty()


def _is_entire(event: Event) -> bool:
    if event.event == "error" or event.data.strip() in (b"", _DONE):
        return True
    try:
        decode(event.data)
    except BadReply:
        return False
    return True


def whole(
    data: bytes, meter: Meter, *, choices: int = 1, errors: AnswerErrors = _ERRORS
) -> tuple[Delta, AdapterError | None]:
    """Return a completion that came as one JSON document, though a stream was asked for.

    The document is entire, so its delta proves the end also without a `finish_reason`. Where the finish
    reason names a failure, the delta holds what came before it and proves nothing, and the failure is to be
    raised behind it.

    Args:
        data: The document.
        meter: Counts what is delivered.
        choices: How many replies were asked for.
        errors: Makes the exceptions of errors of the service.

    Raises:
        AdapterError: It is an error object.
        BadReply: It is no completion.
    """
    reader = ChunkReader(meter, errors, choices)
    first = reader.read(data) or Delta()
    if not (reader.finished or first.has_content):
        payload = decode(data)
        if any(payload.get(name) for name in ("message", "msg", "detail")):
            raise errors.of(payload, 200)
        if not payload.get("choices"):
            raise BadReply(
                "the provider sent JSON without choices where a completion belongs; "
                "check that base_url is that of the API (it often ends in /v1)"
            )
    try:
        return joined(first, reader.last()), None
    except AdapterError as failure:
        return first, failure


def joined(first: Delta, last: Delta) -> Delta:
    """Return two deltas as one that proves the end."""
    return Delta(
        first.text + last.text,
        first.reasoning + last.reasoning,
        first.tool_calls + last.tool_calls,
        last.finish_reason,
        last.usage or first.usage,
        last.model or first.model,
        ends=True,
        beside=together((first.beside, last.beside)),
    )


def request_body(
    model: str | None,
    messages: Sequence[Message] | bytes,
    options: Mapping[str, Any],
    extra: Mapping[str, Any],
    stream: bool = True,
    provider: str | None = None,
    dialect: Dialect = USUAL,
) -> bytes:
    """Return the body of a request for a completion.

    Args:
        model: The service's own name of the model; None leaves the choice to it.
        messages: Sent as they are, with all that the caller gave; bytes are those of `messages_body`.
        options: Those that the service takes; the caller has chosen them.
        extra: Further fields, merged last; never over `messages` and `stream`.
        stream: Whether a stream is asked for, and with it the usage.
        provider: Who is asked: it gets back what it alone wants of its own replies.
        dialect: What the service wants differently.

    Raises:
        TypeError: Something has no form in JSON.
        ValueError: A text cannot be encoded as UTF-8.
    """
    fields = _fields(model, options, extra, dialect, stream)
    if isinstance(messages, bytes):  # joined, since an encoder copies many megabytes slowly
        first = encode(fields)[:-1] + b"," if fields else b"{"
        return b"".join((first, b'"messages":', messages, b',"stream":', encode(stream), b"}"))
    return encode({**fields, "messages": all_as_sent(messages, provider), "stream": stream})


def messages_body(messages: Sequence[Message]) -> bytes:
    """Return the messages as a part of a body, for any provider."""
    body = bytearray(b"[")
    for message in messages:  # a mapping for each of a history would cost more than all the rest
        if message.extra is EMPTY and type(message.content) is str:
            body += _BEGINNINGS[message.role]
            encode_text(message.content, body, -1)
            body += b"},"
        else:
            body += encode(message.as_sent()) + b","
    body[-1:] = b"]"
    return bytes(body)


def messages_body_in_steps(messages: Sequence[Message]) -> Generator[None, None, bytes]:
    """Do as `messages_body` does, in steps of a few milliseconds."""
    return encode_in_steps(message.as_sent() for message in messages)


def request_body_in_steps(
    model: str | None,
    messages: Sequence[Message],
    options: Mapping[str, Any],
    extra: Mapping[str, Any],
    stream: bool = True,
    provider: str | None = None,
    dialect: Dialect = USUAL,
) -> Generator[None, None, bytes]:
    """Do as `request_body` does, in steps of a few milliseconds; see `encode_in_steps`."""
    fields = _fields(model, options, extra, dialect, stream)
    sent = (message.as_sent(provider) for message in messages)
    return encode_in_steps({**fields, "messages": sent, "stream": stream})


def _fields(
    model: str | None, options: Mapping[str, Any], extra: Mapping[str, Any], dialect: Dialect, stream: bool
) -> dict[str, Any]:
    """Return the fields of a body before its messages."""
    body: dict[str, Any] = {} if model is None or "model" in dialect.omit else {"model": model}
    body |= dialect.fields(options, stream=stream)
    if extra:
        body |= {name: value for name, value in extra.items() if name not in _FIXED}
    return body
