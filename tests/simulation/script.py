"""What a provider does in one call: steps in time, drawn from the call's own seed, so also on both backends.

A step is a delay and then something said, something without content, the proof of the end, or a fault. Both
kinds of providers play the same steps: one as deltas, the other as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tests.simulation.plan import MOODS

if TYPE_CHECKING:
    import random

Fault: TypeAlias = Literal[
    "refused", "unreachable", "lost", "reused", "status", "error event", "garbage", "stop", "hang", "bug",
    "filter",
]  # fmt: skip
PACES: Final = (0.0, 0.0, 0.03, 0.3)
WORDS: Final = ("Zeus ", "ω", "𝔘𝔫𝔦 ", "e\u0301", " \n", "\u2028", "tea, ", "\x85", "{}", "data: ", "  ")
BARRED: Final = (401, 402, 403, 404, 405, 410, 451)
PICKY: Final = (400, 413, 418, 422)
SICK: Final = (500, 502, 503, 504, 529)


@dataclass(frozen=True)
class Step:
    """After a delay: text, or nothing with content (`""`)."""

    delay: float
    text: str


@dataclass(frozen=True)
class Ending:
    """The proof of the end, or a fault, after a delay."""

    delay: float
    fault: Fault | None = None
    status: int = 0
    retry_after: str = ""


@dataclass(frozen=True)
class Script:
    """One call, from its first step to its ending; `style` is a seed for what only its form needs."""

    steps: tuple[Step, ...]
    ending: Ending
    style: int

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)

    @property
    def is_good(self) -> bool:
        return self.ending.fault is None

    @property
    def asks_to_stay_away(self) -> float | None:
        """The Retry-After of a failed call, where it can be read."""
        digits = self.ending.retry_after
        readable = digits.replace(".", "", 1).isdigit() and len(digits) <= 12
        return float(digits) if readable and float(digits) > 0 else None


def script_of(source: random.Random, mood: str, tag: str, partial: str) -> Script:
    """Return the script of one call.

    Args:
        source: Of the call.
        mood: Of the provider at the time.
        tag: Begins the text; no other call has it.
        partial: The answer of somebody else to go on from, or nothing.
    """
    if mood == "flaky":
        mood = source.choice([mood for mood in MOODS if mood != "flaky"])
    speaks = mood in ("good", "slow", "cut", "drip") or (
        mood in ("lost", "refusing") and source.random() < 0.3
    )
    steps = _quiet(source, mood) + (_speech(source, mood, tag, partial) if speaks else [])
    return Script(tuple(steps), _ending(source, mood), source.getrandbits(32))


def _quiet(source: random.Random, mood: str) -> list[Step]:
    first = source.uniform(0.01, 0.3) if mood != "slow" else source.uniform(0.5, 12)
    return [Step(first, "")] + [Step(source.choice(PACES), "") for _ in range(source.randint(0, 2))]


def _speech(source: random.Random, mood: str, tag: str, partial: str) -> list[Step]:
    pieces = [tag + source.choice(WORDS)]
    pieces += ["".join(source.choices(WORDS, k=source.randint(1, 4))) for _ in range(source.randint(0, 8))]
    if partial and source.random() < 0.5:  # as models do though asked not to
        pieces.insert(0, partial[-source.choice((5, 20, len(partial))) :])
    steps = []
    for piece in pieces:
        pace = source.uniform(0.5, 2.5) if mood == "drip" else source.choice(PACES)
        steps.append(Step(pace, piece))
        if source.random() < 0.1:
            steps.append(Step(source.choice(PACES), ""))
    return steps


def _ending(source: random.Random, mood: str) -> Ending:
    delay = source.choice((0.0, source.uniform(0, 0.3)))
    wait = source.choice(("1", "2.5", "7", "20", "86400", "-1", "0", "soon", "nan", "9" * 50, ""))
    match mood:
        case "good" | "slow" | "drip":
            return Ending(delay)
        case "sick":
            return Ending(delay, "status", source.choice(SICK), source.choice(("", "", wait)))
        case "limited":
            return Ending(delay, "status", 429, wait)
        case "barred":
            return Ending(delay, "status", source.choice(BARRED))
        case "picky":
            return Ending(delay, "status", source.choice(PICKY))
    faults: dict[str, tuple[Fault, ...]] = {
        "dead": ("refused", "unreachable"),
        "silent": ("hang",),
        "cut": ("lost", "stop", "hang", "error event", "garbage", "filter", "bug"),
        "empty": ("stop",),
        "hostile": ("garbage", "error event"),
        "refusing": ("filter",),
        "buggy": ("bug",),
        "lost": ("reused", "lost"),
    }
    if mood == "empty" and source.random() < 0.5:
        return Ending(delay)
    return Ending(delay, source.choice(faults[mood]))
