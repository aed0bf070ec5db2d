"""The OpenAI-compatible adapter against its simulator, and against bytes that no simulator would send."""

from __future__ import annotations

import gc
import json
from typing import Any, Final

import anyio
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Limits,
    NotWorking,
    OpenAICompatible,
    RateLimited,
    Secret,
    ServiceFailed,
    ToolCallFragment,
    Usage,
)
from adapters.simulators.openai import OpenAISimulator
from tests.adapters.bodies import ASK, proved, read, text
from tests.promptly import promptly

pytestmark = pytest.mark.anyio

KEY: Final = "sk-canary-4711-secret"
TOOL: Final = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def at(simulator: OpenAISimulator, **settings: Any) -> OpenAICompatible:
    return OpenAICompatible(f"{simulator.url}/v1", **{"model": "m", **settings})


async def test_reply_is_streamed_and_proved_with_its_usage() -> None:
    async with OpenAISimulator(text="one two three") as simulator:
        adapter = at(simulator)
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert text(deltas) == "one two three"
    assert [d.text for d in deltas if d.text] == ["one", " two", " three"]
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage == Usage(8, 3, 11)
    assert [d.model for d in deltas if d.model] == ["m"]


@pytest.mark.parametrize(
    ("manner", "finish_reason"),
    [
        ({"done": False}, "stop"),
        ({"finish_reason": None}, None),
        ({"finish_reason": "length"}, "length"),
        ({"whole": True}, "stop"),
        ({"whole": True, "finish_reason": None}, None),
    ],
)
async def test_every_kind_of_end_mark_proves_the_end(manner: Any, finish_reason: str | None) -> None:
    async with OpenAISimulator(text="hello", **manner) as simulator:
        adapter = at(simulator)
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert text(deltas) == "hello"
    assert deltas[-1].is_last
    assert deltas[-1].finish_reason == finish_reason


@pytest.mark.parametrize(
    "manner", [{}, {"done": False}, {"whole": True}, {"done": False, "finish_reason": "length"}]
)
async def test_end_does_not_wait_for_a_peer_that_stays_silent(manner: Any) -> None:
    # At once behind the end mark or a document; else after a silence, since the usage may still come.
    silence = 0.3 if manner == {"done": False, **manner} and "whole" not in manner else 0.0
    async with OpenAISimulator(text="hello there", keep_open=True, **manner) as simulator:
        adapter = at(simulator, limits=Limits(silence_after_finish=0.3))
        with promptly(silence + 0.5), anyio.fail_after(20):
            started = anyio.current_time()
            deltas, error = await read(adapter)
            took = anyio.current_time() - started
        await adapter.aclose()
        await simulator.drained()

    assert error is None
    assert proved(deltas)
    assert deltas[-1].usage is not None
    assert silence <= took


async def test_clean_end_without_an_end_mark_proves_nothing() -> None:
    async with OpenAISimulator(text="hello", done=False, finish_reason=None) as simulator:
        adapter = at(simulator)
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert text(deltas) == "hello"
    assert not proved(deltas)


async def test_reasoning_and_tool_calls_are_handed_on() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"in": "Ulm"}'}}]
    async with OpenAISimulator(text="", reasoning="let me see", tool_calls=calls) as simulator:
        adapter = at(simulator)
        deltas, _ = await read(adapter, tools=[TOOL])
        sent = simulator.requests[0].json()
        await adapter.aclose()

    fragments = [fragment for delta in deltas for fragment in delta.tool_calls]
    assert "".join(d.reasoning for d in deltas) == "let me see"
    assert fragments[0] == ToolCallFragment(0, "c1", "weather", "")
    assert "".join(f.arguments for f in fragments) == '{"in": "Ulm"}'
    assert deltas[-1].finish_reason == "tool_calls"
    assert sent["tools"] == [TOOL]


async def test_messages_go_out_as_given_and_options_are_those_of_openai() -> None:
    """Nothing that the caller sent is lost, and nothing else leaks into the body."""
    messages: list[dict[str, Any]] = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "f"}}]},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]
    before = json.dumps(messages)
    async with OpenAISimulator(api_key=KEY) as simulator:
        adapter = at(
            simulator, api_key=KEY, models={"fast": "small"}, name="mine", headers={"X-Team": "blue"}
        )
        extra = {"mine": {"service_tier": "flex"}, "other": {"no": 1}}
        await read(adapter, messages, model="fast", extra=extra, temperature=0.1, top_k=3, seed=7)
        received = simulator.requests[0]
        await adapter.aclose()

    assert json.dumps(messages) == before
    assert received.json() == {
        "model": "small",
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.1,
        "seed": 7,
        "service_tier": "flex",
    }
    assert received.path == "/v1/chat/completions"
    assert received.header("authorization") == f"Bearer {KEY}"
    assert received.header("x-team") == "blue"
    assert (received.header("user-agent") or "").startswith("chat-router/")
    assert adapter.capabilities.refuses(ChatRequest.build(messages, tools=[TOOL]), "m") is None


async def test_prefix_of_base_url_is_kept() -> None:
    async with OpenAISimulator() as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/openai/deployments/v1/", model="m")
        _, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert simulator.requests[0].path == "/openai/deployments/v1/chat/completions"
    assert simulator.requests[0].header("authorization") is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", ConnectFailed),
        ("reset", ConnectionLost),
        ("close", ConnectionLost),
        ("401", AuthenticationFailed),
        ("403", AuthenticationFailed),
        ("404", NotWorking),
        ("429", RateLimited),
        ("500", ServiceFailed),
        ("503", ServiceFailed),
        ("html", BadReply),
        ("json_error", ServiceFailed),
        ("redirect", BadReply),
        ("garbage", BadReply),
        ("error_event", ServiceFailed),
    ],
)
async def test_faults_before_content_are_told_by_their_cause(fault: str, kind: type[AdapterError]) -> None:
    async with OpenAISimulator(fault=fault) as simulator:
        adapter = at(simulator, api_key=KEY)
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert type(error) is kind
    assert text(deltas) == ""
    assert str(error).startswith("openai: POST /chat/completions")
    assert KEY not in str(error)
    assert simulator.unknown == []
    gc.collect()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("cut", ConnectionLost), ("reset_after", ConnectionLost), ("error_after", ServiceFailed)],
)
async def test_faults_after_content_keep_what_came_before(fault: str, kind: type[AdapterError]) -> None:
    async with OpenAISimulator(text="one two three four", fault=fault) as simulator:
        adapter = at(simulator)
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert type(error) is kind
    assert text(deltas) == "one two"
    assert not proved(deltas)


async def test_retry_after_is_read() -> None:
    async with OpenAISimulator(fault="429", retry_after="7") as simulator:
        adapter = at(simulator)
        _, error = await read(adapter)
        await adapter.aclose()

    assert error is not None
    assert (error.status, error.retry_after, error.provider) == (429, 7.0, "openai")


async def test_end_mark_keeps_the_connection() -> None:
    async with OpenAISimulator() as simulator:
        adapter = at(simulator)
        for _ in range(3):
            stream = adapter.stream(ChatRequest.build(ASK))
            async for delta in stream:
                if delta.is_last:  # as a router does: nobody reads on after the proof
                    break
            await stream.aclose()
        await adapter.aclose()
        await simulator.drained()

    assert len(simulator.requests) == 3
    assert simulator.connections == 1


async def test_closing_early_closes_the_connection() -> None:
    async with OpenAISimulator(text="word " * 50, delay=0.01) as simulator:
        adapter = at(simulator)
        stream = adapter.stream(ChatRequest.build(ASK))
        async for delta in stream:
            if delta.text:
                break
        await stream.aclose()
        await simulator.drained()
        opened = simulator.open_connections
        await adapter.aclose()

    assert opened == 0
    gc.collect()


async def test_probe_lists_models_and_a_refused_list_proves_nothing() -> None:
    async with OpenAISimulator(models=["a", "b"], api_key=KEY) as simulator:
        good, bad = at(simulator, api_key=Secret(KEY)), at(simulator)
        listed, refused = await good.probe(), await bad.probe()
        await good.aclose()
        await bad.aclose()

    assert (listed.working, listed.models) == (True, ("a", "b"))
    assert (good.working, bad.working, refused.working) == (True, None, None)
    assert isinstance(refused.error, AuthenticationFailed)
    assert simulator.turns == 0


@pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel"])
def test_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError) as caught:
        OpenAICompatible("http://127.0.0.1:9", api_key=key)

    assert "schlüssel" not in str(caught.value)
