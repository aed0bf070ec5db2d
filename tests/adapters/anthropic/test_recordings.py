"""Messages in the forms that public recordings show, read by us and by the official SDK; the words are our
own.

What is tried here stands in the fixtures of the SDK and of Vercel's, whose names are those of the cases:
https://github.com/anthropics/anthropic-sdk-python/tree/main/tests/lib/streaming/fixtures and
https://github.com/vercel/ai/tree/main/packages/anthropic/src/__fixtures__
"""

from __future__ import annotations

import json
from typing import Any, Final

import httpx2
import pytest

from adapters import Anthropic, ContentRefused, EmptyReply, Usage
from router import Reply, Router
from tests.adapters.anthropic.events import STOP, body, delta, end, start
from tests.adapters.anthropic.test_sdk import WORDS, client
from tests.adapters.bodies import Wire, read

pytestmark = pytest.mark.anyio
ASK: Final[Any] = [{"role": "user", "content": "Hello"}]
PING: Final = {"type": "ping"}


def begun(usage: dict[str, int] | None = None, model: str = "claude-one", **message: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": model,
        "stop_reason": None, "stop_sequence": None, "usage": usage or {"input_tokens": 7, "output_tokens": 1},
    }  # fmt: skip
    return {"type": "message_start", "message": {**fields, **message}}


def stopped(reason: str, usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None, **more},
        "usage": usage or {"output_tokens": 5},
    }


def says(index: int, *pieces: str) -> list[dict[str, Any]]:
    return [
        start(index, type="text", text=""),
        *[delta(index, "text_delta", text=piece) for piece in pieces],
        end(index),
    ]


def thinks(index: int, text: str, signature: str) -> list[dict[str, Any]]:
    return [
        start(index, type="thinking", thinking="", signature=""),
        delta(index, "thinking_delta", thinking=text),
        delta(index, "signature_delta", signature=signature),
        end(index),
    ]


FALLBACK: Final = {"type": "fallback", "from": {"model": "claude-one"}, "to": {"model": "claude-two"}}
FOUND: Final = {
    "type": "code_execution_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": {"type": "code_execution_result", "stdout": "3\n", "stderr": "", "return_code": 0,
                "content": []},
}  # fmt: skip
CALL: Final = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"id": 7}}
FORMS: Final[dict[str, list[dict[str, Any]]]] = {
    "fallback_response": [
        begun(), start(0, **FALLBACK), end(0), *says(1, "Hello."), stopped("end_turn"), STOP,
    ],
    "fallback-mid-output": [
        begun(), *thinks(0, "One thinks.", "s1"), start(1, **FALLBACK), end(1), *thinks(2, "Two does.", "s2"),
        start(3, type="tool_use", id="toolu_1", name="look", input={}),
        delta(3, "input_json_delta", partial_json='{"id": 7}'), end(3), stopped("tool_use"), STOP,
    ],
    "compaction_response": [
        begun(), start(0, type="compaction", content=None, encrypted_content=None), PING,
        delta(0, "compaction_delta", content="So far: hello.", encrypted_content="opaque"), end(0),
        *says(1, "Hello."), stopped("end_turn"), STOP,
    ],
    "message-start-prepopulated-content": [
        begun({"input_tokens": 0, "output_tokens": 0}, content=[FOUND, CALL], stop_reason="tool_use",
              container={"id": "container_1", "expires_at": "2026-04-24T00:40:16Z"}),
        STOP,
    ],
    "duplicate-message-start": [
        begun(), begun({"input_tokens": 99, "output_tokens": 1}), *says(0, "Hello."), stopped("end_turn"),
        STOP,
    ],
    "message-delta-input-tokens": [
        begun(), *says(0, "Hel", "lo."), stopped("end_turn", {"input_tokens": 9, "output_tokens": 5}), STOP,
    ],
    "message_delta_omitted_usage": [
        begun({"input_tokens": 7, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 5,
               "output_tokens": 1}),
        *says(0, "Hello."), stopped("end_turn"), STOP,
    ],
    "server_tool_result_response": [
        begun(), start(0, type="server_tool_use", id="svu_1", name="web_search", input={}), end(0),
        start(1, type="tool_use", id="toolu_1", name="look", caller={"type": "direct"}, input={}),
        delta(1, "input_json_delta", partial_json='{"id": 7}'), end(1), start(2, **FOUND), end(2),
        stopped("tool_use"), STOP,
    ],
    "tool-no-args": [
        begun(), *says(0, "I look", " it up."), PING,
        start(1, type="tool_use", id="toolu_1", name="look", input={}), PING,
        delta(1, "input_json_delta", partial_json=""), end(1), stopped("tool_use"), STOP,
    ],
}  # fmt: skip


def by_sdk(sent: bytes) -> Any:
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=sent)
    with (
        httpx2.Client(transport=httpx2.MockTransport(lambda request: answer)) as http,
        client("http://sdk.test", http_client=http) as sdk,
        sdk.beta.messages.stream(model="claude-one", max_tokens=10, messages=ASK) as stream,
    ):
        return stream.get_final_message()


def asking(sent: bytes) -> Anthropic:
    wire = Wire()
    wire.put(sent)
    return Anthropic("http://127.0.0.1:9", model="claude-one", api_key="k", transport=wire)


async def by_us(sent: bytes) -> Reply:
    adapter = asking(sent)
    try:
        return await Router([adapter], observers=[]).complete(ASK)
    finally:
        adapter.owner = None


@pytest.mark.parametrize("form", FORMS)
async def test_both_read_the_same(form: str) -> None:
    sent = body(*FORMS[form])
    theirs, ours = by_sdk(sent), await by_us(sent)

    assert "".join(each.text for each in theirs.content if each.type == "text") == ours.text
    assert "".join(each.thinking for each in theirs.content if each.type == "thinking") == ours.reasoning
    calls = [(each.name, each.input or {}) for each in theirs.content if each.type == "tool_use"]
    assert calls == [(call.name, json.loads(call.arguments)) for call in ours.tool_calls]
    assert (theirs.model, WORDS[theirs.stop_reason]) == (ours.model, ours.finish_reason)
    counted = theirs.usage
    prompt = counted.input_tokens + sum(
        each or 0 for each in (counted.cache_creation_input_tokens, counted.cache_read_input_tokens)
    )
    assert ours.usage is not None
    assert (prompt, counted.output_tokens) == (ours.usage.prompt_tokens, ours.usage.completion_tokens)
    kept = [each for each in ours.message.as_dict("anthropic").get("reasoning_details", [])
            if each["type"] not in ("text", "tool_use")]  # fmt: skip
    special = [each for each in theirs.content if each.type not in ("text", "tool_use")]
    assert [each.type for each in special] == [each["type"] for each in kept]


async def test_what_a_compaction_holds_goes_back_in_the_next_turn() -> None:
    reply = await by_us(body(*FORMS["compaction_response"]))
    wire = Wire()
    wire.put(body(*FORMS["fallback_response"]))
    adapter = Anthropic("http://127.0.0.1:9", model="claude-one", api_key="k", transport=wire)
    await read(adapter, [*ASK, reply.message, {"role": "user", "content": "Go on."}])

    sent = json.loads(wire.requests[0].content)["messages"][1]["content"]
    assert [each["type"] for each in sent] == ["compaction", "text"]
    assert (sent[0]["content"], sent[0]["encrypted_content"]) == ("So far: hello.", "opaque")


async def test_usage_that_comes_at_the_end_alone_is_taken() -> None:
    """The SDK has no reading of it (missing_usage_response)."""
    first = begun()
    del first["message"]["usage"]
    counts = {"input_tokens": 7, "output_tokens": 5, "cache_creation_input_tokens": 3,
              "cache_read_input_tokens": 2}  # fmt: skip
    reply = await by_us(body(first, *says(0, "Hello."), stopped("end_turn", counts), STOP))

    assert reply.usage == Usage(12, 5, 17, cached_tokens=2)


@pytest.mark.parametrize("empty", [True, False])
async def test_a_refusal_is_one_without_content_and_with_its_details(empty: bool) -> None:
    """refusal_response has an empty block, anthropic-refusal none."""
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    blocks = says(0) if empty else [PING]
    deltas, _ = await read(asking(body(begun(), *blocks, stopped("refusal", stop_details=details), STOP)))

    assert deltas[-1].finish_reason == "content_filter"
    assert deltas[-1].beside is not None
    assert deltas[-1].beside.extra["stop_details"] == details
    with pytest.raises(Exception, match=ContentRefused.__name__):
        await by_us(body(begun(), *blocks, stopped("refusal", stop_details=details), STOP))


async def test_a_message_that_ends_without_content_and_reason_is_empty() -> None:
    """out_of_order_response; the SDK makes an empty message of it."""
    with pytest.raises(Exception, match=EmptyReply.__name__):
        await by_us(body(begun(), start(1, type="text", text=""), STOP))


async def test_arguments_that_are_no_json_are_handed_on_as_they_came() -> None:
    """tool_use_invalid_json_response; the SDK raises ValueError."""
    reply = await by_us(body(
        begun(), start(0, type="tool_use", id="toolu_1", name="look", input={}),
        delta(0, "input_json_delta", partial_json='{"unit": celsius}'), end(0), stopped("tool_use"), STOP,
    ))  # fmt: skip

    assert [call.arguments for call in reply.tool_calls] == ['{"unit": celsius}']
