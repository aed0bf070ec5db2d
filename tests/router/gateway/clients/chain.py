"""The chain behind the gateway of these tests: simulators over real sockets, one for each thing to be seen.

A client pins one of them by `NAME/m`, so that none stands in the way of another one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from adapters import OpenAICompatible
from adapters.contract import Adapter, Beside, Capabilities, Delta, Usage
from adapters.scripted import ScriptedAdapter
from adapters.simulators.openai import Manner, OpenAISimulator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from adapters.contract import ChatRequest
    from adapters.simulators.server import Exchange

CALLS: Final = (
    {
        "id": "call_a",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Zürich"}'},
    },
    {"id": "call_b", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
)


class Fountain(Adapter):
    """Has 64 MiB to say, and counts how many of its 1000 pieces were taken."""

    name = "fountain"

    def __init__(self) -> None:
        self.taken = 0
        self.ended = False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        try:
            for _ in range(1000):
                yield Delta("x" * 65536)
                self.taken += 1
            yield Delta(finish_reason="stop")
        finally:
            self.ended = True


class Mirror(OpenAISimulator):
    """Answers with the body that it was sent, as JSON: what the gateway handed on."""

    async def _complete(self, exchange: Exchange) -> None:
        self.script = replace(self.script, text=json.dumps(exchange.received.json()), deltas=7)
        await super()._complete(exchange)


class Agent(OpenAISimulator):
    """Calls two tools, or one by the old name; and once it has their results, says what they are."""

    async def _complete(self, exchange: Exchange) -> None:
        body: Mapping[str, Any] = exchange.received.json()
        said = [m["content"] for m in body["messages"] if m["role"] in ("tool", "function")]
        calls = () if said else CALLS[:1] if body.get("parallel_tool_calls") is False else CALLS
        self._manner = Manner("", calls, True, "tool_calls" if calls else "stop", False)
        self.script = replace(self.script, text=" and ".join(map(str, said)))
        await super()._complete(exchange)


class Filter(OpenAISimulator):
    """Refuses the content itself."""

    async def _complete(self, exchange: Exchange) -> None:
        error = {"message": "flagged by the content policy", "code": "content_policy_violation"}
        await exchange.respond(400, {"error": {**error, "type": "invalid_request_error", "param": None}})


def simulators() -> dict[str, OpenAISimulator]:
    """Return the simulators by the names of their providers."""
    return {
        "echo": OpenAISimulator(text="You said: {prompt}", reasoning="Let me see."),
        "mirror": Mirror(),
        "agent": Agent(),
        "schema": OpenAISimulator(text='{"city": "Zürich", "degrees": 21}'),
        "slow": OpenAISimulator(text="one two three four five six seven eight", delay=0.2),
        "long": OpenAISimulator(text="x" * 200_000, deltas=2000),
        "limited": OpenAISimulator(fault="429", retry_after="7"),
        "broken": OpenAISimulator(fault="500"),
        "flaky": OpenAISimulator(fault="503", fault_times=1),
        "locked": OpenAISimulator(api_key="sk-right"),
        "other": OpenAISimulator(models=["only"]),
        "filter": Filter(),
        "cut": OpenAISimulator(fault="cut", text="some text that is cut"),
        "failing": OpenAISimulator(fault="error_after", text="some text and an error"),
        "stall": OpenAISimulator(fault="stall"),
    }


def adapters(served: Mapping[str, OpenAISimulator]) -> list[Adapter]:
    """Return the chain: an adapter for each simulator, and what no simulator has."""
    found: list[Adapter] = []
    for name, simulator in served.items():
        model = "only" if name == "other" else "m"
        settings: dict[str, Any] = {"models": {"fast": "m"}} if name == "echo" else {}
        if name == "locked":
            settings["api_key"] = "sk-of-the-gateway"
        found.append(OpenAICompatible(simulator.url + "/v1", name=name, model=model, **settings))
    text_only = Capabilities(tools=False, images=False, options=frozenset(), context_tokens=4096)
    scripted = [
        ScriptedAdapter("rich", RICH),
        ScriptedAdapter("plain", "Hello", capabilities=text_only),
        ScriptedAdapter("short", [Delta('{"city": "Zü'), Delta(finish_reason="length")]),
        ScriptedAdapter(
            "refusing", [Delta("No.", beside=Beside(refusal="No.")), Delta(finish_reason="stop")]
        ),
    ]
    return [*found, *scripted, Fountain()]


RICH: Final = [
    Delta("Hel", model="rich-1"),
    Delta(beside=Beside(choices=((1, Delta("Sa")),))),
    Delta(
        "lo", beside=Beside(logprobs=({"token": "lo", "logprob": -0.5, "bytes": None, "top_logprobs": []},))
    ),
    Delta(beside=Beside(choices=((1, Delta("lut", finish_reason="stop")),))),
    Delta(beside=Beside(images=({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},))),
    Delta(finish_reason="stop", usage=Usage(3, 4, 7, cached_tokens=1, reasoning_tokens=2)),
]
"""Two choices, log probabilities, an image, and token counts of all kinds."""
