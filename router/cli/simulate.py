"""`chat-router simulate`: simulated services on the loopback address, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys
import textwrap
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from adapters import simulators
from adapters.simulators.faults import FAULTS
from adapters.simulators.parent import parent_ended
from router.cli.exits import OK
from router.cli.mistakes import Mistake, one_line, unknown
from router.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.simulators.script import ScriptOptions
    from adapters.simulators.server import Simulator

PREFIXES: Final = {"openai": "/v1"}
"""Path below which a service's API is."""
MODELS: Final = {"anthropic": "claude-simulated", "openai": "small"}
"""The model that a simulated service is asked for, where a request must name one; the README names it too."""
FURTHER_MODELS: Final = {"openai": ("medium", "large")}
"""The other models that it has: with them a request can choose, as the manual's examples do."""
SESSIONS: Final = {"open_assistant": "simulated.session.token"}
"""The session that a simulated service takes."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Which service, and how it behaves; the fields are those of the simulators' `Script`."""

    service: str
    fault: str | None = None
    fault_times: int | None = None
    retry_after: str | None = None
    text: str | None = None
    delay: float = 0.0
    port: int = 0

    def build(self) -> Simulator:
        """Return the simulator.

        Raises:
            Mistake: The service, the fault or another option cannot be used.
        """
        kind = _load(self.service)
        if self.fault is not None and self.fault not in kind.faults:
            raise Mistake(
                unknown(f"the {self.service} simulator has no fault", self.fault, sorted(kind.faults))
            )
        if not 0 <= self.port <= 65535:
            raise Mistake(f"--port {self.port} is out of range; use 1 to 65535, or 0 for a free port")
        if not 0 <= self.delay <= 60:
            raise Mistake(f"--delay {self.delay:g} is out of range; use 0 to 60 seconds")
        if self.retry_after is not None and not (
            self.retry_after.isascii() and self.retry_after.isprintable()
        ):
            raise Mistake("--retry-after cannot be sent as a header; use seconds or an HTTP date")
        if self.fault == "refuse" and self.fault_times is not None:
            raise Mistake("--fault-times does not work with --fault refuse; omit it")
        if self.fault_times is not None and self.fault_times < 1:
            raise Mistake(f"--fault-times {self.fault_times} is out of range; use 1 or more")
        if self.fault is None and (self.fault_times is not None or self.retry_after is not None):
            raise Mistake("--fault-times and --retry-after need a fault; name one with --fault")
        options: ScriptOptions = {
            "fault": self.fault,
            "fault_times": self.fault_times,
            "retry_after": self.retry_after,
            "text": self.text,
            "delay": self.delay,
            "port": self.port,
        }
        # As a real service it refuses a model that it does not have, so that the mistake can be rehearsed.
        more = {"models": _models(self.service)} if self.service in MODELS else {}
        try:
            return kind(**options, **more)
        except (TypeError, ValueError) as error:
            raise Mistake(one_line(str(error))) from None


def _load(service: str) -> type[Simulator]:
    if service not in simulators.SIMULATORS:
        raise Mistake(unknown("unknown service", service, sorted(simulators.SIMULATORS)))
    return simulators.load(service)


def _models(service: str) -> tuple[str, ...]:
    return (MODELS[service], *FURTHER_MODELS.get(service, ()))


async def simulate(simulators: Sequence[Simulator], *, stays: bool = False) -> int:
    """Serve until cancelled, or until the starting process ends; say where, and how to ask each service.

    Args:
        simulators: What to serve.
        stays: Whether it goes on where the starting process ends.
    """
    async with AsyncExitStack() as stack:
        for simulator in simulators:
            try:
                await stack.enter_async_context(simulator)
            except OSError as error:
                if not (port := simulator.script.port):
                    raise
                raise Mistake(
                    f"port {port} cannot be opened: {error.strerror or error}; choose another --port"
                ) from None
            sys.stdout.write(_described(simulator))
        until = "" if stays else "; it also stops when the shell or program that started it ends (or: --keep)"
        sys.stdout.write(f"  press Ctrl-C to stop{until}\n")
        sys.stdout.flush()
        if stays:
            await anyio.sleep_forever()
        await parent_ended()  # killing what started the simulators ends them, so that tests leave none behind
        say("chat-router: stopped, since the shell or program that started it has ended; --keep goes on")
    return OK


def _described(simulator: Simulator) -> str:
    service, fault = simulator.service, simulator.script.fault
    address = simulator.url + PREFIXES.get(service, "")
    what = "healthy" if fault is None else f"{fault}: {simulator.described_faults()[fault]}"
    return f"{address}\n  {service}, {what}\n  ask it with: {command(service, address)}\n"


def command(service: str, address: str) -> str:
    """Return the command that asks a simulated service."""
    session = SESSIONS.get(service)
    variable = f"CHAT_ROUTER_{service.upper()}_SESSION_TOKEN={session} " if session else ""
    model = f"#{MODELS[service]}" if service in MODELS else ""
    return f"{variable}chat-router ask 'Hello' --provider {service}={address}{model}"


def listing(service: str | None, width: int) -> str:
    """Return all services and the faults that are the same everywhere, or those of one service.

    Raises:
        Mistake: The service is unknown.
    """

    def entry(name: str, text: str) -> str:
        return textwrap.fill(f"{name:<16}  {text}", width, initial_indent="  ", subsequent_indent=" " * 20)

    if service is not None:
        faults = _load(service).described_faults()
        return "\n".join([f"faults of {service}:", *(entry(*each) for each in faults.items())])
    kinds = {name: simulators.load(name) for name in sorted(simulators.SIMULATORS)}
    own = {name: ", ".join(sorted(set(kind.own_faults) - set(FAULTS))) for name, kind in kinds.items()}
    return "\n".join(
        [
            "services:",
            *(
                entry(name, f"has faults of its own: {faults}" if faults else "")
                for name, faults in own.items()
            ),
            "",
            "faults:",
            *(entry(*each) for each in FAULTS.items()),
            "",
            "Details for one service: chat-router simulate SERVICE --list",
        ]
    )
