"""The providers of the demonstration: six simulated services on this machine, and adapters for them."""

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
"""Seconds after which the rate-limited service wants to be asked again."""


@dataclass(frozen=True, slots=True)
class DemoService:
    """One simulated service.

    Attributes:
        service: Its short name.
        fault: The fault that it simulates, if any.
        words: How it behaves, in words.
        text: What it answers.
        further: Further options of its simulator.
    """

    service: str
    fault: str | None
    words: str
    text: str | None = None
    further: dict[str, Any] = field(default_factory=dict)


def services(prompt: str) -> tuple[DemoService, ...]:
    """Return the services in order of priority: four fail, the fifth answers, the last one is the reserve."""
    answer = (
        f"You asked: {prompt} I am Aura, a simulated server on your own machine and the fifth of six. Four "
        "before me failed, each in its own way, and you waited about one second for all of them together. "
        "You saw no half answer of theirs: the router shows nothing before the first word of an answer."
    )
    long = (
        "This reply is going well, it has a beginning and it is heading for its end, but then the line goes "
        "dead in the middle of a sentence, and whatever I meant to say after that you will never know."
    )
    short = "I work again, and I come before Aura in your order, so the router asked me first."
    return (
        DemoService("open_assistant", "refuse", "refuses connections"),
        DemoService(
            "opchatgpts", "429", f"429, asks to retry after {AWAY} s", None, {"retry_after": str(AWAY)}
        ),
        DemoService("h2o", "stall", "takes the question, then sends nothing", short),
        DemoService("chat_anywhere", "empty", "a correct reply without any text"),
        DemoService("aura", None, "healthy", answer),
        DemoService("openai", None, "healthy, the reserve", long),
    )


class RunningServices:
    """The running services.

    Attributes:
        services: What runs, in order of priority.
        simulators: Service -> its simulator.
        adapters: One for each, in the same order.
    """

    def __init__(self, wanted: Iterable[DemoService], delay: float) -> None:
        self.services = tuple(wanted)
        self.simulators: dict[str, Simulator] = {
            each.service: simulators.load(each.service)(
                text=each.text, delay=delay, fault=each.fault, **each.further
            )
            for each in self.services
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
async def run_services(
    wanted: Iterable[DemoService], delay: float = 0.0
) -> AsyncGenerator[RunningServices, None]:
    """Run the simulated services, and stop them at the end."""
    running = RunningServices(wanted, delay)
    async with AsyncExitStack() as stack:
        for simulator in running.simulators.values():
            await stack.enter_async_context(simulator)
        running.connect()
        yield running


@asynccontextmanager
async def failing_services() -> AsyncGenerator[list[Adapter], None]:
    """Run six services, two of which fail in a way that a probe detects, and yield their adapters."""
    wanted = [
        DemoService("open_assistant", "refuse", "refuses connections"),
        DemoService(
            "openai", None, "requires a key that it does not get", None, {"api_key": "a-key-nobody-gave"}
        ),
        *(DemoService(name, None, "healthy") for name in ("opchatgpts", "h2o", "chat_anywhere", "aura")),
    ]
    async with run_services(wanted) as running:
        yield running.adapters
