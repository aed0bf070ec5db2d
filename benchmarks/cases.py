"""What is measured: each case is one kind of reply of the mock upstream, and how many of them run.

A case's path tells the upstream what to send, so that both sides read the numbers from one place:
`/DELTAS/PAUSE_MS/WRITE/v1/chat/completions`, where WRITE is how many deltas go out in one write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement.

    Attributes:
        name: Its name in tables and files.
        deltas: Of one reply.
        pause_ms: Milliseconds between two writes.
        write: Deltas that go out in one write.
        replies: How many replies one run reads.
        at_once: How many of them run at the same time; 1: one after the other.
        per: What the CPU time is divided by: "reply" or "delta".
        tls: Whether the connection is encrypted.
        fails: The status of a first provider that fails, 0 for a dead port; None where there is none.
        cold: Whether each run starts without open connections.
    """

    name: str
    deltas: int
    pause_ms: int
    write: int
    replies: int
    at_once: int = 1
    per: str = "reply"
    tls: bool = False
    fails: int | None = None
    cold: bool = False

    @property
    def path(self) -> str:
        """What comes before `/v1/chat/completions`."""
        return f"/{self.deltas}/{self.pause_ms}/{self.write}"


CASES: Final = (
    Case("50 deltas, a write each", 50, 0, 1, 40),
    Case("5000 deltas, large writes", 5000, 0, 500, 2, per="delta"),
    Case("5000 deltas, a write each", 5000, 0, 1, 2, per="delta"),
    Case("50 deltas, 1 ms apart", 50, 1, 1, 6),
    Case("first content, warm", 1, 0, 1, 60),
    Case("TLS: 50 deltas, a write each", 50, 0, 1, 40, tls=True),
    Case("TLS: 5000 deltas, large writes", 5000, 0, 500, 2, per="delta", tls=True),
    Case("200 streams at once, 10 ms apart", 50, 10, 1, 200, at_once=200),
    Case("1000 streams at once, 10 ms apart", 50, 10, 1, 1000, at_once=1000),
)
"""Every subject runs these."""

FAILOVER: Final = (
    Case("no failure", 1, 0, 1, 40),
    Case("first provider answers 500", 1, 0, 1, 40, fails=500),
    Case("first provider answers 429", 1, 0, 1, 40, fails=429),
    Case("first provider refuses the connection", 1, 0, 1, 40, fails=0),
)
"""Only subjects with a chain run these; the first one is what the others are compared with."""


def text_of(deltas: int) -> str:
    """Return the text of a reply with so many deltas, by which every reply is checked."""
    return "".join(f"word{number} " for number in range(deltas))
