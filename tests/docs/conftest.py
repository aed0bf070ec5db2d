"""The servers that the examples of the manual talk to, as the manual tells its readers to start them."""

from __future__ import annotations

import re
import shlex
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import typer
from anyio.from_thread import start_blocking_portal

from router.cli.app import app
from router.cli.serve import _demo
from router.cli.simulate import Simulation
from router.gateway import GatewaySettings
from router.gateway.gateway import Gateway
from router.gateway.serving.server import GatewayServer
from tests.docs.pages import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyio.from_thread import BlockingPortal

    from adapters.simulators.server import Simulator


def simulators() -> dict[str, Simulator]:
    """What the line of the first steps starts, by the addresses it has there; ports are free ones."""
    [line] = re.findall(r"^chat-router simulate (.+)$", read("docs/start.md"), re.MULTILINE)
    command = typer.main.get_command(app).commands["simulate"]  # type: ignore[attr-defined]  # the command is a group
    told = command.make_context("simulate", shlex.split(line)).params
    services, port = told.pop("service"), told.pop("port")
    options = {name: told[name] for name in ("fault", "fault_times", "retry_after", "text")}
    return {
        f"http://127.0.0.1:{port + number}": Simulation(service, **options).build()
        for number, service in enumerate(services)
    }


@contextmanager
def gateway(portal: BlockingPortal) -> Iterator[str]:
    """What `chat-router serve --demo` serves, on a free port and without its pauses; its origin."""
    # Without its protocol, asyncio leaves Nagle's algorithm on: 40 ms for each reply.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    with listener, portal.wrap_async_context_manager(_demo(delay=0.0)) as router:
        server = GatewayServer(Gateway(router, GatewaySettings()))
        ended = portal.start_task_soon(server.serve, [listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for _ in range(2):  # the second time it does not wait
                portal.call(server.stop)
            ended.result(20)


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """As written on the pages -> the real ones, of the simulated servers and of a gateway."""
    started = simulators()
    with start_blocking_portal() as portal, ExitStack() as stack:
        for simulator in started.values():
            stack.enter_context(portal.wrap_async_context_manager(simulator))
        served = stack.enter_context(gateway(portal))
        real = {written: simulator.url for written, simulator in started.items()}
        yield {**real, "http://127.0.0.1:8000": served}
