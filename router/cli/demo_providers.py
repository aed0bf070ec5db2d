"""The cast of the demonstration: six simulated services on this machine, and the adapters that ask them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from adapters import simulators
from router.cli.providers import Wanted, make
from router.cli.simulate import MODELS, PREFIXES, SESSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from adapters.contract import Adapter
    from adapters.simulators.server import Simulator

AWAY: Final = 30
"""Seconds for which the rate-limited service asks us to stay away."""


@dataclass(frozen=True, slots=True)
class Role:
    """One service of the cast.

    Attributes:
        service: Its short name.
        fault: What is made to go wrong, if anything is.
        words: The same for people.
        text: What it answers.
        further: Further options of its simulator.
    """

    service: str
    fault: str | None
    words: str
    text: str | None = None
    further: dict[str, Any] = field(default_factory=dict)


def roles(prompt: str) -> tuple[Role, ...]:
    """Return the cast in order of priority: four are sick, the fifth answers, the last one stands by."""
    answer = (
        f"You asked: {prompt} I am Aura, a simulated server on your own machine and the fifth of six. Four "
        "before me failed, each in its own way, and you waited about one second for all of them together. "
        "You saw no half answer of theirs: nothing is shown before the first word of somebody who has one."
    )
    long = (
        "This reply is going well, it has a beginning and it is heading for its end, but then the line goes "
        "dead in the middle of a sentence, and whatever I meant to say after that you will never know."
    )
    short = "I am well again, and I stand before Aura in your order, so I was asked first."
    return (
        Role("open_assistant", "refuse", "refuses connections"),
        Role(
            "opchatgpts", "429", f"429, asks us to stay away for {AWAY} s", None, {"retry_after": str(AWAY)}
        ),
        Role("h2o", "stall", "takes the question, then silence", short),
        Role("chat_anywhere", "empty", "a correct reply without a word"),
        Role("aura", None, "healthy", answer),
        Role("openai", None, "healthy, the last resort", long),
    )


class Cast:
    """The running services.

    Attributes:
        roles: Who plays, in order of priority.
        simulators: Service -> its simulator.
        adapters: One for each, in the same order.
    """

    def __init__(self, parts: Iterable[Role], delay: float) -> None:
        self.roles = tuple(parts)
        self.simulators: dict[str, Simulator] = {
            role.service: simulators.load(role.service)(
                text=role.text, delay=delay, fault=role.fault, **role.further
            )
            for role in self.roles
        }
        self.adapters: list[Adapter] = []

    def connect(self) -> None:
        """Make the adapters, as the command line makes them."""
        for service, simulator in self.simulators.items():
            url = simulator.url + PREFIXES.get(service, "")
            wanted = Wanted(service, service, url, MODELS.get(service))
            token = SESSIONS.get(service)
            self.adapters.append(make(wanted, {f"{wanted.prefix}SESSION_TOKEN": token} if token else {}))


@asynccontextmanager
async def cast_of(parts: Iterable[Role], delay: float = 0.0) -> AsyncGenerator[Cast, None]:
    """Run the services of `parts`, and hand out the cast."""
    cast = Cast(parts, delay)
    async with AsyncExitStack() as stack:
        for simulator in cast.simulators.values():
            await stack.enter_async_context(simulator)
        cast.connect()
        yield cast


@asynccontextmanager
async def sick_cast() -> AsyncGenerator[list[Adapter], None]:
    """Run services of which two are sick in a way that a check can see, and hand out their adapters."""
    parts = [
        Role("open_assistant", "refuse", "refuses connections"),
        Role("openai", None, "wants a key that nobody gave", None, {"api_key": "a-key-nobody-gave"}),
        *(Role(name, None, "healthy") for name in ("opchatgpts", "h2o", "chat_anywhere", "aura")),
    ]
    async with cast_of(parts) as cast:
        yield cast.adapters
