"""Every service with its simulator, as the tests of the chain use them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters import Anthropic, Aura, ChatAnywhere, H2o, Opchatgpts, OpenAICompatible, OpenAssistant
from adapters.simulators.anthropic import AnthropicSimulator
from adapters.simulators.aura import AuraSimulator
from adapters.simulators.chat_anywhere import ChatAnywhereSimulator
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.opchatgpts import OpchatgptsSimulator
from adapters.simulators.open_assistant import OpenAssistantSimulator
from adapters.simulators.openai import OpenAISimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from adapters import HTTPAdapter
    from adapters.simulators.server import Simulator

COOKIE: Final = {"next-auth.session-token": "simulated.session.token"}


@dataclass(frozen=True)
class Service:
    """A service: how to simulate it, and how to speak to it."""

    name: str
    simulate: Callable[..., Simulator]
    connect: Callable[..., HTTPAdapter]
    settings: dict[str, Any]
    suffix: str = ""

    @asynccontextmanager
    async def running(self, **script: Any) -> AsyncIterator[tuple[Simulator, HTTPAdapter]]:
        """A simulator that serves, and a fresh adapter connected to it."""
        async with self.simulate(**script) as simulator:
            yield simulator, self.adapter(simulator)

    def adapter(self, simulator: Simulator, **settings: Any) -> HTTPAdapter:
        return self.connect(simulator.url + self.suffix, **self.settings, **settings)


SERVICES: Final = (
    Service("openai", OpenAISimulator, OpenAICompatible, {"model": "m"}, "/v1"),
    Service("anthropic", AnthropicSimulator, Anthropic, {"model": "claude-simulated"}),
    Service("chat_anywhere", ChatAnywhereSimulator, ChatAnywhere, {}),
    Service("aura", AuraSimulator, Aura, {}),
    Service("opchatgpts", OpchatgptsSimulator, Opchatgpts, {}),
    Service("h2o", H2oSimulator, H2o, {}),
    Service("open_assistant", OpenAssistantSimulator, OpenAssistant, {"cookies": COOKIE}),
)


def leftovers(simulator: Simulator) -> set[str]:
    """The remote conversations that were created and neither deleted nor hidden."""
    created: set[str] = getattr(simulator, "created", set())
    deleted: set[str] = getattr(simulator, "deleted", set())
    hidden: set[str] = getattr(simulator, "hidden", set())
    return created - deleted - hidden
