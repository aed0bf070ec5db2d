"""Each limit of `Limits` holds at each adapter, seen at its simulator."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from adapters import AdapterError, BadReply, Busy, ChatRequest, Limits, ReplyTooLarge
from adapters.contract import Conditions
from tests.chain.services import SERVICES, Service
from tests.promptly import promptly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters import HTTPAdapter
    from adapters.simulators.server import Simulator

pytestmark = pytest.mark.anyio

REQUEST: Final = ChatRequest.build([{"role": "user", "content": "Hello"}])
RAW: Final = {"aura", "chat_anywhere"}
"""Services whose reply is raw text: it has neither lines nor an end mark."""
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
with_events = pytest.mark.parametrize(
    "service", [s for s in SERVICES if s.name not in RAW], ids=lambda service: service.name
)


class Body(httpx.AsyncByteStream):
    """The body of an answer, and behind it `more` bytes or silence."""

    def __init__(self, inner: Any, more: int, silence: float) -> None:
        self._inner, self._more, self._silence = inner, more, silence
        self._closed = False
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk
        await anyio.sleep(self._silence)
        while self.read < self._more and not self._closed:
            self.read += 10
            yield b"\n" * 10

    async def aclose(self) -> None:
        self._closed = True
        await self._inner.aclose()


TURNS: Final = {
    "openai": r"/chat/completions",
    "anthropic": r"/messages",
    "chat_anywhere": r"/chat/gpt/",
    "aura": r"/api/chat",
    "opchatgpts": r".*/chats/submit",
    "h2o": r"/conversation/[^/]+",
    "open_assistant": r"/api/chat/events",
}
"""The path of the request whose answer is the reply."""


@dataclass
class Longer(httpx.AsyncBaseTransport):
    """Makes the bodies longer that the network brings: by bytes, or by silence, after the end.

    Args:
        service: Whose replies, or whose errors, are longer.
        more: Bytes.
        silence: Seconds before them.
        errors: Whether it is the errors.
    """

    service: Service
    more: int = 0
    silence: float = 0.0
    errors: bool = False

    def __post_init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.bodies: list[Body] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        turn = request.method == "POST" and re.fullmatch(
            f"(/v1)?{TURNS[self.service.name]}", request.url.path
        )
        if response.status_code >= 400 if self.errors else response.status_code == 200 and turn:
            response.headers.pop("content-length", None)
            self.bodies.append(Body(response.stream, self.more, self.silence))
            response.stream = self.bodies[-1]
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def running(
    service: Service, limits: Limits | None = None, *, transport: Any = None, **script: Any
) -> AsyncIterator[tuple[Simulator, HTTPAdapter]]:
    async with service.simulate(**script) as simulator:
        settings = {} if transport is None else {"transport": transport}
        adapter = service.adapter(simulator, limits=limits or Limits(), **settings)
        try:
            yield simulator, adapter
        finally:
            await adapter.aclose()


async def text_of(adapter: HTTPAdapter, request: ChatRequest | None = None) -> str:
    generator = adapter.stream(request or REQUEST)
    try:
        return "".join([delta.text async for delta in generator])
    finally:
        await generator.aclose()


async def error_of(adapter: HTTPAdapter) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        await text_of(adapter)
    return raised.value


def test_no_limit_is_forgotten_here() -> None:
    """Every limit has a test of its name."""
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert {field.name for field in fields(Limits)} <= tested


@every_service
async def test_connections(service: Service) -> None:
    """Who asks an adapter directly waits for a connection; where others are left it is told at once."""
    async with running(service, Limits(connections=1)) as (_, adapter):
        first = adapter.stream(REQUEST)
        await anext(first)
        with pytest.raises(Busy):
            await text_of(adapter, REQUEST.under(Conditions(others_left=True)))
        async with anyio.create_task_group() as tasks:
            texts: list[str] = []

            async def second() -> None:
                texts.append(await text_of(adapter))

            tasks.start_soon(second)
            await anyio.sleep(0.02)
            assert texts == []
            await first.aclose()
        assert len(texts) == 1


async def connections_of_two_replies(service: Service, limits: Limits) -> tuple[int, int]:
    """Return the connections of two replies one after another, and the requests."""
    async with running(service, limits) as (simulator, adapter):
        await text_of(adapter)
        await text_of(adapter)
        return simulator.connections, len(simulator.requests)


@every_service
async def test_idle_connections(service: Service) -> None:
    assert (1, True) == ((found := await connections_of_two_replies(service, Limits()))[0], found[1] > 1)
    connections, requests = await connections_of_two_replies(service, Limits(idle_connections=0))
    assert connections == requests


@every_service
async def test_idle_seconds(service: Service) -> None:
    async with running(service, Limits(idle_seconds=0.01)) as (simulator, adapter):
        await text_of(adapter)
        before = simulator.connections
        await anyio.sleep(0.05)
        await text_of(adapter)
        assert simulator.connections > before


@with_events
async def test_line(service: Service) -> None:
    script: dict[str, Any] = {"text": "x" * 5000, "deltas": 1}
    async with running(service, Limits(line=4000), **script) as (_, adapter):
        assert "4000 bytes" in str(error := await error_of(adapter))
        assert isinstance(error, ReplyTooLarge)
    async with running(service, **script) as (_, adapter):
        assert "x" * 5000 == await text_of(adapter)


@every_service
async def test_reply(service: Service) -> None:
    script: dict[str, Any] = {"text": "four " * 1000, "deltas": 200}
    async with running(service, Limits(reply=4900), **script) as (_, adapter):
        assert isinstance(await error_of(adapter), ReplyTooLarge)
    async with running(service, **script) as (_, adapter):
        assert "four four" in await text_of(adapter)


@every_service
async def test_body(service: Service) -> None:
    script = {"text": "four " * 2000, "deltas": 20}
    async with running(service, Limits(body=9000), **script) as (_, adapter):
        assert "Limits.body" in str(error := await error_of(adapter))
        assert isinstance(error, ReplyTooLarge)


@every_service
async def test_error_body(service: Service) -> None:
    read = []
    for limits in (Limits(error_body=100), Limits(error_body=5000)):
        transport = Longer(service, more=100_000, errors=True)
        async with running(service, limits, transport=transport, fault="403") as (_, adapter):
            await error_of(adapter)
        read.append(transport.bodies[-1].read)

    assert read[0] < 1000 < read[1] < 10_000


@every_service
async def test_error_seconds(service: Service) -> None:
    transport, limits = Longer(service, silence=30, errors=True), Limits(error_seconds=0.05)
    async with running(service, limits, transport=transport, fault="403") as (_, adapter):
        with anyio.fail_after(5):
            await error_of(adapter)
    assert transport.bodies


@every_service
async def test_steps(service: Service) -> None:
    async with running(service) as (simulator, adapter):
        await text_of(adapter)
        needed = sum(request.method != "DELETE" for request in simulator.requests)
    async with running(service, Limits(steps=needed)) as (_, adapter):
        await text_of(adapter)
    if needed > 1:
        async with running(service, Limits(steps=needed - 1)) as (_, adapter):
            assert "Limits.steps" in str(error := await error_of(adapter))
            assert isinstance(error, BadReply)


@with_events
async def test_empty(service: Service) -> None:
    async with running(service, Limits(empty=50), fault="endless_comments") as (_, adapter):
        assert "50" in str(error := await error_of(adapter))
        assert isinstance(error, ReplyTooLarge)


@with_events
async def test_drain(service: Service) -> None:
    read = []
    for limits in (Limits(drain=20), Limits(drain=100_000)):
        transport = Longer(service, more=1000)
        async with running(service, limits, transport=transport) as (_, adapter):
            await text_of(adapter)
        read.append(transport.bodies[-1].read)

    assert read[0] < read[1] == 1000


@with_events
async def test_drain_seconds(service: Service) -> None:
    transport = Longer(service, silence=30)
    async with running(service, Limits(drain_seconds=0.02), transport=transport) as (_, adapter):
        with anyio.fail_after(5):
            await text_of(adapter)
    assert transport.bodies


async def test_silence_after_finish() -> None:
    """Only where the finish reason is the last that came: an end mark ends the reply at once."""
    openai = next(service for service in SERVICES if service.name == "openai")
    took = []
    for silence, done in ((0.1, False), (0.5, False), (30, True)):
        limits = Limits(silence_after_finish=silence)
        async with running(openai, limits, done=done, keep_open=True) as (_, adapter):
            started = anyio.current_time()
            with promptly(0.4 if done else silence + 0.4), anyio.fail_after(20):
                await text_of(adapter)
            took.append(anyio.current_time() - started)

    assert 0.1 <= took[0]
    assert 0.5 <= took[1]
