"""What a delta says where another provider takes over. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


Switch.__module__ = "adapters"  # where users import it, as `adapters` tells it of the others
