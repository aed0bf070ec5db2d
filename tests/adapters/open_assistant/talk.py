"""What the tests of OpenAssistant share: a site to be left clean, adapters for it, and ways to read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from adapters.contract import ChatRequest, Conditions, Delta
from adapters.open_assistant import OpenAssistant
from adapters.simulators.open_assistant import OpenAssistantSimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN: Final = "simulated.session.token"
TEXT: Final = "Hello from a simulator."
QUICK: Final[dict[str, Any]] = {"silence": 5.0, "polling": 0.002}
SILENT: Final = 0.04
"""The `silence` of tests where it strikes: for all others a slow machine must not look like it."""


@asynccontextmanager
async def site(**options: Any) -> AsyncIterator[OpenAssistantSimulator]:
    """Serve a site, and see to it that it is left clean."""
    async with OpenAssistantSimulator(**{"tick": 0.001, **options}) as simulator:
        yield simulator
        assert left_clean(simulator)
        await simulator.drained()


def left_clean(simulator: OpenAssistantSimulator) -> bool:
    """Whether each chat was deleted, or hidden where its answer may still run, and none at a bad moment."""
    return simulator.created == simulator.deleted | simulator.hidden and simulator.crashes == 0


@asynccontextmanager
async def adapted(simulator: OpenAssistantSimulator, **settings: Any) -> AsyncIterator[OpenAssistant]:
    adapter = OpenAssistant(simulator.url, **{"session_token": TOKEN, **QUICK, **settings})
    try:
        yield adapter
    finally:
        await adapter.aclose()


def request(text: str = "Hi", *, conditions: Conditions | None = None, **options: Any) -> ChatRequest:
    made = ChatRequest.build([{"role": "user", "content": text}], **options)
    return made if conditions is None else made.under(conditions)


async def read(adapter: OpenAssistant, asked: ChatRequest | None = None) -> list[Delta]:
    return [delta async for delta in adapter.stream(asked or request())]


async def read_into(got: list[Delta], adapter: OpenAssistant) -> None:
    """Read a reply that fails in the middle."""
    async for delta in adapter.stream(request()):
        got.append(delta)  # noqa: PERF401 - an error ends it


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def steps(simulator: OpenAssistantSimulator) -> list[str]:
    return [f"{r.method} {r.path}" for r in simulator.requests]
