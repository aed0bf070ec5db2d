"""Whatever a provider answers, Anthropic's own client makes the same of it, whole and streamed."""

from __future__ import annotations

from typing import Any

import anthropic
import anyio
import pytest
from hypothesis import given, settings

from adapters import ScriptedAdapter
from adapters.contract import Beside, Delta
from router import Router
from tests.depth import how_many
from tests.router.gateway.dialects.gateways import QUESTION, in_process
from tests.router.gateway.dialects.replies import calls_of, reasoning_of, replies, text_of

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


async def _asked(deltas: list[Delta], *, streams: bool) -> Any:
    async with (
        Router([ScriptedAdapter("first", deltas)]) as router,
        in_process(router) as http,
        anthropic.AsyncAnthropic(base_url="http://gateway", api_key="key", http_client=http) as client,
    ):
        if not streams:
            return await client.messages.create(model="auto", max_tokens=100, messages=QUESTION)
        async with client.messages.stream(model="auto", max_tokens=100, messages=QUESTION) as stream:
            return await stream.get_final_message()


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=how_many(60))
@given(deltas=replies())
def test_the_client_gets_the_reply(backend: str, streams: bool, deltas: list[Delta]) -> None:
    async def ask() -> Any:
        return await _asked(deltas, streams=streams)

    message = anyio.run(ask, backend=backend)
    said = "".join(block.text for block in message.content if block.type == "text")
    thought = "".join(block.thinking for block in message.content if block.type == "thinking")
    called = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    last = deltas[-1]
    assert (said, thought, called) == (text_of(deltas), reasoning_of(deltas), calls_of(deltas))
    expected = REASONS[last.finish_reason] if last.finish_reason else ("tool_use" if called else "end_turn")
    assert message.stop_reason == expected
    ids = [block.id for block in message.content if block.type == "tool_use"]
    assert len(set(ids)) == len(ids)
    counted = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    usage = last.usage
    assert (counted, message.usage.output_tokens) == (
        (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    )


SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "aGlkZGVu"}
THINKER = [
    Delta(reasoning="Hm."),
    Delta(beside=Beside(reasoning_details=(SIGNED,))),
    Delta(beside=Beside(reasoning_details=(HIDDEN,))),
    Delta("Well"),
    Delta(" then.", finish_reason="stop", beside=Beside(reasoning_details=({"type": "text", "length": 10},))),
]


@pytest.mark.parametrize("streams", [True, False])
async def test_signed_thinking_goes_back_to_who_thought_it(streams: bool, anyio_backend: str) -> None:
    message = await _asked(THINKER, streams=streams)
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "text"]
    thinker, other = ScriptedAdapter("first", "ok"), ScriptedAdapter("second", "ok")
    async with (
        Router([thinker, other]) as router,
        in_process(router) as http,
        anthropic.AsyncAnthropic(base_url="http://gateway", api_key="key", http_client=http) as client,
    ):
        history = [*QUESTION, message.to_param(), {"role": "user", "content": "And?"}]
        for model in ("first/", "second/"):
            await client.messages.create(model=model, max_tokens=9, messages=history)
    back = thinker.requests[0].messages[1].as_dict("first")
    assert back["reasoning_details"] == [SIGNED, HIDDEN, {"type": "text", "length": 10}]
    assert back["content"] == "Well then."
    assert "reasoning_details" not in other.requests[0].messages[1].as_dict("second")


async def test_plain_reasoning_goes_back_within_a_turn_of_calls(anyio_backend: str) -> None:
    own = {"type": "thinking", "thinking": "Hm.", "signature": "first:as:reasoning_content"}
    foreign = {"type": "thinking", "thinking": "!", "signature": "first:as:tool_calls"}
    call = {"type": "tool_use", "id": "c1", "name": "time", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "noon"}
    adapter = ScriptedAdapter("first", "ok")
    async with Router([adapter]) as router, in_process(router) as http:
        history = [
            *QUESTION,
            {"role": "assistant", "content": [own, foreign, call]},
            {"role": "user", "content": [result]},
        ]
        body = {"model": "auto", "max_tokens": 9, "messages": history}
        assert (await http.post("/v1/messages", json=body)).status_code == 200
    back = adapter.requests[0].messages[1].as_dict("first")
    assert back["reasoning_content"] == "Hm."
    assert back["tool_calls"][0]["function"]["name"] == "time"
