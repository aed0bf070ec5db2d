"""One chunk of a chat completion, as JSON, into one `Delta`.

Half of the living services speak this format, each with small liberties, and these are taken as they come:
reasoning under two names, content in parts, roles without content, usage without choices, tool calls without
an index, an empty `finish_reason`, a whole message where a delta belongs, a refusal beside the content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from adapters.contract import Delta, ToolCallFragment, Usage
from adapters.wire.error_object import error_from, is_harmless
from adapters.wire.json import decode
from adapters.wire.text import SurrogateJoiner, encodable

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.wire.meter import Meter

_NO_REASON: Final = frozenset({None, "", "null"})


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Content(Struct, gc=False):
    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct, gc=False):
    index: int | None = None
    delta: _Content | None = None
    message: _Content | None = None
    finish_reason: str | None = None


class _Chunk(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: str | None = None
    error: Any = None
    object: str | None = None


class ChunkReader:
    """Reads the chunks of one reply; keeps what spans several of them.

    Args:
        meter: Counts what is delivered.
        shown: Makes a peer's text fit to be shown in an error.

    Attributes:
        finished: Whether a `finish_reason` was read.
    """

    __slots__ = ("_arguments", "_call", "_meter", "_model", "_reasoning", "_shown", "_text", "finished")

    def __init__(self, meter: Meter, shown: Callable[[str], str]) -> None:
        self.finished = False
        self._meter = meter
        self._shown = shown
        self._model: str | None = None
        self._text = SurrogateJoiner()
        self._reasoning = SurrogateJoiner()
        self._arguments = SurrogateJoiner()  # of one call at a time: their pieces come in a row
        self._call = 0

    def read(self, data: bytes) -> Delta | None:
        """Return the delta of one chunk, or None where it says nothing.

        Raises:
            AdapterError: The chunk is an error object.
            BadReply: The chunk is not JSON or of another shape.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        chunk = decode(data, _Chunk)
        if chunk.error or chunk.object == "error":
            if not is_harmless(chunk.error):
                raise error_from(decode(data), shown=self._shown)
            self._meter.empty()
            return None
        usage = None if chunk.usage is None else _usage(chunk.usage)
        for choice in chunk.choices or ():
            if not choice.index:
                return self._delta(choice, usage, chunk.model)
        self._meter.empty()
        return None if usage is None else Delta(usage=usage, model=self._new(chunk.model))

    def held(self) -> tuple[str, str, tuple[ToolCallFragment, ...]]:
        """Return what was held back of text, reasoning and arguments, at their end."""
        return self._text.flush(), self._reasoning.flush(), self._held_arguments()

    def _delta(self, choice: _Choice, usage: Usage | None, model: str | None) -> Delta | None:
        content = choice.delta or choice.message
        if usage is None and self._model is not None and (text := _only_text(choice, content)):
            text = self._text.feed(text)  # the way of nearly all chunks
            self._meter.content(text)
            return Delta(text) if text else None
        text = reasoning = ""
        calls: tuple[ToolCallFragment, ...] = ()
        if content is not None:
            text, reasoning = self._words(content)
            if content.tool_calls:
                calls = self._fragments(content.tool_calls)
        reason = None
        if choice.finish_reason not in _NO_REASON and not self.finished:
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
        name = self._new(model) if self._model is None else None
        if text or reasoning or calls or reason or usage or name:
            return Delta(text, reasoning, calls, reason, usage, name)
        return None

    def _words(self, content: _Content) -> tuple[str, str]:
        """Return the text and the reasoning; a refusal is what the model says, so it is text."""
        thought = content.reasoning_content or content.reasoning or ""
        if isinstance(content.content, list):
            text, thinking = _parts(content.content)
            thought += thinking
        else:
            text = content.content or ""
        text = text or content.refusal or ""
        return self._text.feed(text) if text else "", self._reasoning.feed(thought) if thought else ""

    def _fragments(self, calls: list[_Call]) -> tuple[ToolCallFragment, ...]:
        fragments: list[ToolCallFragment] = []
        for position, call in enumerate(calls):
            index = position if call.index is None else call.index
            if index != self._call:
                fragments += self._held_arguments()
                self._call = index
            function = call.function or _Function()
            identity = encodable(call.id or "") or None
            name = encodable(function.name or "") or None
            arguments = self._arguments.feed(function.arguments or "")
            self._meter.content((identity or "") + (name or "") + arguments)
            if identity or name or arguments:
                fragments.append(ToolCallFragment(index, identity, name, arguments))
        return tuple(fragments)

    def _held_arguments(self) -> tuple[ToolCallFragment, ...]:
        rest = self._arguments.flush()
        return (ToolCallFragment(self._call, arguments=rest),) if rest else ()

    def _new(self, model: str | None) -> str | None:
        """Return the model's name the first time that a chunk carries it."""
        if self._model is not None or not model:
            return None
        self._model = encodable(model)
        return self._model


def _only_text(choice: _Choice, content: _Content | None) -> str:
    """Return the text of a chunk that brings nothing else, else nothing."""
    if (
        content is not None
        and isinstance(content.content, str)
        and content.reasoning_content is None
        and content.reasoning is None
        and content.tool_calls is None
        and choice.finish_reason is None
    ):
        return content.content
    return ""


def _usage(value: object) -> Usage | None:
    """Return the counts that are whole numbers; a provider's liberties with this field cost no reply."""
    if not isinstance(value, Mapping):
        return None
    counts = [value.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    numbers = [count if type(count) is int and count >= 0 else None for count in counts]
    return None if numbers == [None, None, None] else Usage(*numbers)


def _parts(parts: list[Any]) -> tuple[str, str]:
    """Return text and thinking of content that comes in typed parts, as Mistral's does."""
    text = thinking = ""
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        if isinstance(piece := part.get("text"), str):
            text += piece
        elif isinstance(thoughts := part.get("thinking"), list):
            thinking += "".join(
                t["text"] for t in thoughts if isinstance(t, Mapping) and isinstance(t.get("text"), str)
            )
        elif isinstance(thoughts, str):
            thinking += thoughts
    return text, thinking
