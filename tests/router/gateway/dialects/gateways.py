"""A gateway for the official clients: on a real server in a thread, or in the same task without a socket."""

from __future__ import annotations

import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import uvicorn
from anyio.from_thread import start_blocking_portal

from adapters import Anthropic, OpenAICompatible
from adapters.simulators import load
from router import RetryPolicy, Router
from router.gateway import GatewaySettings, app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from adapters.contract import Adapter
    from adapters.simulators.server import Simulator

QUESTION: Any = [{"role": "user", "content": "Hello?"}]


class Chain:
    """A gateway on loopback, and the simulated services behind it."""

    def __init__(self, url: str, simulators: list[Simulator]) -> None:
        self.url = url
        self.simulators = simulators

    def bodies(self) -> list[Any]:
        """Return what the first service was sent, in its order."""
        return [json.loads(request.body) for request in self.simulators[0].requests]


@contextmanager
def serving(*services: tuple[str, dict[str, Any]]) -> Generator[Chain]:
    """Serve a chain of simulated services: names of simulators, with their parameters."""
    failure: Exception | None = None
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(_serving(services)) as chain,
    ):
        try:
            yield chain
        except Exception as error:  # noqa: BLE001 - a task group would wrap it
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def _serving(services: tuple[tuple[str, dict[str, Any]], ...]) -> AsyncGenerator[Chain]:
    async with AsyncExitStack() as stack:
        simulators = [await stack.enter_async_context(load(kind)(**given)) for kind, given in services]
        adapters = [
            _adapter(kind, f"{kind}{place}", simulator.url)
            for place, ((kind, _), simulator) in enumerate(zip(services, simulators, strict=True))
        ]
        router = await stack.enter_async_context(Router(adapters, retry=RetryPolicy(attempts=1)))
        listener = socket.create_server(("127.0.0.1", 0))
        stack.callback(listener.close)
        server = uvicorn.Server(uvicorn.Config(app(router), log_config=None, lifespan="off"))
        group = await stack.enter_async_context(anyio.create_task_group())
        group.start_soon(server.serve, [listener])
        await until(lambda: server.started)
        try:
            yield Chain(f"http://127.0.0.1:{listener.getsockname()[1]}", simulators)
        finally:
            server.force_exit = True
            await server.shutdown([listener])
            group.cancel_scope.cancel()


def _adapter(kind: str, name: str, url: str) -> Adapter:
    if kind == "anthropic":
        return Anthropic(name=name, base_url=url, api_key="secret", model="claude-sonnet-4-5")
    return OpenAICompatible(name=name, base_url=f"{url}/v1", api_key="secret", model="simulated")


def in_process(router: Router, *, body: int = 1 << 20) -> httpx2.AsyncClient:
    """Return an HTTP client whose requests go straight into the application; it works on both backends."""
    # An answer that ends with an error event ends in an exception, which is for the server.
    transport = httpx2.ASGITransport(app(router, GatewaySettings(body=body)), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://gateway")


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It did not come.
    """
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another thread
            await anyio.sleep(0.005)
