"""An increment of a reply, and what it can carry. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCallFragment:
    """A piece of a tool call, as OpenAI streams them.

    Attributes:
        index: Which call of the reply the piece belongs to.
        id: The call's id, in its first piece.
        name: The function's name, in its first piece.
        arguments: A piece of the arguments' JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """Announces that another provider takes over a reply that broke off. Made by the router only.

    Attributes:
        kind: `restart`: the next provider answers anew, and what was shown is void. `continue`: it goes on.
        left: The provider that broke off.
        taken_by: The provider that answers from here on.
        shown: Characters of text that were delivered before.
    """

    kind: Literal["restart", "continue"]
    left: str
    taken_by: str
    shown: int


@dataclass(slots=True)
class Delta:
    """An increment of a reply; `str(delta)` is its text.

    Read it, never write to it. That is not enforced: a frozen one takes four times as long to make, which was
    a fifth of all that the router spends on a delta.

    Attributes:
        text: Text to append.
        reasoning: Thinking to append, where the provider hands it over apart from the text.
        tool_calls: Pieces of tool calls.
        finish_reason: On the last delta, the proof that the reply is complete: stop, length, tool_calls,
            content_filter, or the provider's own word. None where the only proof is the end of the body.
        usage: Token counts.
        model: The model that answers, where the provider names it.
        final_text: On the last delta, the provider's own final version of the whole text, where it differs
            from the deltas joined.
        ends: True on the last delta of a reply whose completion is proved, also without a finish_reason.
        switch: Announces that another provider takes over; such a delta carries nothing else.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallFragment, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None
    final_text: str | None = None
    ends: bool = False
    switch: Switch | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def has_content(self) -> bool:
        """Whether this is progress: text, reasoning or a tool call."""
        return bool(self.text or self.reasoning or self.tool_calls)

    @property
    def is_last(self) -> bool:
        """Whether this proves that the reply is complete."""
        return self.ends or self.finish_reason is not None
