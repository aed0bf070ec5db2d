"""An increment of a reply, and what it can carry. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.frozen import quickly_made
from adapters.contract.other_names import with_advice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.contract.switch import Switch
    from adapters.contract.tool_call import ToolCallFragment

_INSTEAD: Final = dict.fromkeys(("choices", "content", "delta", "message"), "`delta.text`, or `str(delta)`")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None where it did not say.

    Attributes:
        prompt_tokens: Of the messages.
        completion_tokens: Of the reply, its reasoning included.
        total_tokens: Both together.
        cached_tokens: Those of the messages that the provider had in its cache.
        reasoning_tokens: Those of the reply that are reasoning.
        cache_write_tokens: Those of the messages that the provider put into its cache.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None


@with_advice(_INSTEAD)
@dataclass(slots=True)
class Delta:
    """An increment of a reply; `str(delta)` is its text.

    Read it, never write to it. That is not enforced: a frozen one takes four times as long to make, which was
    a fifth of all that the router spends on a delta.

    Attributes:
        text: Text to append.
        reasoning: Thinking to append, where the provider hands it over apart from the text.
        tool_calls: Pieces of tool calls.
        finish_reason: On the last delta, the proof that the reply is complete, in OpenAI's words: stop,
            length, tool_calls, function_call, content_filter; one that nobody knows is handed on as it is.
            Where the provider's own word is another one, it is `beside.extra["native_finish_reason"]`. None
            where the only proof is the end of the body.
        usage: Token counts.
        model: The model that answers, where the provider names it.
        final_text: On the last delta, the provider's own final version of the whole text, where it differs
            from the deltas joined.
        ends: True on the last delta of a reply whose completion is proved, also without a finish_reason.
        switch: Announces that another provider takes over; such a delta carries nothing else.
        beside: What came beside the text: images, audio, annotations, logprobs, …; None for most deltas. It
            plays no part where deltas are compared.
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
    beside: Beside | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def has_content(self) -> bool:
        """Whether this is progress: text, reasoning, a tool call, an image or a sound."""
        if self.text or self.reasoning or self.tool_calls:
            return True
        return self.beside is not None and self.beside.has_content

    @property
    def is_last(self) -> bool:
        """Whether this proves that the reply is complete."""
        return self.ends or self.finish_reason is not None


@quickly_made
@dataclass(frozen=True, slots=True)
class Beside:
    """What came in a delta, or in a whole reply, beside the text.

    Attributes:
        images: Images that the model made, as OpenAI-style parts (`{"type": "image_url", …}`).
        audio: Pieces of sound, each as the service sent it (base64 `data`, `transcript`, …).
        annotations: Citations and other notes on the text, as the service sent them.
        logprobs: The log probabilities of the tokens, one mapping for each token.
        refusal: The words in which the model refused. They are part of the text too.
        choices: Deltas of the further choices, each with its index, where `n` was over 1.
        reasoning_details: Reasoning in the form (with signatures) in which the service wants it back.
        reasoning_field: The field in which the service sent its reasoning.
        extra: Fields of the chunks that have no place elsewhere (`id`, `service_tier`, `citations`, …).
            They are read from the chunks without text, such as the first and the last one.
    """

    images: tuple[Mapping[str, Any], ...] = ()
    audio: tuple[Mapping[str, Any], ...] = ()
    annotations: tuple[Mapping[str, Any], ...] = ()
    logprobs: tuple[Mapping[str, Any], ...] = ()
    refusal: str = ""
    choices: tuple[tuple[int, Delta], ...] = ()
    reasoning_details: tuple[Mapping[str, Any], ...] = ()
    reasoning_field: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_content(self) -> bool:
        """Whether this is progress: an image, a sound, or content of a further choice."""
        if self.images or (self.audio and any(piece.keys() & _HEARD for piece in self.audio)):
            return True
        return bool(self.choices) and any(delta.has_content for _, delta in self.choices)


def together(parts: Iterable[Beside | None]) -> Beside | None:
    """Return all `parts` as one, or None where there is nothing in them.

    Tuples and texts are joined in order; of `extra` and `reasoning_field` the newest value holds.
    """
    present = [part for part in parts if part is not None]
    if len(present) < 2:
        return present[0] if present else None
    extra: dict[str, Any] = {}
    reasoning_field = None
    joined: dict[str, list[Any]] = {name: [] for name in _TUPLES}
    for part in present:
        extra |= part.extra
        reasoning_field = part.reasoning_field or reasoning_field
        for name in _TUPLES:
            joined[name] += getattr(part, name)
    return Beside(
        **{name: tuple(values) for name, values in joined.items()},
        refusal="".join(part.refusal for part in present),
        reasoning_field=reasoning_field,
        extra=extra,
    )


_HEARD = frozenset({"data", "transcript", "url"})
_TUPLES = tuple(f.name for f in fields(Beside) if f.name not in ("refusal", "reasoning_field", "extra"))
