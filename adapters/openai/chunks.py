"""One chunk of a chat completion, as JSON, into one `Delta`.

Half of the living services speak this format, each with small liberties, and these are taken as they come:
reasoning under many names, content in parts, roles without content, usage without choices or inside one, tool
calls without an index, an empty `finish_reason` or one on each chunk, a whole message where a delta belongs,
a refusal beside the content. An unknown shape of a field at the side costs no reply: only content of an
unknown shape does.

A `finish_reason` ends nothing, since text, calls and usage may follow it. It is kept, and `last` says what it
means once nothing more comes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from adapters.contract import Beside, Delta, ToolCallFragment
from adapters.contract.errors import BadReply, EmptyReply, Scope, ServiceFailed
from adapters.openai.finish_reasons import Ending, FinishReason, read_finish_reason
from adapters.openai.side_fields import SideFields, parts_of, reasoning_of, usage_of
from adapters.openai.text_runs import TextRuns
from adapters.openai.tool_calls import ToolCallReader
from adapters.wire.json import decode
from adapters.wire.text import SurrogateJoiner, encodable
from adapters.wire.vendor.errors import AnswerErrors, is_harmless

if TYPE_CHECKING:
    from adapters.contract import Usage
    from adapters.wire.reply_limits import Meter

NATIVE: Final = "native_finish_reason"
"""The name in `Beside.extra` of the service's own finish reason, where it is not OpenAI's word."""
_ERRORS: Final = AnswerErrors()


class _Content(Struct, gc=False):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    reasoning_details: Any = None
    thinking: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    images: Any = None
    audio: Any = None
    annotations: Any = None


class _Choice(Struct, gc=False):
    index: int | None = None
    delta: _Content | None = None
    message: _Content | None = None
    finish_reason: Any = None
    logprobs: Any = None
    usage: Any = None
    error: Any = None


class _Chunk(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: Any = None
    error: Any = None
    object: Any = None


class ChunkReader:
    """Reads the chunks of one reply; keeps what spans several of them.

    Args:
        meter: Counts what is delivered.
        errors: Makes the exceptions of errors of the service.
        choices: How many replies were asked for; those over 1 are further choices.

    Attributes:
        finished: Whether a `finish_reason` was read, of each choice.
    """

    __slots__ = (
        "_calls", "_errors", "_further", "_has_answer", "_meter", "_model", "_reason", "_reasoning", "_side",
        "_text", "_usage", "finished", "runs",
    )  # fmt: skip

    def __init__(self, meter: Meter, errors: AnswerErrors = _ERRORS, choices: int = 1) -> None:
        self.finished = False
        self._meter = meter
        self._errors = errors
        self._model: str | None = None
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._has_answer = False  # anything but reasoning
        self._text = SurrogateJoiner()
        self._reasoning: SurrogateJoiner | None = None  # made when the first comes, as the calls are
        self._calls: ToolCallReader | None = None  # most replies have none
        self._side = SideFields()
        self._further: dict[int, ChunkReader] = {}
        if choices > 1:
            self._further = {index: ChunkReader(meter, errors) for index in range(1, choices)}
        self.runs = TextRuns()

    def read(self, data: bytes) -> Delta | None:
        """Return the delta of one chunk, or None where it says nothing.

        Raises:
            AdapterError: The chunk is an error object, or has one inside.
            BadReply: The chunk is not JSON or of another shape.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        chunk = decode(data, _Chunk)
        if chunk.error or chunk.object == "error":
            if not is_harmless(chunk.error):
                raise self._errors.of(decode(data), 200 if chunk.object == "error" else None)
            self._meter.empty()
            return None
        choices = chunk.choices or ()
        if not self._further:
            for choice in choices:
                if not choice.index:
                    return self._first(choice, chunk, data)
        elif choices:
            return self._several(chunk, data)
        self._meter.empty()
        self._side.look(data, self._meter)
        usage = self._counted(chunk.usage)
        if usage is None:
            return None
        return Delta(usage=usage, model=self._new(chunk.model), beside=self._side.taken_into(None))

    def read_texts(self, texts: list[str]) -> list[Delta] | None:
        """Return the deltas of chunks of a run, or None where what came before wants them to be read singly.

        Args:
            texts: As of `TextRuns.parts`.
        """
        if self.finished or self._text.holds or not self._meter.take(texts):
            return None
        self._has_answer = True
        return [Delta(text) for text in texts]

    def held(self) -> Delta:
        """Return what was held back of text, reasoning and arguments, at the end of the stream."""
        calls = () if self._calls is None else self._calls.held()
        reasoning = "" if self._reasoning is None else self._reasoning.flush()
        delta = Delta(self._text.flush(), reasoning, calls)
        delta.beside = self._side.taken_into(None)
        return delta

    def last(self) -> Delta:
        """Return the delta that proves the end, with the finish reason, the usage, and what was held back.

        Raises:
            ServiceFailed: The finish reason names a failure.
            EmptyReply: The limit of tokens was met, and there is nothing but reasoning.
        """
        delta = self.held()
        delta.ends, delta.usage = True, self._usage
        reason = self._reason
        if reason is None:
            return delta
        if reason.ending is Ending.FAILED:
            native = self._errors.shown(reason.native)
            raise ServiceFailed(
                f"the provider ended the reply with the finish reason {native!r}, which names a failure; "
                "what came before it is not whole"
            )
        if reason.ending is Ending.LENGTH and not (self._has_answer or delta.has_content):
            native = self._errors.shown(reason.native)
            raise EmptyReply(
                f"the limit of tokens was met (finish reason {native!r}) before there was any text; "
                "allow more with max_tokens, or shorten the messages",
                scope=Scope.REQUEST,
            )
        delta.finish_reason = reason.word
        if reason.native != reason.word:
            beside = delta.beside or Beside()
            delta.beside = replace(beside, extra={NATIVE: reason.native, **beside.extra})
        return delta

    def _first(self, choice: _Choice, chunk: _Chunk, data: bytes) -> Delta | None:
        content = choice.delta or choice.message
        if chunk.usage is None and (text := _only_text(choice, content)):
            if not self._further:
                self.runs.learn(data, text)
            text = self._text.feed(text)  # the way of nearly all chunks
            self._meter.content(text)
            self._has_answer = True
            model = None if self._model is not None else self._new(chunk.model)
            if model is None:
                return Delta(text) if text else None
            if not text:
                self._side.look(data, self._meter)
            delta = Delta(text)
            delta.model, delta.beside = model, self._side.taken_into(None)
            return delta
        usage = self._counted(chunk.usage if choice.usage is None else choice.usage)
        if content == _NOTHING and usage is None and choice.error is None and choice.logprobs is None:
            return self._without_words(choice, chunk, data)
        delta = self.delta(choice, content, usage)
        if choice.finish_reason or not delta.has_content:
            self._side.look(data, self._meter)
        model = self._new(chunk.model)
        if model is not None:
            delta.model = model
        if _says_nothing(delta):
            return None
        delta.beside = self._side.taken_into(delta.beside)
        return delta

    def _without_words(self, choice: _Choice, chunk: _Chunk, data: bytes) -> Delta | None:
        """Return the delta of a chunk that brings neither words nor counts, as one with a finish reason."""
        self._finish(choice)
        self._meter.empty()
        self._side.look(data, self._meter)
        model = self._new(chunk.model)
        return None if model is None else Delta(model=model, beside=self._side.taken_into(None))

    def _finish(self, choice: _Choice) -> None:
        """Keep the finish reason of a chunk, where it has one."""
        if choice.finish_reason and (reason := read_finish_reason(choice.finish_reason)) is not None:
            self._reason = _weightier(self._reason, reason)
            self.finished = True

    def _several(self, chunk: _Chunk, data: bytes) -> Delta | None:
        """Return one delta for all choices of a chunk; those but the first stand in its `beside`."""
        first = Delta()
        further: list[tuple[int, Delta]] = []
        for choice in chunk.choices or ():
            if not choice.index:
                first = self._first(choice, chunk, data) or first
            elif choice.index in self._further:
                reader = self._further[choice.index]
                delta = reader.further_delta(choice)
                if not _says_nothing(delta):
                    further.append((choice.index, delta))
        if further:
            first.beside = replace(first.beside or Beside(), choices=tuple(further))
        if first.usage is None:
            first.usage = self._counted(chunk.usage)
        self.finished = self._reason is not None and all(r.finished for r in self._further.values())
        return None if _says_nothing(first) else first

    def further_delta(self, choice: _Choice) -> Delta:
        """Return the delta of a further choice, which has its own finish reason on the chunk where it came.

        Raises:
            AdapterError: As of `read`.
        """
        had = self._reason
        delta = self.delta(choice, choice.delta or choice.message, None)
        if had is None and self._reason is not None:
            delta.finish_reason = self._reason.word
        return delta

    def delta(self, choice: _Choice, content: _Content | None, usage: Usage | None) -> Delta:
        """Return the delta of one choice; it may say nothing.

        Raises:
            AdapterError: As of `read`.
        """
        if choice.error and not is_harmless(choice.error):
            raise self._errors.of(choice.error)
        text = reasoning = ""
        calls: tuple[ToolCallFragment, ...] = ()
        beside: Beside | None = None
        if content is not None:
            text, reasoning, beside = self._words(content, choice.logprobs)
            if content.tool_calls or content.function_call:
                calls = self._called(content)
        self._finish(choice)
        if text:
            self._meter.content(text)
        if reasoning:
            self._meter.content(reasoning)
        elif not text and not calls:
            self._meter.empty()
        delta = Delta(text, reasoning, calls, None, usage, beside=beside)
        if text or calls or (beside is not None and beside.has_content):
            self._has_answer = True
        return delta

    def _called(self, content: _Content) -> tuple[ToolCallFragment, ...]:
        """Return the fragments of tool calls, in either form."""
        if self._calls is None:
            self._calls = ToolCallReader(self._meter)
        calls = self._calls.read(content.tool_calls) if content.tool_calls else ()
        if content.function_call:
            calls += self._calls.read_old_form(content.function_call)
        return calls

    def _words(self, content: _Content, logprobs: object) -> tuple[str, str, Beside | None]:
        """Return text, reasoning and what is beside; a refusal is what the model says, so it is text."""
        field, thought = reasoning_of(content)
        parts = None
        if isinstance(content.content, str):
            text = content.content
        elif isinstance(content.content, list):
            parts = parts_of(content.content)
            text = parts.text
            thought = thought or parts.thinking
        elif content.content is None:
            text = ""
        else:
            raise BadReply("the provider sent JSON of another shape than expected: the content is not text")
        refusal = encodable(content.refusal) if isinstance(content.refusal, str) else ""
        beside = self._side.of_content(content, parts, logprobs, refusal, field, self._meter)
        text = text or refusal
        if thought:
            if self._reasoning is None:
                self._reasoning = SurrogateJoiner()
            thought = self._reasoning.feed(thought)
        return self._text.feed(text) if text else "", thought, beside

    def _counted(self, usage: object) -> Usage | None:
        """Return the counts of a chunk, and keep them: the newest are those of the whole reply."""
        counts = None if usage is None else usage_of(usage)
        if counts is not None:
            self._usage = counts
        return counts

    def _new(self, model: object) -> str | None:
        """Return the model's name the first time that a chunk carries it."""
        if self._model is not None or not model or not isinstance(model, str):
            return None
        self._model = encodable(model)
        return self._model


_EMPTY: Final = Delta()
_NOTHING: Final = _Content()
_FINAL: Final = frozenset({Ending.FAILED, Ending.REFUSED})


def _weightier(before: FinishReason | None, new: FinishReason) -> FinishReason:
    """Return the reason that holds of two: the newer one, but nothing takes a failure or a refusal back."""
    if before is not None and before.ending in _FINAL and new.ending is not Ending.FAILED:
        return before
    return new


def _says_nothing(delta: Delta) -> bool:
    return delta.beside is None and delta == _EMPTY


def _only_text(choice: _Choice, content: _Content | None) -> str:
    """Return the text of a chunk that brings nothing else, else nothing."""
    if (
        content is not None
        and isinstance(content.content, str)
        and choice.finish_reason is None
        and content.tool_calls is None
        and content.reasoning_content is None
        and content.reasoning is None
        and content.reasoning_text is None
        and content.reasoning_details is None
        and content.thinking is None
        and content.function_call is None
        and content.images is None
        and content.audio is None
        and content.annotations is None
        and content.refusal is None
        and choice.logprobs is None
        and choice.usage is None
        and choice.error is None
    ):
        return content.content
    return ""
