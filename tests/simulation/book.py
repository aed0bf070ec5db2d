"""The book of a world: every call that reached a provider, as the providers saw it."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.simulation.plan import PROMPT
from tests.simulation.script import Script, script_of

if TYPE_CHECKING:
    from tests.simulation.plan import Plan, ProviderPlan

_NUMBER: Final = re.compile(PROMPT + r"-(\d+)-")


@dataclass
class Call:
    """One call of a provider.

    Attributes:
        provider: Who was asked.
        request: For which request.
        number: Which call of that request at that provider, from 1.
        at: When.
        mood: Of the provider.
        script: What it plays.
        text: What of it a reader may see: an echo of the partial answer is cut off.
        beside: Whether another call of the same request was open when it began: it is a hedge.
        failed_at: When it came to its fault.
        open: Whether something of it is still held.
        closed_at: When it was let go of, where that is known.
    """

    provider: str
    request: int
    number: int
    at: float
    mood: str
    script: Script
    text: str
    beside: bool
    failed_at: float | None = None
    open: bool = True
    closed_at: float = math.inf

    @property
    def tag(self) -> str:
        """What only the text of this call has in it; nothing where it says nothing."""
        return self.text[: self.text.find(">") + 1]


@dataclass
class Book:
    """What the providers of a world keep count of."""

    plan: Plan
    calls: list[Call] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    overfull: list[str] = field(default_factory=list)

    def call(self, provider: ProviderPlan, prompt: str, partial: str, now: float) -> Call:
        """Begin a call, and return it with its script."""
        found = _NUMBER.match(prompt)
        assert found is not None, "a provider was sent something else than a prompt"
        request = int(found[1])
        number = 1 + sum(call.provider == provider.name for call in self.of(request))
        source = random.Random(f"{self.plan.seed} {provider.name} {request} {number}")
        mood = provider.mood(now)
        tag = f"<{number}{provider.name}{request}>"
        script = script_of(source, mood, tag, partial)
        text = script.text
        text = text[max(0, text.find(tag)) :]
        beside = self.open_for(request) > 0
        at_once = 1 + sum(call.open for call in self.calls if call.provider == provider.name)
        if provider.places is not None and at_once > provider.places:
            self.overfull.append(f"{provider.name} had {at_once} calls at once, it takes {provider.places}")
        call = Call(provider.name, request, number, now, mood, script, text, beside)
        self.calls.append(call)
        return call

    def of(self, request: int) -> list[Call]:
        return [call for call in self.calls if call.request == request]

    def open_for(self, request: int) -> int:
        return sum(call.open for call in self.of(request))
