"""What is cleaned up after a reply: shielded, bounded, tried once more, never raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import (
    AdapterError,
    Conditions,
)
from tests.adapters.http.service import Asker, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


pytestmark = pytest.mark.anyio


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as service:
        yield service


async def test_clean_up_tries_once_more_on_a_fresh_connection(service: Service) -> None:
    leftovers: list[AdapterError] = []
    adapter = Asker(service.url)
    async with adapter._session(Conditions(on_leftover=leftovers.append)) as session:
        await session.clean_up("DELETE", "/lost/once")
    await adapter.aclose()

    assert leftovers == []
    assert [received.method for received in service.requests] == ["DELETE", "DELETE"]


@pytest.mark.parametrize(("path", "requests"), [("/status/500", 1), ("/lost/on/reuse", 2), ("/silence", 1)])
async def test_clean_up_that_fails_is_told_and_never_raised(
    service: Service, path: str, requests: int
) -> None:
    leftovers: list[AdapterError] = []
    adapter = Asker(service.url, cleanup_timeout=0.05)
    async with adapter._session(Conditions(on_leftover=leftovers.append)) as session:
        if path == "/lost/on/reuse":
            await session.ask("GET", "/echo")
        await session.clean_up("DELETE", path)
    await adapter.aclose()
    await service.drained()

    assert [error.provider for error in leftovers] == ["asker"]
    assert sum(received.method == "DELETE" for received in service.requests) == requests


async def test_clean_up_is_shielded_from_cancellation(service: Service) -> None:
    leftovers: list[AdapterError] = []
    adapter = Asker(service.url)
    with anyio.CancelScope() as scope:
        async with adapter._session(Conditions(on_leftover=leftovers.append)) as session:
            scope.cancel()
            await session.clean_up("DELETE", "/echo")
            told = len(service.requests)
            await anyio.sleep(1)
    await adapter.aclose()

    assert (told, leftovers) == (1, [])
    assert scope.cancelled_caught
