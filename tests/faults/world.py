"""The world of one run: the faulty provider, a good one behind it, and a trap that nobody may enter."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio

from adapters import OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from router import Timeouts
from tests.faults.framings import FRAMINGS, Wire
from tests.faults.server import FaultServer
from tests.faults.steps import Script, Step, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters import HTTPAdapter
    from adapters.simulators.server import Simulator
    from router import Event
    from tests.faults.fault import Case

BEHIND: Final = "The second one answers."
SECOND_KEY: Final = "sk-canary-of-the-second-key-17"
PROMPT: Final = "Canary of the prompt: why is the sky blue?"
MESSAGES: Final = [{"role": "user", "content": PROMPT}]
TIMEOUTS: Final = Timeouts(total=120.0)
GRACE: Final = TIMEOUTS.close + 0.25


@dataclass
class Seen:
    """What a client saw and said.

    Attributes:
        text: All that was delivered.
        provider: Who delivered it.
        error: What the request ended with.
        took: Seconds.
        cancelled: Whether it was cancelled, and ended by that.
        earlier: Upstream requests before the one that is judged.
        events: Of the router.
        said: Objects that the client made, which are searched for secrets.
    """

    text: str = ""
    provider: str | None = None
    error: BaseException | None = None
    took: float = 0.0
    cancelled: bool = False
    earlier: int = 0
    events: list[Event] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)


@dataclass
class World:
    """The servers of one run."""

    case: Case
    faulty: Simulator
    good: OpenAISimulator
    trap: FaultServer
    url: str = ""
    tasks: int = 0
    sockets: int = 0

    @property
    def requests(self) -> int:
        """Upstream requests at the faulty provider."""
        return self.faulty.turns

    @property
    def alone(self) -> bool:
        return self.case.alone

    def adapters(self) -> list[HTTPAdapter]:
        framing = FRAMINGS[self.case.framing]
        first = framing.adapter(self.url or self.faulty.url, **self.case.fault.settings)
        return [first] if self.alone else [first, second(self.good)]

    def open_sockets(self) -> int:
        return len(_sockets()) - self.sockets

    def left_tasks(self) -> int:
        return len(anyio.get_running_tasks()) - self.tasks


def second(good: OpenAISimulator) -> OpenAICompatible:
    return OpenAICompatible(f"{good.url}/v1", name="second", model="m", api_key=SECOND_KEY)


def _sockets() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").exists() else ():
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue
    return [name for name in found if name.startswith("socket:")]


@asynccontextmanager
async def world_of(case: Case) -> AsyncIterator[World]:
    """Set up the servers of `case`."""
    async with AsyncExitStack() as stack:
        trap = await stack.enter_async_context(FaultServer(lambda _: (whole(200),)))
        good = await stack.enter_async_context(OpenAISimulator(text=BEHIND))
        plan, before = case.fault.plan, case.fault.before

        def answers(wire: Wire) -> Any:
            scripts = plan(wire)
            if isinstance(scripts, list):
                return [_aimed(script, trap.url) for script in scripts]
            return _aimed(scripts, trap.url)

        more: dict[str, Any] = dict(case.fault.options)
        more |= {"before": before} if before else {}
        more |= {"tls": case.fault.tls} if case.fault.tls else {}
        server = FRAMINGS[case.framing].server(answers, case.fault.steps, **more)
        faulty = await stack.enter_async_context(server)
        world = World(case, faulty, good, trap)
        world.tasks, world.sockets = len(anyio.get_running_tasks()), len(_sockets())
        yield world


def _aimed(script: Script, trap: str) -> Script:
    """Return `script` with the trap's address where it belongs."""

    def step_of(step: Step) -> Step:
        if not isinstance(step, bytes) or b"{trap" not in step:
            return step
        host = urlsplit(trap).netloc.encode()
        return step.replace(b"{trap}", trap.encode()).replace(b"{trap_host}", host)

    return tuple(step_of(step) for step in script)
