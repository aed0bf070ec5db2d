"""What an active check of a service is, and what it finds. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract.delta import Usage
    from adapters.contract.errors import AdapterError

ProbeLevel = Literal["reach", "answer"]
"""How much a probe asks for: `reach` costs nothing, `answer` asks for a tiny answer."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one active check found.

    Attributes:
        working: True, False, or None where the check could not tell.
        reason: Why, as a short phrase.
        level: How much was asked for.
        generation: Which generation of the service's software answered, where it can be told.
        models: The models that it says it has.
        context_tokens: Model -> the most tokens of a request, of the models of which it says so.
        seconds: How long the check took.
        error: What ended it, where something did; `reason` has its words, which may quote the service.
        leftover: What its clean-up could not do, where it could not.
        usage: What the service counted for an answer, where it did before the probe left.
        model: That answered, where the service named it.
        asked: Whether the service was asked; False where the router kept the probe back, as `reason` says.
    """

    working: bool | None
    reason: str
    level: ProbeLevel = "reach"
    generation: str | None = None
    models: tuple[str, ...] = ()
    seconds: float = 0.0
    error: AdapterError | None = field(default=None, compare=False, repr=False)
    leftover: AdapterError | None = field(default=None, compare=False, repr=False)
    context_tokens: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    usage: Usage | None = field(default=None, compare=False, repr=False)
    model: str | None = field(default=None, compare=False, repr=False)
    asked: bool = field(default=True, compare=False, repr=False)
