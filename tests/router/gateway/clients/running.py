"""A gateway that serves in a thread of its own, as `chat-router serve` does, on the loopback address."""

from __future__ import annotations

import socket
import threading
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from router import RetryPolicy, Router, Timeouts
from router.gateway import GatewaySettings
from router.gateway.gateway import Gateway
from router.gateway.serving.server import GatewayServer
from tests.router.gateway.clients.chain import adapters, simulators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.simulators.openai import OpenAISimulator

LIMIT = 300_000


@dataclass
class Running:
    """A gateway that serves.

    Attributes:
        port: Where.
        simulators: Behind it, by the names of their providers.
        router: Answers.
        gateway: Stands before it.
    """

    port: int
    simulators: dict[str, OpenAISimulator]
    router: Router
    gateway: Gateway

    @property
    def url(self) -> str:
        """The address that a client is given."""
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def running(settings: GatewaySettings | None = None) -> Iterator[Running]:
    """Serve the chain of these tests."""
    started = threading.Event()
    found: list[Running] = []
    failed: list[BaseException] = []
    # Without its protocol, asyncio leaves Nagle's algorithm on: 40 ms for each reply.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    server: list[GatewayServer] = []

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            served = simulators()
            for simulator in served.values():
                await stack.enter_async_context(simulator)
            chain = adapters(served)
            retry = RetryPolicy(attempts=1)
            router = await stack.enter_async_context(
                Router(chain, retry=retry, timeouts=Timeouts(first_content=20), observers=[])
            )
            gateway = Gateway(router, settings or GatewaySettings(body=LIMIT))
            server.append(GatewayServer(gateway))
            found.append(Running(listener.getsockname()[1], served, router, gateway))
            started.set()
            await server[0].serve([listener])

    def run() -> None:
        try:
            anyio.run(serve)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the test
            failed.append(error)
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(20)
    try:
        if not failed:
            yield found[0]
    finally:
        if server:
            server[0].stop()
            server[0].stop()
        thread.join(20)
        listener.close()
    if failed:
        raise failed[0]
