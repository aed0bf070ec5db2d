"""One line of the catalogue: what the server does, and how the request must end.

Classes of outcome: T all is delivered, R the same provider delivered after a retry, F the next provider
answered, P the partial text came and then an error, X an error came without text. `R>F` fails over where
there is somebody, and is asked again where there is nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.faults.framings import TEXT, Wire
from tests.faults.steps import Script

if TYPE_CHECKING:
    import ssl

ONE: Final = ("openai",)
STREAMS: Final = ("openai", "anthropic", "opchatgpts", "h2o")
RAW: Final = ("chat_anywhere", "aura")
EVERY: Final = ("openai", "anthropic", *RAW, "opchatgpts", "h2o", "open_assistant")
READS_BACK: Final = {"open_assistant": "T"}
"""A lost event stream costs Open-Assistant nothing: the finished message is read."""

Plan = Callable[[Wire], Script | list[Script]]


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        row: Its row in the catalogue.
        level: Where it is: TCP, HTTP, status, …
        name: Short, unique in its row.
        promise: The class of outcome; several, divided by `|`, where each is right.
        plan: What the server does instead of a good answer.
        framings: Services that it is tried with.
        but: Services that promise something else.
        before: What the server does when a connection was accepted.
        once: One upstream request, even where nobody else is left.
        text: What is delivered under T.
        within: Seconds until the end, where that is promised.
        gap: Seconds that lie at least between two requests to the provider.
        mib: Most MiB of memory over the start; set for rows about memory.
        hidden: Words of the peer that appear in no error and no log.
        settings: Of the adapter.
        options: Of the service's simulator.
        steps: Scripts for steps around the reply: method and beginning of the path -> script.
        reported: Whether a clean-up fails and is reported; something may be left then.
        on_reuse: What is reported strikes a connection that is used again, which not every transport does.
        leaves: Whether something is left without a failure.
        most: Upstream requests at the faulty provider, at most; None: by the rule.
        tls: What the server shows, where it speaks TLS.
    """

    row: str
    level: str
    name: str
    promise: str
    plan: Plan
    framings: tuple[str, ...] = ONE
    but: Mapping[str, str] = field(default_factory=dict)
    before: Script = ()
    once: bool = False
    text: str = TEXT
    within: float | None = None
    gap: float = 0.0
    mib: float | None = None
    hidden: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Script] = field(default_factory=dict)
    reported: bool = False
    on_reuse: bool = False
    leaves: bool = False
    most: int | None = None
    tls: ssl.SSLContext | None = None

    def promised(self, framing: str) -> str:
        return self.but.get(framing, self.promise)

    def __str__(self) -> str:
        return f"{self.row} {self.name}"


@dataclass(frozen=True)
class Case:
    """A fault in one framing; `alone` where no other provider stands behind."""

    fault: Fault
    framing: str
    alone: bool = False

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that are right."""
        promise = self.fault.promised(self.framing).replace("R>F", "F")
        if self.alone:
            promise = promise.replace("F", "X")
        return tuple(promise.split("|"))

    @property
    def most_requests(self) -> int:
        """Upstream requests at the faulty provider, at most."""
        if self.fault.most is not None:
            return self.fault.most
        return 2 if self.alone and not self.fault.once else 1

    @property
    def least_requests(self) -> int:
        return 2 if self.alone and self.fault.promised(self.framing) in ("R>F", "R") else 0

    def __str__(self) -> str:
        return f"{self.fault}, {self.framing}{', alone' if self.alone else ''}"
