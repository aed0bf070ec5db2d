"""The tool calls of one streamed reply: whose piece is whose, whatever a service does with the index.

The rules, in order:

1. An id that came before belongs to its call. Some services repeat id and name in each piece.
2. A new id begins a new call, also where the index is 0 for all of them, or missing.
3. A name begins a new call where the call at hand has another name, or finished arguments.
4. Anything else goes on with the newest call of its index, or, without an index, with the newest call.
   Pieces that come together without an index are told apart by their place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from adapters.contract import ToolCallFragment
from adapters.contract.errors import BadReply
from adapters.wire.text import SurrogateJoiner, encodable

if TYPE_CHECKING:
    from adapters.wire.reply_limits import Meter

_KNOWN: Final = frozenset({"index", "id", "type", "function", "custom", "name", "arguments", "input"})
_OLD_FORM: Final = "function_call"


class _Call:
    """One call as far as it came."""

    __slots__ = ("arguments", "id", "joiner", "name", "number", "wire_index")

    def __init__(self, number: int, wire_index: int | None) -> None:
        self.number = number
        self.wire_index = wire_index
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.joiner = SurrogateJoiner()

    def is_finished(self) -> bool:
        """Whether the arguments so far are a whole JSON document."""
        try:
            json.loads("".join(self.arguments))
        except (ValueError, RecursionError):
            return False
        return True


class ToolCallReader:
    """Turns the pieces of a reply's tool calls into fragments that keep what `ToolCallFragment` promises.

    Args:
        meter: Counts what is delivered.
    """

    __slots__ = ("_calls", "_meter")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._calls: list[_Call] = []

    def read(self, calls: object) -> tuple[ToolCallFragment, ...]:
        """Return the fragments of `tool_calls` of one chunk.

        Raises:
            BadReply: They have another shape. A call is content: it must not be lost unnoticed.
        """
        pieces = calls if isinstance(calls, list) else [calls]
        fragments: list[ToolCallFragment] = []
        for position, piece in enumerate(pieces):
            if not isinstance(piece, Mapping):
                raise BadReply(
                    "the provider sent JSON of another shape than expected: a tool call is no object"
                )
            fragments += self._piece(piece, position, len(pieces))
        return tuple(fragments)

    def read_old_form(self, call: object) -> tuple[ToolCallFragment, ...]:
        """Return the fragments of `function_call`, as services sent it before there were tools."""
        return self.read({"type": _OLD_FORM, "function": call})

    def held(self) -> tuple[ToolCallFragment, ...]:
        """Return what was held back of the arguments, at their end."""
        fragments: list[ToolCallFragment] = []
        for call in self._calls:
            fragments += _rest(call)
        return tuple(fragments)

    def _piece(self, piece: Mapping[str, Any], position: int, together: int) -> list[ToolCallFragment]:
        kind = piece.get("type")
        body = piece.get("function") or piece.get("custom") or piece
        if not isinstance(body, Mapping):
            raise BadReply("the provider sent JSON of another shape than expected: a function is no object")
        if kind != _OLD_FORM:
            kind = "custom" if kind == "custom" or "custom" in piece else None
        identity, name = _word(piece.get("id")), _word(body.get("name"))
        arguments = _arguments(body.get("arguments", body.get("input")))
        index = piece.get("index")
        if type(index) is not int or index < 0:
            index = position if together > 1 else None
        if not (identity or name or arguments):
            self._meter.empty()
            return []
        known = self._call_of(index, identity, name)
        call = known or self._new_call(index)
        fragments = [rest for other in self._calls if other is not call for rest in _rest(other)]
        new_id = identity if identity and not call.id else ""
        new_name = name if name and not call.name else ""
        call.id, call.name = call.id or identity, call.name or name
        if arguments:
            call.arguments.append(arguments)
        text = call.joiner.feed(arguments) if arguments else ""
        extra = _extra(piece, body)
        self._meter.content(new_id + new_name + text)
        if new_id or new_name or text or extra:
            fragments.append(
                ToolCallFragment(
                    call.number,
                    new_id or None,
                    new_name or None,
                    text,
                    kind if known is None else None,
                    extra,
                )
            )
        return fragments

    def _call_of(self, index: int | None, identity: str, name: str) -> _Call | None:
        """Return the call that a piece goes on with, or None where it begins one; see the module."""
        if identity:
            same = next((call for call in self._calls if call.id == identity), None)
            if same is not None:
                other_place = index is not None and index != same.wire_index
                return None if other_place and name and same.is_finished() else same
        newest = self._calls[-1] if self._calls else None
        if index is not None:
            at_index = next((call for call in reversed(self._calls) if call.wire_index == index), None)
            if at_index is None:
                return None
            newest = at_index
        if newest is None or (identity and newest.id):
            return None
        if name and newest.name and (name != newest.name or newest.is_finished()):
            return None
        return newest

    def _new_call(self, index: int | None) -> _Call:
        used = {call.number for call in self._calls}
        number = index if index is not None and index not in used else max(used, default=-1) + 1
        call = _Call(number, index)
        self._calls.append(call)
        return call


def _rest(call: _Call) -> list[ToolCallFragment]:
    rest = call.joiner.flush()
    return [ToolCallFragment(call.number, arguments=rest)] if rest else []


def _word(value: object) -> str:
    """Return an id or a name as text; some services count their calls with numbers."""
    if isinstance(value, str):
        return encodable(value)
    return str(value) if type(value) is int and abs(value) < 1 << 63 else ""


def _arguments(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _extra(piece: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields that have no place elsewhere: a service may want its signature back."""
    extra = {name: value for name, value in piece.items() if name not in _KNOWN and value is not None}
    if body is not piece:
        inner = {name: value for name, value in body.items() if name not in _KNOWN and value is not None}
        if inner:
            extra["custom" if "custom" in piece else "function"] = inner
    return extra or None
