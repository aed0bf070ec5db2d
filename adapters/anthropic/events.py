"""The events of a streamed message, one by one, into `Delta`s.

    message_start        model, the usage so far
    content_block_start  a block begins: text, thinking, tool_use, or one of Anthropic's own tools
    content_block_delta  text_delta, thinking_delta, signature_delta, input_json_delta, citations_delta
    content_block_stop   the block is whole
    message_delta        stop_reason and the usage: it proves the end
    message_stop         the end mark
    error                an error, wherever it comes
    ping                 no progress

Kinds of events that are not known are skipped: the API may add some
(https://platform.claude.com/docs/en/build-with-claude/streaming). A block of an unknown kind is kept whole
for the round trip, as those of Anthropic's own tools are; so is what deltas of an unknown kind bring for such
a block, as those of a compaction do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from adapters.anthropic.blocks import Blocks
from adapters.anthropic.stop_reasons import Ending, ending_of
from adapters.anthropic.usage import UsageCount
from adapters.contract import Beside, Delta
from adapters.contract.delta import together
from adapters.contract.errors import BadReply, EmptyReply, Scope
from adapters.wire.json import decode
from adapters.wire.text import encodable
from adapters.wire.vendor.errors import AnswerErrors

if TYPE_CHECKING:
    from adapters.wire.reply_limits import Meter

NATIVE: Final = "native_finish_reason"
"""The name in `Beside.extra` of Anthropic's own stop reason, where it is not OpenAI's word."""
_ERRORS: Final = AnswerErrors()
_KNOWN: Final = frozenset({
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
    "message_stop", "error",
})  # fmt: skip


class _Piece(Struct, gc=False):
    type: Any = None
    text: Any = None
    thinking: Any = None
    signature: Any = None
    partial_json: Any = None
    citation: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None
    stop_details: Any = None


class _Event(Struct, gc=False):
    type: Any = None
    index: Any = None
    delta: _Piece | None = None
    content_block: Any = None
    message: Any = None
    usage: Any = None
    error: Any = None


class EventReader:
    """Reads the events of one message; keeps what spans several of them.

    Args:
        meter: Counts what is delivered.
        errors: Makes the exceptions of errors of the service.

    Attributes:
        finished: Whether a `stop_reason` was read.
        done: Whether `message_stop` was read.
    """

    __slots__ = (
        "_blocks", "_errors", "_extra", "_is_begun", "_meter", "_model", "_stop", "_usage", "done",
        "finished",
    )  # fmt: skip

    def __init__(self, meter: Meter, errors: AnswerErrors = _ERRORS) -> None:
        self.finished = False
        self.done = False
        self._meter = meter
        self._errors = errors
        self._model: str | None = None
        self._stop: tuple[Ending, str, str] | None = None  # the ending, OpenAI's word, Anthropic's
        self._extra: dict[str, Any] = {}
        self._usage = UsageCount()
        self._blocks = Blocks(meter)
        self._is_begun = False

    def read(self, data: bytes) -> Delta | None:
        """Return the delta of one event, or None where it says nothing.

        Raises:
            AdapterError: The event is an error.
            BadReply: It is not JSON, or content of another shape.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        event = self._decoded(data)
        kind = event.type
        if kind == "content_block_delta":
            return self._piece(event, data)
        if kind == "content_block_start":
            return self._blocks.begin(event.index, event.content_block)
        if kind == "content_block_stop":
            return self._blocks.end(event.index)
        if kind == "error" or (event.error and not kind):
            raise self._errors.of(decode(data))
        if kind == "message_start":
            return self._begun(event.message)
        if kind == "message_delta":
            return self._stopping(event)
        if kind == "message_stop":
            self.done = True
            return None
        self._meter.empty()
        return None

    def whole(self, message: Any) -> Delta:
        """Return a message that came as one document, though a stream was asked for; without its end.

        Raises:
            BadReply: It is no message.
        """
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            raise BadReply(
                "the provider sent JSON without content where a message belongs; "
                "check that base_url is that of Anthropic's API"
            )
        first = self._started(message) or Delta()
        deltas = [first]
        for index, block in enumerate(message["content"]):
            deltas += self._blocks.whole(index, block)
        self._stopped(message.get("stop_reason"), message.get("stop_sequence"), message.get("stop_details"))
        return _joined(deltas)

    def held(self) -> Delta:
        """Return what was held back of text, reasoning and arguments, at the end of the stream."""
        return self._blocks.held()

    def last(self) -> Delta:
        """Return the delta that proves the end, with the finish reason, the usage, and what was held back.

        Raises:
            EmptyReply: The limit of tokens was met, and there is nothing but reasoning.
        """
        delta = self.held()
        delta.ends, delta.usage = True, self._usage.total
        extra = {**self._extra, **self._usage.extra}
        if self._blocks.of_the_service:
            extra["content_blocks"] = list(self._blocks.of_the_service)
        if self._stop is not None:
            ending, word, native = self._stop
            if ending is Ending.LENGTH and not (self._blocks.has_answer or delta.has_content):
                raise EmptyReply(
                    f"the limit of tokens was met (stop reason {self._errors.shown(native)!r}) before there "
                    "was any text; allow more with max_tokens, or shorten the messages",
                    scope=Scope.REQUEST,
                )
            if ending is Ending.TOOLS and self._blocks.replied_by_tool:
                word = "stop"
            delta.finish_reason = word
            if native != word:
                extra[NATIVE] = native
        if extra:
            beside = delta.beside or Beside()
            delta.beside = replace(beside, extra={**beside.extra, **extra})
        return delta

    def _decoded(self, data: bytes) -> _Event:
        try:
            return decode(data, _Event)
        except BadReply:
            value = decode(data)
            if isinstance(value, dict) and str(value.get("type")) not in _KNOWN:
                return _Event(type="unknown")  # one of another shape, too
            raise

    def _begun(self, message: Any) -> Delta | None:
        """Take the start of a message; of a second one, nothing. It may hold blocks, and the stop reason.

        Where Anthropic's own tools call one of the caller's, the message goes on with what they found:
        https://platform.claude.com/docs/en/agents-and-tools/tool-use/programmatic-tool-calling
        """
        if self._is_begun:
            self._meter.empty()
            return None
        self._is_begun = True
        first = self._started(message)
        if not isinstance(message, dict):
            return first
        blocks = message.get("content")
        listed = enumerate(blocks) if isinstance(blocks, list) else ()
        deltas = [delta for index, block in listed for delta in self._blocks.whole(index, block)]
        self._stopped(message.get("stop_reason"), message.get("stop_sequence"), message.get("stop_details"))
        return _joined([*([first] if first is not None else []), *deltas]) if deltas else first

    def _piece(self, event: _Event, data: bytes) -> Delta | None:
        piece = event.delta
        if piece is None:
            raise BadReply("the provider sent JSON of another shape than expected: a delta is no object")
        if piece.type == "text_delta":
            return self._blocks.text(event.index, piece.text)
        if piece.type == "thinking_delta":
            return self._blocks.thinking(event.index, piece.thinking)
        if piece.type == "input_json_delta":
            return self._blocks.input(event.index, piece.partial_json)
        if piece.type == "signature_delta":
            self._blocks.signature(event.index, piece.signature)
        elif piece.type == "citations_delta":
            return self._blocks.citation(event.index, piece.citation)
        else:
            whole = decode(data)["delta"]
            self._blocks.further(event.index, whole if isinstance(whole, dict) else {})
        return None

    def _started(self, message: Any) -> Delta | None:
        if not isinstance(message, dict):
            self._meter.empty()
            return None
        self._meter.empty()
        self._usage.take(message.get("usage"))
        extra = {}
        if isinstance(identity := message.get("id"), str) and identity:
            extra["id"] = encodable(identity)
            self._meter.beside(len(identity))
        if isinstance(model := message.get("model"), str) and model and self._model is None:
            self._model = encodable(model)
            self._meter.beside(len(model))
        usage = self._usage.total
        if self._model is None and usage is None and not extra:
            return None
        return Delta(model=self._model, usage=usage, beside=Beside(extra=extra) if extra else None)

    def _stopping(self, event: _Event) -> Delta | None:
        self._meter.empty()
        self._usage.take(event.usage)
        if event.delta is not None:
            piece = event.delta
            self._stopped(piece.stop_reason, piece.stop_sequence, piece.stop_details)
        return None

    def _stopped(self, reason: Any, sequence: Any, details: Any) -> None:
        ending = ending_of(reason)
        if ending is None:
            return
        self.finished = True
        if self._stop is None or self._stop[0] is not Ending.REFUSED:  # nothing takes a refusal back
            self._stop = ending
        for name, value in (("stop_sequence", sequence), ("stop_details", details)):
            if value is not None:
                self._extra[name] = self._blocks.kept(value)


def _joined(deltas: list[Delta]) -> Delta:
    return Delta(
        "".join(delta.text for delta in deltas),
        "".join(delta.reasoning for delta in deltas),
        tuple(fragment for delta in deltas for fragment in delta.tool_calls),
        usage=next((delta.usage for delta in deltas if delta.usage is not None), None),
        model=next((delta.model for delta in reversed(deltas) if delta.model is not None), None),
        beside=together(delta.beside for delta in deltas),
    )
