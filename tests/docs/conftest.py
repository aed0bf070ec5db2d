"""The servers that the examples of the manual talk to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from anyio.from_thread import start_blocking_portal

from adapters.simulators.anthropic import AnthropicSimulator
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.openai import OpenAISimulator
from router.gateway import GatewaySettings
from tests.router.gateway.clients.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """The two of `chat-router simulate h2o openai`, Anthropic's, and a gateway, on free ports."""
    h2o, openai = H2oSimulator(), OpenAISimulator()
    claude = AnthropicSimulator()
    with start_blocking_portal() as portal, ExitStack() as stack:
        for simulator in (h2o, openai, claude):
            stack.enter_context(portal.wrap_async_context_manager(simulator))
        gateway = stack.enter_context(running(GatewaySettings()))
        yield {
            "http://127.0.0.1:8001": h2o.url,
            "http://127.0.0.1:8002": openai.url,
            "http://127.0.0.1:8004": claude.url,
            "http://127.0.0.1:8000": gateway.url.removesuffix("/v1"),
        }
