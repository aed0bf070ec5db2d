"""What becomes of a reply that breaks off after content. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from adapters.contract.keywords import KnownKeywords

OnInterruption: TypeAlias = Literal["raise", "restart", "continue"]


@dataclass(frozen=True, slots=True)
class Interruption(KnownKeywords):
    """What a router does when a reply breaks off.

    Attributes:
        action: `raise`: StreamInterrupted with what came. `restart`: the next provider answers anew.
            `continue`: the next capable provider goes on from what came; an overlap at the seam is trimmed.
            A delta with a `switch` announces either. Where tools are in play, it is `raise`.
        times: How often in one request another provider may take over, 1 to 5 (1).

    Raises:
        ValueError: A value is out of its range.
    """

    action: OnInterruption = "raise"
    times: int = 1

    def __post_init__(self) -> None:
        if self.action not in ("raise", "restart", "continue"):
            raise ValueError(
                f"on_interruption is {self.action!r}; allowed are 'raise', 'restart', 'continue'"
            )
        if not 1 <= self.times <= 5:
            raise ValueError(f"Interruption(times={self.times!r}): it must be from 1 to 5")
