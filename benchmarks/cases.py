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
        cold: Whether each reply starts with a new client, without open connections.
        providers: How many providers the chain has; the first one answers.
        messages: How many messages the request has.
        marks: Numbers of requests, such as 1 and 10000, whose own CPU time is wanted.
        only: Labels of the subjects that run it, where not all do: some would take minutes.
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
    providers: int = 1
    messages: int = 1
    marks: tuple[int, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """What comes before `/v1/chat/completions`."""
        return f"/{self.deltas}/{self.pause_ms}/{self.write}"


REPLIES: Final = (
    Case("50 deltas, a write each", 50, 0, 1, 40),
    Case("5000 deltas, large writes", 5000, 0, 500, 2, per="delta"),
    Case("5000 deltas, a write each", 5000, 0, 1, 2, per="delta"),
    Case("50 deltas, 1 ms apart", 50, 1, 1, 6),
    Case("first content, warm", 1, 0, 1, 60),
    Case("TLS: 50 deltas, a write each", 50, 0, 1, 40, tls=True),
    Case("TLS: 5000 deltas, large writes", 5000, 0, 500, 2, per="delta", tls=True),
)
"""One reply after the other, connections kept."""

_QUICK: Final = ("aiohttp", "limit", "ours", "ours, trio")
MANY: Final = (
    Case("200 streams at once, 10 ms apart", 50, 10, 1, 200, at_once=200),
    Case("1000 streams at once, 10 ms apart", 50, 10, 1, 1000, at_once=1000, only=_QUICK),
    Case(
        "TLS: 1000 cold streams at once, 10 ms apart",
        50, 10, 1, 1000, at_once=1000, tls=True, only=("aiohttp", "ours", "ours, trio"),
    ),
)  # fmt: skip
"""Many at once, each on a new connection. httpx needs some 25 s for a thousand: its pool looks at all."""

FAILURES: Final = {"no failure": None, "a 500": 500, "a 429": 429, "a refused connection": 0}
FAILOVER: Final = tuple(
    Case(f"{name}, {heat}", 1, 0, 1, replies, fails=fails, cold=heat == "cold")
    for heat, replies in (("warm", 40), ("cold", 12))
    for name, fails in FAILURES.items()
)
"""Only subjects with a chain run these; a case is compared with `no failure` of the same heat."""

STREAMS: Final = tuple(
    Case(
        f"streams: {count}", 20, 5, 1, max(count, 8) if count == 1 else count, at_once=count, cold=count == 1,
        only=() if count < 1000 else ("ours", "ours, trio", "aiohttp"),
    )
    for count in (1, 10, 100, 500, 1000, 2000)
)  # fmt: skip
SIZES: Final = tuple(
    Case(f"deltas: {count}", count, 0, 500, max(1, 2000 // count), per="delta")
    for count in (50, 500, 5000, 50_000)
)
HISTORIES: Final = tuple(
    Case(f"messages: {count}", 1, 0, 1, 20, messages=count) for count in (2, 20, 200, 2000)
)
PROVIDERS: Final = tuple(Case(f"providers: {count}", 1, 0, 1, 60, providers=count) for count in (1, 10, 100))
REQUESTS: Final = (Case("requests", 1, 0, 1, 10_000, marks=(1, 10, 100, 1000, 10_000)),)


def text_of(deltas: int) -> str:
    """Return the text of a reply with so many deltas, by which every reply is checked."""
    return "".join(f"word{number} " for number in range(deltas))


def messages_of(count: int) -> list[dict[str, str]]:
    """Return a conversation of so many messages; the user has the last word, and the first of an odd one."""
    spoken = [("user", "Count, please."), ("assistant", "One, two, three, four, five, six, seven.")]
    return [
        {"role": role, "content": content}
        for role, content in (spoken[(count - 1 - number) % 2] for number in range(count))
    ]
