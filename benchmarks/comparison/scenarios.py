"""What is asked of each library: what its providers do, and what is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PATIENCE: Final = 1.0
"""Seconds that a library is given where a scenario needs a clock."""
LONGEST: Final = 12.0
"""Seconds after which a scenario is given up: no end."""
TIMES: Final = 10
"""Requests, one after the other, where it matters how often a sick provider is asked."""

Kind = Literal["read", "leave", "call"]


@dataclass(frozen=True)
class Scenario:
    """One thing that is tried.

    Attributes:
        name: Of it, as a key.
        about: What happens, as a row of the table.
        behaviours: Of the providers, the first choice first; see `upstream`. `refused` is an address where
            nobody listens.
        patient: Whether the library is given `PATIENCE`.
        kind: `read` a reply to its end; `leave` after the first text; `call` with a tool.
        times: Requests, one after the other.
        takes_over: Whether another provider may go on with a reply that broke off.
    """

    name: str
    about: str
    behaviours: tuple[str, ...]
    patient: bool = False
    kind: Kind = "read"
    times: int = 1
    takes_over: bool = False


WARM_UP: Final = Scenario("warm-up", "all is well", ("good", "good"))
SCENARIOS: Final = (
    Scenario("500", "the first answers 500", ("status-500", "good")),
    Scenario("429", "the first answers 429, Retry-After 3 s", ("status-429", "good")),
    Scenario("401", "the first answers 401", ("status-401", "good")),
    Scenario("400", "the first answers 400", ("status-400", "good")),
    Scenario("refused", "the first refuses the connection", ("refused", "good")),
    Scenario("silent", "the first says nothing; 1 s is allowed", ("silent", "good"), patient=True),
    Scenario(
        "pings", "the first sends a role, then only pings; 1 s is allowed", ("pings", "good"), patient=True
    ),
    Scenario("html", "the first answers a page with status 200", ("html", "good")),
    Scenario("empty", "the first ends without content", ("empty", "good")),
    Scenario("cut", "the connection breaks in the middle of a reply", ("cut", "good")),
    Scenario("cut-clean", "the reply stops in the middle, without its end mark", ("cut-clean", "good")),
    Scenario("error-event", "an error event comes in the middle of a reply", ("error-event", "good")),
    Scenario("stall-after", "the reply falls silent; 1 s is allowed", ("stall-after", "good"), patient=True),
    Scenario(
        "taken", "the same connection breaks, and going on is asked for", ("cut", "good"), takes_over=True
    ),
    Scenario("all", "both fail: 500, and 401", ("status-500", "status-401")),
    Scenario("wait", "one provider: 429 once, Retry-After 1 s", ("limited-once",)),
    Scenario("again", "a second request within a Retry-After of 3 s", ("status-429", "good"), times=2),
    Scenario(
        "sick", f"{TIMES} requests, the first answers 500 each time", ("status-500", "good"), times=TIMES
    ),
    Scenario("leave", "the reader is cancelled after the first text", ("long",), kind="leave"),
    Scenario("tools", "a tool call of the second, after a 500", ("status-500", "tool"), kind="call"),
)
