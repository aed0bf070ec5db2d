"""One chunk of a chat completion, as JSON, into one `Delta`.

Half of the living services speak this format, each with small liberties, and these are taken as they come:
reasoning under many names, content in parts, roles without content, usage without choices or inside one, tool
calls without an index, an empty `finish_reason`, a whole message where a delta belongs, a refusal beside the
content. An unknown shape of a field at the side costs no reply: only content of an unknown shape does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from adapters.contract import Beside, Delta, ToolCallFragment
from adapters.contract.errors import BadReply
from adapters.openai.side_fields import SideFields, parts_of, reasoning_of, usage_of
from adapters.openai.tool_calls import ToolCallReader
from adapters.wire.error_object import error_from, is_harmless
from adapters.wire.json import decode
from adapters.wire.text import SurrogateJoiner, encodable

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Usage
    from adapters.wire.meter import Meter

_NO_REASON: Final = frozenset({None, "", "null"})


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
    finish_reason: str | None = None
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
        shown: Makes a peer's text fit to be shown in an error.
        choices: How many replies were asked for; those over 1 are further choices.

    Attributes:
        finished: Whether a `finish_reason` was read, of each choice.
    """

    __slots__ = (
        "_calls", "_further", "_meter", "_model", "_reason", "_reasoning", "_shown", "_side", "_text",
        "finished",
    )  # fmt: skip

    def __init__(self, meter: Meter, shown: Callable[[str], str], choices: int = 1) -> None:
        self.finished = False
        self._meter = meter
        self._shown = shown
        self._model: str | None = None
        self._reason: str | None = None
        self._text = SurrogateJoiner()
        self._reasoning = SurrogateJoiner()
        self._calls = ToolCallReader(meter)
        self._side = SideFields()
        self._further = {index: ChunkReader(meter, shown) for index in range(1, choices)}

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
                raise error_from(decode(data), shown=self._shown)
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
        usage = None if chunk.usage is None else usage_of(chunk.usage)
        if usage is None:
            return None
        return Delta(usage=usage, model=self._new(chunk.model), beside=self._side.taken_into(None))

    def held(self) -> tuple[str, str, tuple[ToolCallFragment, ...]]:
        """Return what was held back of text, reasoning and arguments, at their end."""
        return self._text.flush(), self._reasoning.flush(), self._calls.held()

    def held_reason(self) -> str | None:
        """Return the finish reason that waits for further choices which never finished."""
        return None if self.finished else self._reason

    def _first(self, choice: _Choice, chunk: _Chunk, data: bytes) -> Delta | None:
        content = choice.delta or choice.message
        if chunk.usage is None and self._model is not None and (text := _only_text(choice, content)):
            text = self._text.feed(text)  # the way of nearly all chunks
            self._meter.content(text)
            return Delta(text) if text else None
        usage = chunk.usage if choice.usage is None else choice.usage
        delta = self.delta(choice, content, None if usage is None else usage_of(usage))
        if choice.finish_reason is not None or not delta.has_content:
            self._side.look(data, self._meter)
        model = self._new(chunk.model)
        if model is not None:
            delta.model = model
        if _says_nothing(delta):
            return None
        delta.beside = self._side.taken_into(delta.beside)
        return delta

    def _several(self, chunk: _Chunk, data: bytes) -> Delta | None:
        """Return one delta for all choices of a chunk; those but the first stand in its `beside`."""
        first = Delta()
        further: list[tuple[int, Delta]] = []
        for choice in chunk.choices or ():
            if not choice.index:
                first = self._first(choice, chunk, data) or first
            elif choice.index in self._further:
                reader = self._further[choice.index]
                delta = reader.delta(choice, choice.delta or choice.message, None)
                if not _says_nothing(delta):
                    further.append((choice.index, delta))
        if first.finish_reason is not None:  # the reply goes on until all choices have finished
            self._reason, first.finish_reason = first.finish_reason, None
        self.finished = self._reason is not None and all(r.finished for r in self._further.values())
        if self.finished:
            first.finish_reason = self._reason
        if further:
            first.beside = replace(first.beside or Beside(), choices=tuple(further))
        if first.usage is None and chunk.usage is not None:
            first.usage = usage_of(chunk.usage)
        return None if _says_nothing(first) else first

    def delta(self, choice: _Choice, content: _Content | None, usage: Usage | None) -> Delta:
        """Return the delta of one choice; it may say nothing.

        Raises:
            AdapterError: As of `read`.
        """
        if choice.error and not is_harmless(choice.error):
            raise error_from(choice.error, shown=self._shown)
        text = reasoning = ""
        calls: tuple[ToolCallFragment, ...] = ()
        beside: Beside | None = None
        if content is not None:
            text, reasoning, beside = self._words(content, choice.logprobs)
            if content.tool_calls:
                calls = self._calls.read(content.tool_calls)
            if content.function_call:
                calls += self._calls.read_old_form(content.function_call)
        reason = None
        if choice.finish_reason not in _NO_REASON and not self.finished and self._reason is None:
            self.finished = True
            reason = encodable(choice.finish_reason or "")
            more, thought, fragments = self.held()
            text, reasoning, calls = text + more, reasoning + thought, calls + fragments
        if text:
            self._meter.content(text)
        if reasoning:
            self._meter.content(reasoning)
        elif not text and not calls:
            self._meter.empty()
        return Delta(text, reasoning, calls, reason, usage, beside=beside)

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
        refusal = content.refusal if isinstance(content.refusal, str) else ""
        beside = self._side.of_content(content, parts, logprobs, encodable(refusal), field, self._meter)
        text = text or refusal
        return (
            self._text.feed(text) if text else "",
            self._reasoning.feed(thought) if thought else "",
            beside,
        )

    def _new(self, model: object) -> str | None:
        """Return the model's name the first time that a chunk carries it."""
        if self._model is not None or not model or not isinstance(model, str):
            return None
        self._model = encodable(model)
        return self._model


_EMPTY: Final = Delta()


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
