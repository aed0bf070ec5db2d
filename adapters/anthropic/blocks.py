"""The content blocks of one message, as they stream: text, thinking, calls, and what is kept of the rest.

What Anthropic wants back in the next turn becomes `Beside.reasoning_details`, in the order of the blocks:
thinking with its signature, redacted thinking, blocks of Anthropic's own tools, and, once there was one of
these, where text (`{"type": "text", "length"}`) and calls (`{"type": "tool_use"}`) stood between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from adapters.anthropic.tools import REPLY_TOOL
from adapters.contract import Beside, Delta, ToolCallFragment
from adapters.contract.errors import BadReply
from adapters.wire.text import SurrogateJoiner, encodable

if TYPE_CHECKING:
    from adapters.wire.reply_limits import Meter

__all__ = ["Blocks"]

_DEEPEST: Final = 50
_MOST_BLOCKS: Final = 10_000
_THINKING: Final = ("thinking", "redacted_thinking")


class _Block:
    """One block as far as it came."""

    __slots__ = ("call", "fields", "joiner", "kind", "length", "pieces", "said")

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        self.kind = kind
        self.fields = fields
        self.joiner = SurrogateJoiner()
        self.call: int | None = None  # the number of the tool call; None: the reply itself, or no call
        self.length = 0  # characters of text delivered
        self.pieces: list[str] = []  # of thinking, or of an input that is kept
        self.said = False  # whether a piece of the input was delivered


class Blocks:
    """Reads the blocks of one message; keeps what spans several events.

    Args:
        meter: Counts what is delivered, and what is kept.

    Attributes:
        has_answer: Whether there is text or a call.
        replied_by_tool: Whether the reply came as the input of `REPLY_TOOL`.
        of_the_service: The blocks of Anthropic's own tools, and those of unknown kinds.
    """

    __slots__ = ("_calls", "_meter", "_open", "_places", "has_answer", "of_the_service", "replied_by_tool")

    def __init__(self, meter: Meter) -> None:
        self.has_answer = False
        self.replied_by_tool = False
        self.of_the_service: list[dict[str, Any]] = []
        self._meter = meter
        self._open: dict[object, _Block] = {}
        self._calls = 0
        self._places: list[dict[str, Any]] | None = []  # not told yet; None once a block wants its place

    def begin(self, index: object, content: Any) -> Delta | None:
        """Take the start of a block.

        Raises:
            BadReply: It is no block, or there are too many of them.
        """
        if not isinstance(content, Mapping) or not isinstance(kind := content.get("type"), str):
            raise BadReply(
                "the provider sent JSON of another shape than expected: a content block is no object"
            )
        before = self.end(index)  # of one that was never ended
        if len(self._open) >= _MOST_BLOCKS:
            raise BadReply(f"the provider began {_MOST_BLOCKS} content blocks and ended none")
        block = self._open[_key(index)] = _Block(kind, {})
        after: Delta | None = None
        if kind == "text":
            after = self.text(index, content.get("text", ""))
        elif kind == "thinking":
            after = self.thinking(index, content.get("thinking", ""))
            self.signature(index, content.get("signature", ""))
        elif kind == "tool_use":
            after = self._call(block, content)
        else:
            block.fields = self.kept(dict(content))
            after = _answering(kind, block.fields)
        return _both(before, after)

    def further(self, index: object, fields: Mapping[str, Any]) -> None:
        """Take what comes later of a block that is kept, such as the content of a compaction."""
        block = self._open.get(_key(index))
        if block is None or block.kind in ("text", "tool_use", *_THINKING):
            self._meter.empty()
            return
        block.fields |= {name: each for name, each in self.kept(dict(fields)).items() if name != "type"}

    def text(self, index: object, text: Any) -> Delta | None:
        """Take a piece of text.

        Raises:
            BadReply: It is no text.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        block = self._at(index, "text")
        text = block.joiner.feed(_checked(text))
        self._meter.content(text)
        if not text:
            return None
        self.has_answer = True
        block.length += len(text)
        return Delta(text)

    def thinking(self, index: object, text: Any) -> Delta | None:
        """Take a piece of thinking.

        Raises:
            BadReply: It is no text.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        block = self._at(index, "thinking")
        text = block.joiner.feed(_checked(text))
        self._meter.content(text)
        if not text:
            return None
        block.pieces.append(text)
        return Delta(reasoning=text)

    def signature(self, index: object, signature: Any) -> None:
        """Take a piece of the signature of thinking, which is no progress."""
        if isinstance(signature, str) and signature:
            self._meter.beside(len(signature))
            block = self._at(index, "thinking")
            block.fields["signature"] = block.fields.get("signature", "") + encodable(signature)
        else:
            self._meter.empty()

    def citation(self, index: object, citation: Any) -> Delta | None:
        """Take a citation of the text."""
        if not isinstance(citation, Mapping):
            self._meter.empty()
            return None
        return Delta(beside=Beside(annotations=(self.kept(dict(citation)),)))

    def input(self, index: object, piece: Any) -> Delta | None:
        """Take a piece of the input of a tool.

        Raises:
            BadReply: It is no text.
            ReplyTooLarge: The reply is over a limit of the meter.
        """
        block = self._open.get(_key(index))
        if block is None:
            raise BadReply("the provider sent the input of a tool that it did not name")
        if block.kind != "tool_use":
            self._meter.beside(len(_checked(piece)))
            block.pieces.append(encodable(piece))
            return None
        return self._arguments(block, block.joiner.feed(_checked(piece)))

    def end(self, index: object) -> Delta | None:
        """Take the end of a block: return what was held back of it, and what is kept for the next turn."""
        block = self._open.pop(_key(index), None)
        if block is None:
            self._meter.empty()
            return None
        delta = self._rest(block)
        if block.kind == "tool_use" and not block.said and block.call is not None:
            delta = self._arguments(block, "{}") or delta  # a call without arguments; others want JSON here
        details = self._details(block)
        if details:
            delta.beside = Beside(reasoning_details=tuple(details))
        elif not delta.has_content:
            self._meter.empty()
            return None
        return delta

    def whole(self, index: int, content: Any) -> list[Delta]:
        """Return the deltas of a block that came in one piece.

        Raises:
            AdapterError: As of `begin`.
        """
        deltas = [self.begin(index, content)]
        block = self._open[_key(index)]
        if block.kind == "tool_use" and not block.said:
            deltas.append(self._arguments(block, json.dumps(content.get("input") or {}, ensure_ascii=False)))
        citations = content.get("citations")
        if block.kind == "text" and isinstance(citations, list):
            deltas += [self.citation(index, each) for each in citations]
        deltas.append(self.end(index))
        return [delta for delta in deltas if delta is not None]

    def held(self) -> Delta:
        """Return what was held back of blocks that did not end."""
        rest = Delta()
        for block in self._open.values():
            rest = _both(rest, self._rest(block)) or rest
        self._open.clear()
        return rest

    def kept(self, value: Any) -> Any:
        """Return a copy that can be encoded, counted by the meter; what is nested too deeply is cut off."""
        copied = _encodable(value)
        self._meter.beside(len(str(copied)))
        return copied

    def _at(self, index: object, kind: str) -> _Block:
        """Return the block of an event; one that was not begun, or as another kind, begins here."""
        block = self._open.get(_key(index))
        if block is None or block.kind != kind:
            block = self._open[_key(index)] = _Block(kind, {})
        return block

    def _call(self, block: _Block, content: Mapping[str, Any]) -> Delta | None:
        name, identity = content.get("name"), content.get("id")
        if not isinstance(name, str) or not name:
            raise BadReply("the provider sent JSON of another shape than expected: a tool call has no name")
        self.has_answer = True
        if name == REPLY_TOOL:
            self.replied_by_tool = True
            return self._given(block, content)
        block.call, self._calls = self._calls, self._calls + 1
        identity = encodable(identity) if isinstance(identity, str) and identity else None
        self._meter.content((identity or "") + name)
        first = Delta(tool_calls=(ToolCallFragment(block.call, identity, encodable(name)),))
        return _both(first, self._given(block, content))

    def _given(self, block: _Block, content: Mapping[str, Any]) -> Delta | None:
        """Return the input where it stands in the start of the block already, as some servers send it."""
        if not content.get("input"):
            return None
        return self._arguments(block, encodable(json.dumps(content["input"], ensure_ascii=False)))

    def _arguments(self, block: _Block, piece: str) -> Delta | None:
        self._meter.content(piece)
        if not piece:
            return None
        block.said = True
        if block.call is None:
            block.length += len(piece)
            return Delta(piece)
        return Delta(tool_calls=(ToolCallFragment(block.call, arguments=piece),))

    def _rest(self, block: _Block) -> Delta:
        rest = block.joiner.flush()
        if not rest:
            return Delta()
        if block.kind == "thinking":
            block.pieces.append(rest)
            return Delta(reasoning=rest)
        if block.kind == "tool_use":
            return self._arguments(block, rest) or Delta()
        block.length += len(rest)
        return Delta(rest)

    def _details(self, block: _Block) -> list[dict[str, Any]]:
        """Return what is to be told of a block that ended, for the next turn."""
        if block.kind == "text" or (block.kind == "tool_use" and block.call is None):
            return self._placed({"type": "text", "length": block.length}) if block.length else []
        if block.kind == "tool_use":
            return self._placed({"type": "tool_use"})
        if block.kind == "thinking":
            own = {"type": "thinking", "thinking": "".join(block.pieces), **block.fields}
            if "signature" not in own:
                return []
        else:
            own = block.fields
            if block.pieces:
                own["input"] = _json_of("".join(block.pieces))
            if block.kind not in _THINKING:
                self.of_the_service.append(own)
        before, self._places = self._places or [], None
        return [*before, own]

    def _placed(self, place: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a place where places are told already; else keep it until one has to be told."""
        if self._places is None:
            return [place]
        last = self._places[-1] if self._places else None
        if last is not None and last["type"] == place["type"] == "text":
            last["length"] += place["length"]
        elif len(self._places) < _MOST_BLOCKS:
            self._places.append(place)
        return []


def _answering(kind: str, fields: Mapping[str, Any]) -> Delta | None:
    """Return the model that goes on from here, where another one takes over within the message."""
    to = fields.get("to") if kind == "fallback" else None
    model = to.get("model") if isinstance(to, Mapping) else None
    return Delta(model=model) if isinstance(model, str) and model else None


def _key(index: object) -> int:
    return index if type(index) is int else -1


def _checked(text: Any) -> str:
    if not isinstance(text, str):
        raise BadReply(
            "the provider sent JSON of another shape than expected: a piece of content is not text"
        )
    return text


def _both(first: Delta | None, second: Delta | None) -> Delta | None:
    if first is None or second is None:
        return first or second
    first.text += second.text
    first.reasoning += second.reasoning
    first.tool_calls += second.tool_calls
    first.beside = first.beside or second.beside
    first.model = second.model or first.model
    return first


def _json_of(text: str) -> Any:
    try:
        return _encodable(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _encodable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if not isinstance(value, Mapping | list):
        return value
    if depth == _DEEPEST:
        return None
    if isinstance(value, list):
        return [_encodable(item, depth + 1) for item in value]
    return {encodable(str(key)): _encodable(item, depth + 1) for key, item in value.items()}
