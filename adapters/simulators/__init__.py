"""Loopback servers that speak the protocols of the services, with faults on demand.

    async with load("openai")(text="Hello", fault="429", fault_times=1) as simulator:
        ...  # point an adapter to simulator.url

They are imported when asked for. `adapters.simulators.server` has the base, `faults` what can go wrong.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from adapters.simulators.server import Simulator

SIMULATORS: Final = {
    "anthropic": "adapters.simulators.anthropic:AnthropicSimulator",
    "aura": "adapters.simulators.aura:AuraSimulator",
    "chat_anywhere": "adapters.simulators.chat_anywhere:ChatAnywhereSimulator",
    "h2o": "adapters.simulators.h2o:H2oSimulator",
    "open_assistant": "adapters.simulators.open_assistant:OpenAssistantSimulator",
    "openai": "adapters.simulators.openai:OpenAISimulator",
    "opchatgpts": "adapters.simulators.opchatgpts:OpchatgptsSimulator",
}
"""The simulator of each service, under the short name of its adapter."""


def load(name: str) -> type[Simulator]:
    """Return the simulator class of a service's short name.

    Args:
        name: That of its adapter, such as `openai`.

    Raises:
        LookupError: No simulator has this name; the message says which there are.
    """
    if name not in SIMULATORS:
        known = ", ".join(sorted(SIMULATORS))
        raise LookupError(f"no simulator is called {name!r}; there are: {known}{nearest(name, SIMULATORS)}")
    module, _, attribute = SIMULATORS[name].partition(":")
    found: type[Simulator] = getattr(import_module(module), attribute)
    return found
