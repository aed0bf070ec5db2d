"""The whole reply: what the deltas of a stream add up to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from adapters.contract.delta import Beside, together
from adapters.contract.message import Message
from adapters.contract.other_names import with_advice
from router.reply.parsing import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.contract import Delta, Switch, ToolCall, ToolCallFragment, Usage
    from router.events import Attempt, Verdict
    from router.policy.prices import Cost

__all__ = ["REFUSED", "Choice", "Reply", "Transcript", "join_tool_calls"]

T = TypeVar("T")
_NOTHING: Final = Beside()
_INSTEAD: Final = dict.fromkeys(("content", "output_text", "response", "read_text"), "`reply.text`")

REFUSED: Final = "content_filter"
"""The finish_reason that says that the provider refused the rest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A further choice of a reply, where `n` was over 1.

    Attributes:
        index: Its number, from 1; the reply itself is number 0.
        text: All text, joined.
        reasoning: All reasoning, joined.
        tool_calls: All tool calls.
        finish_reason: Why the provider stopped, where it says so.
    """

    index: int
    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str | None


@with_advice(_INSTEAD)
@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A collected reply.

    Attributes:
        text: All text, joined.
        reasoning: All reasoning, joined; where another provider took over, that of the last one.
        tool_calls: All tool calls.
        final_text: The provider's own final version of the text, where it differs from the text streamed.
        provider: Who answered.
        model: The model that answered, where it is known.
        verdict: `complete`.
        finish_reason: Why the provider stopped, where it says so.
        usage: Token counts, where the provider gives them.
        attempts: The ledger.
        switches: Where another provider took over, if the router was told to let it.
        choices: The further choices, where `n` was over 1.
        beside: What came beside the text, joined; see the properties `images`, `audio`, …
        cost: What it cost, all its parts together; None where a price or a count is not known.
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
    choices: tuple[Choice, ...] = ()
    beside: Beside = _NOTHING
    cost: Cost | None = None

    @property
    def message(self) -> Message:
        """The assistant's message, to be put into `messages` for the next turn; so may the reply itself.

        It holds the text and the tool calls. Reasoning and signatures go back to the provider that sent them,
        where its protocol wants them, and to nobody else.
        """
        extra: dict[str, Any] = {}
        if len(self.tool_calls) == 1 and self.tool_calls[0].type == "function_call":
            extra["function_call"] = self.tool_calls[0].as_dict()["function_call"]
        elif self.tool_calls:
            extra["tool_calls"] = [call.as_dict() for call in self.tool_calls]
        own: dict[str, Any] = {}
        if any(call.extra for call in self.tool_calls):
            own["tool_calls"] = [call.as_dict(signed=True) for call in self.tool_calls]
        if self.beside.reasoning_details:
            own["reasoning_details"] = list(self.beside.reasoning_details)
        if self.tool_calls and self.reasoning and self.beside.reasoning_field:
            # DeepSeek and Moonshot want the reasoning back within a turn that calls tools.
            own[self.beside.reasoning_field] = self.reasoning
        message = Message.parse({"role": "assistant", "content": self.text or None, **extra}, "the reply")
        return Message(message.role, message.content, message.extra, {self.provider: own} if own else {})

    @property
    def images(self) -> tuple[Mapping[str, Any], ...]:
        """The images that the model made, as OpenAI-style parts."""
        return self.beside.images

    @property
    def audio(self) -> tuple[Mapping[str, Any], ...]:
        """The pieces of sound, each as the service sent it."""
        return self.beside.audio

    @property
    def annotations(self) -> tuple[Mapping[str, Any], ...]:
        """Citations and other notes on the text, as the service sent them."""
        return self.beside.annotations

    @property
    def citations(self) -> tuple[Any, ...]:
        """The sources that the service lists for the whole reply."""
        listed = self.beside.extra.get("citations")
        return tuple(listed) if isinstance(listed, list) else ()

    @property
    def logprobs(self) -> tuple[Mapping[str, Any], ...]:
        """The log probabilities, one mapping for each token."""
        return self.beside.logprobs

    @property
    def refusal(self) -> str | None:
        """The words in which the model refused, or None. They are part of the text too."""
        return self.beside.refusal or None

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields of the chunks that have no place elsewhere."""
        return self.beside.extra

    def parsed(self, kind: type[T]) -> T:
        """Return the text, which is JSON, as a `kind`.

        Args:
            kind: A msgspec struct, dataclass, TypedDict or builtin type, or a pydantic model.

        Raises:
            ValueError: The text is not JSON, or not of this kind; the message says where.
        """
        return parsed(self.final_text or self.text, kind)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        # A reply is as private as a prompt.
        return f"<Reply of {self.provider!r}: {self.verdict}, {len(self.text)} characters>"


def join_tool_calls(fragments: Iterable[ToolCallFragment]) -> tuple[ToolCall, ...]:
    """Return the calls that `fragments` make, in the order of their indexes."""
    calls: dict[int, list[ToolCallFragment]] = {}
    for piece in fragments:
        calls.setdefault(piece.index, []).append(piece)
    return tuple(_joined(calls[index], position) for position, index in enumerate(sorted(calls)))


def _joined(pieces: list[ToolCallFragment], position: int) -> ToolCall:
    from adapters.contract.tool_call import (
        ToolCall,
    )  # not in `import router`: a program without tools needs none

    extra: dict[str, Any] = {}
    for piece in pieces:
        extra.update(piece.extra or {})
    return ToolCall(
        id=next((piece.id for piece in pieces if piece.id), None),
        name=next((piece.name for piece in pieces if piece.name), None),
        arguments="".join(piece.arguments for piece in pieces),
        type=next((piece.type for piece in pieces if piece.type), "function"),
        extra=extra,
        position=position,
    )


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
        "_beside",
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
        self._reasoning: list[str] | None = None  # lists are made where something comes for them
        self._tool_calls: list[ToolCallFragment] | None = None
        self._beside: list[Beside] | None = None
        self.deltas = 0
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.final_text: str | None = None
        self.proved = False
        self.switches: tuple[Switch, ...] = ()

    def add(self, delta: Delta) -> None:
        """Add the next delta."""
        if delta.switch is not None:
            self._switch(delta.switch)
            return
        self.deltas += 1
        if delta.text:
            self._text.append(delta.text)
        if delta.reasoning:
            self._reasoning = self._reasoning or []
            self._reasoning.append(delta.reasoning)
        if delta.tool_calls:
            self._tool_calls = self._tool_calls or []
            self._tool_calls += delta.tool_calls
        if delta.beside is not None:
            self._beside = self._beside or []
            self._beside.append(delta.beside)
        if delta.model is not None:
            self.model = delta.model
        if delta.usage is not None:
            self.usage = delta.usage
        if delta.ends or delta.finish_reason is not None:  # `is_last`, without the call
            self.finish_reason = delta.finish_reason
            continued = self.switches and any(switch.kind == "continue" for switch in self.switches)
            self.final_text = None if continued else delta.final_text  # of its own part only
            self.proved = True

    def _switch(self, switch: Switch) -> None:
        self.switches += (switch,)
        # What the provider that broke off said of itself and of its end.
        self.model = self.usage = self.final_text = self.finish_reason = None
        self.proved = False
        # What one provider thought, and the form in which it wants that back, is nothing for another one.
        self._reasoning = None
        if switch.kind == "restart":
            self._text.clear()
            self._tool_calls = self._beside = None
        elif self._beside is not None:
            self._beside = [
                replace(beside, reasoning_details=(), reasoning_field=None) for beside in self._beside
            ]

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self._reasoning or ())

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far; the arguments of the last one may be cut."""
        return join_tool_calls(self._tool_calls or ())

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
    def is_whole(self) -> bool:
        """Whether the reply is proved complete, and the provider did not refuse the rest."""
        return self.proved and not self.refused

    @property
    def refused(self) -> bool:
        """Whether the provider refused the rest."""
        return self.finish_reason == REFUSED

    def reply(
        self, provider: str, verdict: Verdict, attempts: tuple[Attempt, ...], cost: Cost | None = None
    ) -> Reply:
        """Return the whole reply."""
        beside = together(self._beside or ()) or _NOTHING
        return Reply(
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=self.tool_calls,
            final_text=self.final_text,
            provider=provider,
            model=self.model,
            verdict=verdict,
            finish_reason=self.finish_reason,
            usage=self.usage,
            attempts=attempts,
            switches=self.switches,
            choices=_choices(beside),
            beside=replace(beside, choices=()) if beside.choices else beside,
            cost=cost,
        )


def _choices(beside: Beside) -> tuple[Choice, ...]:
    further: dict[int, Transcript] = {}
    for index, delta in beside.choices:
        further.setdefault(index, Transcript()).add(delta)
    return tuple(
        Choice(index, each.text, each.reasoning, each.tool_calls, each.finish_reason)
        for index, each in sorted(further.items())
    )
