"""Simulators run on virtual time: an hour between two deltas costs a test nothing."""

import anyio
import pytest

from adapters.simulators.openai import OpenAISimulator
from tests.adapters.simulators.raw import connected, is_silent, posting, read_until
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

ASK = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


async def test_an_hour_between_deltas_passes_at_once():
    async with OpenAISimulator(text="one two three", delay=3600.0) as simulator:
        async with connected(simulator) as stream:
            await stream.send(posting("/v1/chat/completions", ASK))
            await read_until(stream, b"[DONE]")

            assert anyio.current_time() >= 3 * 3600
        await simulator.drained()


async def test_silence_can_be_waited_for():
    async with OpenAISimulator(fault="stall") as simulator:
        async with connected(simulator) as stream:
            await stream.send(posting("/v1/chat/completions", ASK))

            assert await is_silent(stream, 86_400.0)
        await simulator.drained()
