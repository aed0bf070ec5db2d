"""What a peer may make us hold or do at most."""

from __future__ import annotations

from dataclasses import dataclass, fields

from adapters.contract.keywords import KnownKeywords


@dataclass(frozen=True, slots=True)
class Limits(KnownKeywords):
    """Limits of one HTTP provider.

    Attributes:
        connections: Requests at the same time; who finds none free waits, or goes to another provider.
        idle_connections: Connections kept alive at most.
        idle_seconds: How long one is kept.
        line: Bytes of one line or event.
        reply: Characters of one reply.
        body: Bytes of one response body, framing and comments included.
        error_body: Bytes read of the body of an error.
        error_seconds: Seconds spent on reading it.
        steps: Requests of one attempt.
        empty: Lines or events in a row without content.
        drain: Bytes read on after the end mark, so that the connection can be used again.
        drain_seconds: Seconds spent on that.
        silence_after_finish: Seconds without anything new after a finish reason, until a reply without an end
            mark is taken as ended (1). Behind real proxies the usage comes 60 to 400 ms after that reason,
            and some services put one on each chunk, so a shorter silence loses words. A longer one only
            delays the end at servers that keep the connection open and say nothing more.

    Raises:
        ValueError: A limit is not positive (the pauses and idle numbers may be zero).
    """

    connections: int = 1000
    idle_connections: int = 100
    idle_seconds: float = 15.0
    line: int = 1 << 20
    reply: int = 16 << 20
    body: int = 256 << 20
    error_body: int = 64 << 10
    error_seconds: float = 2.0
    steps: int = 12
    empty: int = 100_000
    drain: int = 8 << 10
    drain_seconds: float = 0.05
    silence_after_finish: float = 1.0

    def __post_init__(self) -> None:
        may_be_zero = {"idle_connections", "idle_seconds", "drain", "drain_seconds"}
        for each in fields(self):
            value = getattr(self, each.name)
            if not value >= 0 or (value == 0 and each.name not in may_be_zero):
                raise ValueError(f"Limits({each.name}={value!r}): it must be greater than zero")
