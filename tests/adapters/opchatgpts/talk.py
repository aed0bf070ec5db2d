"""How the tests of Opchatgpts talk to it, and look at what the simulated site got."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final, get_args

import pytest

from adapters import ChatRequest, Delta, Opchatgpts
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator

START: Final = "/wp-json/mwai/v1/start_session"
SUBMIT: Final = "/wp-json/mwai-ui/v1/chats/submit"
every_generation = pytest.mark.parametrize("generation", get_args(Generation))


async def ask(
    adapter: Opchatgpts, *messages: Mapping[str, Any] | str, extra: Mapping[str, Any] | None = None
) -> list[Delta]:
    given = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages or ("Hello",)]
    request = ChatRequest.build(given, extra={"opchatgpts": extra} if extra else None)
    async with aclosing(adapter.stream(request)) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: list[Delta]) -> str:
    return "".join(map(str, deltas))


def paths(simulator: OpchatgptsSimulator) -> list[str]:
    return [f"{r.method} {r.target}" for r in simulator.requests]


def bodies(simulator: OpchatgptsSimulator) -> list[dict[str, Any]]:
    return [r.json() for r in simulator.requests if r.body]
