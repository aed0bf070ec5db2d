"""The official SDK as a second reader of the same bytes, and as a client of the simulator."""

from __future__ import annotations

import json
from typing import Any, Final

import anthropic
import anyio.to_thread
import httpx2
import pytest
from hypothesis import given, settings

from adapters import (
    AdapterError,
    Anthropic,
    AuthenticationFailed,
    ContextTooLong,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.simulators.anthropic import AnthropicSimulator
from tests.adapters.anthropic.replies import BLOCKS, STOPS, USAGE, calls_of, decoded, details_of, wire
from tests.adapters.bodies import read, text
from tests.depth import how_many

KEY: Final = "sk-ant-canary-of-the-sdk"
MESSAGES: Final[Any] = [{"role": "user", "content": "Hello"}]
WORDS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "pause_turn",
}


def client(url: str, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, **more)


def read_by_sdk(body: bytes) -> Any:
    """Return the message that the SDK makes of a streamed body."""
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    transport = httpx2.MockTransport(lambda request: answer)
    with (
        httpx2.Client(transport=transport) as http,
        client("http://sdk.test", http_client=http) as sdk,
        sdk.messages.stream(model="claude-x", max_tokens=10, messages=MESSAGES) as stream,
    ):
        return stream.get_final_message()


@settings(max_examples=how_many(150), deadline=None)
@given(blocks=BLOCKS, usage=USAGE, stop=STOPS)
def test_both_read_the_same_from_the_same_bytes(blocks: Any, usage: Any, stop: str) -> None:
    body = wire(blocks, usage, stop)
    theirs = read_by_sdk(body)
    answered = any(block["type"] in ("text", "tool_use") for block in blocks)
    if WORDS[stop] == "length" and not answered:
        return  # nothing but thinking is an empty reply, which `test_stream` has
    ours = decoded(body)

    assert "".join(block.text for block in theirs.content if block.type == "text") == text(ours)
    thinking = [block.thinking for block in theirs.content if block.type == "thinking"]
    assert "".join(thinking) == "".join(delta.reasoning for delta in ours)
    calls = [(block.id, block.name, block.input) for block in theirs.content if block.type == "tool_use"]
    assert calls == [(i, name, json.loads(arguments)) for i, name, arguments in calls_of(ours)]
    assert ours[-1].finish_reason == WORDS[theirs.stop_reason]
    assert theirs.model == next(delta.model for delta in ours if delta.model)
    counted = ours[-1].usage
    assert counted is not None
    cached = theirs.usage.cache_read_input_tokens
    written = theirs.usage.cache_creation_input_tokens
    assert counted.prompt_tokens == theirs.usage.input_tokens + (cached or 0) + (written or 0)
    assert (counted.completion_tokens, counted.cached_tokens) == (theirs.usage.output_tokens, cached)
    kept = [detail for detail in details_of(ours) if detail["type"] not in ("text", "tool_use")]
    special = [block for block in theirs.content if block.type not in ("text", "tool_use")]
    assert [block.type for block in special] == [detail["type"] for detail in kept]
    assert [block.signature for block in special if block.type == "thinking"] == [
        detail["signature"] for detail in kept if detail["type"] == "thinking"
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [True, False])
async def test_the_sdk_is_served_by_the_simulator(streamed: bool) -> None:
    tool = {"name": "weather", "input_schema": {"type": "object"}}
    call = {"id": "toolu_1", "name": "weather", "input": {"in": "Ulm"}}

    def ask(url: str) -> Any:
        asked: dict[str, Any] = {"model": "claude-x", "max_tokens": 64, "messages": MESSAGES, "tools": [tool]}
        with client(url) as sdk:
            if not streamed:
                return sdk.messages.create(**asked)
            with sdk.messages.stream(**asked) as stream:
                return stream.get_final_message()

    async with AnthropicSimulator(
        api_key=KEY, thinking="let me see", text="It is", tool_calls=[call]
    ) as simulator:
        message = await anyio.to_thread.run_sync(ask, simulator.url)
        listed = await anyio.to_thread.run_sync(_models, simulator.url)

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[1].text == "It is"
    assert message.content[2].input == {"in": "Ulm"}
    assert (message.stop_reason, message.usage.input_tokens) == ("tool_use", 8)
    assert listed == ["claude-simulated"]
    assert simulator.unknown == []


def _models(url: str) -> list[str]:
    with client(url) as sdk:
        return [model.id for model in sdk.models.list()]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "theirs", "status", "kind"),
    [
        ("401", anthropic.AuthenticationError, 401, AuthenticationFailed),
        ("403", anthropic.PermissionDeniedError, 403, AuthenticationFailed),
        ("404", anthropic.NotFoundError, 404, NotWorking),
        ("429", anthropic.RateLimitError, 429, RateLimited),
        ("500", anthropic.InternalServerError, 500, ServiceFailed),
        ("503", anthropic.APIStatusError, 503, ServiceFailed),
        ("504", anthropic.APIStatusError, 504, ServiceFailed),
        ("529", anthropic.APIStatusError, 529, ServiceFailed),
        ("413", anthropic.APIStatusError, 413, ContextTooLong),
        ("too_long", anthropic.BadRequestError, 400, ContextTooLong),
        ("no_credit", anthropic.BadRequestError, 400, QuotaExhausted),
        ("billing", anthropic.APIStatusError, 402, QuotaExhausted),
        ("error_event", anthropic.APIStatusError, 200, ServiceFailed),
        ("overloaded_event", anthropic.APIStatusError, 200, ServiceFailed),
    ],
)
async def test_errors_are_errors_to_both(
    fault: str, theirs: type[anthropic.APIStatusError], status: int, kind: type[AdapterError]
) -> None:
    def ask(url: str) -> anthropic.APIStatusError:
        with (
            client(url) as sdk,
            pytest.raises(theirs) as raised,
            sdk.messages.stream(model="claude-x", max_tokens=64, messages=MESSAGES) as stream,
        ):
            stream.get_final_message()
        assert isinstance(raised.value, anthropic.APIStatusError)
        return raised.value

    async with AnthropicSimulator(fault=fault) as simulator:
        adapter = Anthropic(simulator.url, model="claude-x", api_key=KEY)
        _, ours = await read(adapter)
        await adapter.aclose()
        error = await anyio.to_thread.run_sync(ask, simulator.url)

    assert type(ours) is kind
    assert (error.status_code, error.request_id) == (status, "req_2")
    assert (ours.status, ours.request_id) == (status, "req_1")
    assert error.type is not None
    assert error.type in str(ours)
