"""The whole reply: what the deltas of a stream add up to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.contract import Delta, Switch, ToolCallFragment, Usage
    from router.events import Attempt, Verdict


REFUSED: Final = "content_filter"
"""The finish_reason that says that the provider refused the rest."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call, its fragments joined.

    Attributes:
        id: The call's id, or None where the provider gave none.
        name: The function's name.
        arguments: The arguments as JSON text, as the model wrote it; not checked.
    """

    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A collected reply.

    Attributes:
        text: All text, joined.
        reasoning: All reasoning, joined.
        tool_calls: All tool calls.
        final_text: The provider's own final version of the text, where it differs from the text streamed.
        provider: Who answered.
        model: The model that answered, where it is known.
        verdict: `complete`.
        finish_reason: Why the provider stopped, where it says so.
        usage: Token counts, where the provider gives them.
        attempts: The ledger.
        switches: Where another provider took over, if the router was told to let it.
    """

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    final_text: str | None
    provider: str
    model: str | None
    verdict: Verdict
    finish_reason: str | None
    usage: Usage | None
    attempts: tuple[Attempt, ...]
    switches: tuple[Switch, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        # A reply is as private as a prompt.
        return f"<Reply of {self.provider!r}: {self.verdict}, {len(self.text)} characters>"


def join_tool_calls(fragments: Iterable[ToolCallFragment]) -> tuple[ToolCall, ...]:
    """Return the calls that `fragments` make, in the order of their indexes."""
    calls: dict[int, tuple[str | None, str | None, list[str]]] = {}
    for piece in fragments:
        known_id, known_name, arguments = calls.get(piece.index, (None, None, []))
        arguments.append(piece.arguments)
        calls[piece.index] = (known_id or piece.id, known_name or piece.name, arguments)
    return tuple(ToolCall(call, name, "".join(parts)) for _, (call, name, parts) in sorted(calls.items()))


class Transcript:
    """What a reply has come to so far.

    Attributes:
        deltas: How many were added.
        model: The model that answers, where the provider named it.
        finish_reason: Why the provider stopped, once it said so.
        usage: Token counts, once they came.
        final_text: The provider's own final version of the text, where it differs.
        proved: Whether the reply is proved complete.
        switches: Where another provider took over.
    """

    __slots__ = (
        "_reasoning",
        "_text",
        "_tool_calls",
        "deltas",
        "final_text",
        "finish_reason",
        "model",
        "proved",
        "switches",
        "usage",
    )

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls: list[ToolCallFragment] = []
        self.deltas = 0
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.final_text: str | None = None
        self.proved = False
        self.switches: list[Switch] = []

    def add(self, delta: Delta) -> None:
        """Add the next delta."""
        if delta.switch is not None:
            self._switch(delta.switch)
            return
        self.deltas += 1
        if delta.text:
            self._text.append(delta.text)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
        if delta.tool_calls:
            self._tool_calls += delta.tool_calls
        if delta.model is not None:
            self.model = delta.model
        if delta.usage is not None:
            self.usage = delta.usage
        if delta.ends or delta.finish_reason is not None:  # `is_last`, without the call
            self.finish_reason = delta.finish_reason
            continued = any(switch.kind == "continue" for switch in self.switches)
            self.final_text = None if continued else delta.final_text  # of its own part only
            self.proved = True

    def _switch(self, switch: Switch) -> None:
        self.switches.append(switch)
        # What the provider that broke off said of itself and of its end.
        self.model = self.usage = self.final_text = self.finish_reason = None
        self.proved = False
        if switch.kind == "restart":
            self._text.clear()
            self._reasoning.clear()
            self._tool_calls.clear()

    @property
    def has_tool_calls(self) -> bool:
        """Whether a piece of a tool call came."""
        return bool(self._tool_calls)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def characters(self) -> int:
        """The length of the text so far."""
        return sum(map(len, self._text))

    @property
    def refused(self) -> bool:
        """Whether the provider refused the rest."""
        return self.finish_reason == REFUSED

    def reply(self, provider: str, verdict: Verdict, attempts: tuple[Attempt, ...]) -> Reply:
        """Return the whole reply."""
        return Reply(
            text=self.text,
            reasoning="".join(self._reasoning),
            tool_calls=join_tool_calls(self._tool_calls),
            final_text=self.final_text,
            provider=provider,
            model=self.model,
            verdict=verdict,
            finish_reason=self.finish_reason,
            usage=self.usage,
            attempts=attempts,
            switches=tuple(self.switches),
        )
