"""What a reply carries beside its text, reasoning and tool calls. Standard library only.

Most deltas are plain text and have none of it: `Delta.beside` is None for them, which costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.contract.delta import Delta


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
        if self.images or any(piece.keys() & _HEARD for piece in self.audio):
            return True
        return any(delta.has_content for _, delta in self.choices)


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
