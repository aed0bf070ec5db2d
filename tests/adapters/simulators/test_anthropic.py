"""The simulated Messages API."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest

from adapters.simulators.anthropic import AnthropicSimulator

pytestmark = pytest.mark.anyio

HEADERS: Final = {"anthropic-version": "2023-06-01"}
ASK: Final[dict[str, Any]] = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
}
CALL: Final = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT: Final = {"type": "tool_result", "tool_use_id": "a", "content": "1"}


async def ask(simulator: AnthropicSimulator, body: Any, headers: dict[str, str] = HEADERS) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{simulator.url}/v1/messages", json=body, headers=headers)


def turns(*contents: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {**ASK, "messages": [{"role": roles[n % 2], "content": c} for n, c in enumerate(contents)]}


async def test_a_stream_has_named_events_in_the_documented_order() -> None:
    async with AnthropicSimulator(text="You said: {prompt}", thinking="hm") as simulator:
        reply = await ask(simulator, ASK)

    blocks = [block.split("\n") for block in reply.text.split("\n\n") if block]
    events = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name for name, _ in blocks] == [f"event: {event['type']}" for event in events]
    assert reply.headers["request-id"] == "req_1"
    assert [event["type"] for event in events if event["type"] != "content_block_delta"] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_stop",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert "".join(e["delta"].get("text", "") for e in events if "delta" in e) == "You said: Hi"
    assert events[-2]["usage"] == {"input_tokens": 8, "output_tokens": 3}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "not a JSON object"),
        ({**ASK, "model": ""}, "model: Field required"),
        ({**ASK, "max_tokens": None}, "max_tokens: Field required"),
        ({**ASK, "temperature": 1.5}, "temperature: range"),
        ({**ASK, "messages": []}, "at least one message"),
        ({**ASK, "thinking": {"type": "enabled", "budget_tokens": 1024}}, "must be greater"),
        ({**ASK, "tool_choice": {"type": "any"}}, "while providing tools"),
        (
            {
                **ASK,
                "thinking": {"type": "adaptive"},
                "tools": [{"name": "f"}],
                "tool_choice": {"type": "any"},
            },
            "Thinking may not be enabled",
        ),
        ({**ASK, "messages": [*ASK["messages"], *ASK["messages"]]}, "roles must alternate"),
        ({**ASK, "messages": [{"role": "system", "content": "s"}]}, "Input should be"),
        (turns([{"type": "text", "text": ""}]), "must be non-empty"),
        (turns([]), "non-empty content"),
        (turns("q", [CALL], "no result"), "ids were found without"),
        (turns("q", [CALL], [{"type": "text", "text": "t"}, RESULT]), "ids were found without"),
        (turns([RESULT]), "ids were found without"),
        (turns("q", [{**CALL, "id": "a:b"}], [RESULT]), "should match pattern"),
        (turns("q", [CALL], [RESULT], [CALL], [RESULT]), "must be unique"),
        (turns("q", [{"type": "thinking", "thinking": "t"}]), "signature: Field required"),
    ],
)
async def test_it_refuses_what_the_api_refuses(body: Any, words: str) -> None:
    async with AnthropicSimulator() as simulator:
        reply = await ask(simulator, body)

    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in reply.json()["error"]["message"]
    assert simulator.turns == 0


async def test_the_version_decides_whether_sampling_is_taken_and_is_demanded() -> None:
    body = {**ASK, "temperature": 1}
    async with AnthropicSimulator(models=["m"]) as simulator:
        old = await ask(simulator, body)
        new = await ask(simulator, body, {"anthropic-version": "2026-10-21"})
        none = await ask(simulator, body, {})
        another = await ask(simulator, {**ASK, "model": "x"})

    assert [reply.status_code for reply in (old, new, none, another)] == [200, 400, 400, 404]
    assert new.json()["error"]["message"] == "temperature: Extra inputs are not permitted"
    assert another.json()["error"]["message"] == "model: x"


@pytest.mark.parametrize("header", [{"x-api-key": "right"}, {"authorization": "Bearer right"}])
async def test_a_key_is_taken_in_either_header(header: dict[str, str]) -> None:
    async with AnthropicSimulator(api_key="right") as simulator:
        right = await ask(simulator, ASK, HEADERS | header)
        wrong = await ask(simulator, ASK)

    assert (right.status_code, wrong.status_code) == (200, 401)
    assert wrong.json()["error"]["type"] == "authentication_error"
