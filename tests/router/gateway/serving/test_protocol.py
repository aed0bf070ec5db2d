"""What clients may send and how long they may take, on raw sockets."""

from __future__ import annotations

import json

import anyio
import pytest

from adapters.scripted import Forever, ScriptedAdapter
from router.gateway.settings import ClientKey, GatewaySettings
from tests.router.gateway.serving.serving import question, request, served


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # uvicorn's


pytestmark = pytest.mark.anyio


async def test_a_request_is_answered_and_the_connection_is_kept() -> None:
    async with served() as one, one.client() as client:
        for _ in range(2):
            await client.send(request())
            status, head, body = await client.answer()

            assert status == 200, body
            assert b"connection: close" not in head
            assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
