"""A tool call: its pieces as they stream, and the whole of it. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCallFragment:
    """A piece of a tool call, as OpenAI streams them.

    Attributes:
        index: Which call of the reply the piece belongs to.
        id: The call's id, in its first piece.
        name: The function's name, in its first piece.
        arguments: A piece of the arguments' JSON text.
        type: In the first piece, the kind of call where it is not `function`: `custom` (its arguments are
            plain text), or `function_call` (the old form without an id).
        extra: Further fields of the call, such as signatures that the service wants back.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    type: str | None = None
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call, its fragments joined.

    Attributes:
        id: The call's id, or None where the provider gave none.
        name: The function's name.
        arguments: The arguments as JSON text, as the model wrote it; not checked. See `parsed`.
        type: `function`; `custom`, whose arguments are plain text; or `function_call`, the old form.
        extra: Further fields of the call, such as signatures that the service wants back.
        position: The call's place in its reply, from 0.
    """

    id: str | None
    name: str | None
    arguments: str
    type: str = "function"
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)
    position: int = field(default=0, compare=False)

    @property
    def parsed(self) -> Any:
        """The arguments as JSON values; of a custom tool the text itself. Empty arguments are `{}`.

        Raises:
            ValueError: The model wrote no JSON. `arguments` has its text.
        """
        if self.type == "custom":
            return self.arguments
        if not self.arguments.strip():
            return {}
        try:
            return json.loads(self.arguments)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"the arguments of the tool call {self.name!r} are not JSON ({error}); "
                "read `arguments` for the text, or tell the model of it by Message.tool_result(call, …)"
            ) from None

    @property
    def answer_id(self) -> str:
        """The id for `tool_call_id`: the call's own, or one made from its position where it has none."""
        return self.id or f"call_{self.position}"

    def as_dict(self, *, signed: bool = False) -> dict[str, Any]:
        """Return the call as it stands in an assistant's message.

        Args:
            signed: Whether to keep `extra`, which only the service that sent it understands.
        """
        if self.type == "custom":
            body = {"name": self.name or "unknown", "input": self.arguments}
        else:
            body = {"name": self.name or "unknown", "arguments": self.arguments}
        call: dict[str, Any] = {"id": self.answer_id, "type": self.type, self.type: body}
        if signed:
            for name, value in self.extra.items():
                if name == self.type and isinstance(value, Mapping):
                    body.update(value)
                else:
                    call.setdefault(name, value)
        return call


for _each in (ToolCallFragment, ToolCall):
    _each.__module__ = "adapters"  # where users import them, as `adapters` tells it of the others
del _each
