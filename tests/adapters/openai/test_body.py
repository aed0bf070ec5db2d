"""The body of a request: the messages are encoded once, however many providers are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adapters import ChatRequest, Conditions, Message, OpenAICompatible
from adapters.openai import completions
from adapters.openai.codec import messages_body, messages_body_in_steps, request_body

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio

SHORT = [{"role": "user", "content": "Hello"}]
LONG = [
    {"role": "user" if number % 2 == 0 else "assistant", "content": f"“{number}” \u2028 " * 30}
    for number in range(101)
]
MANY = LONG * 5
PARTS = [*SHORT, {"role": "user", "content": [{"type": "text", "text": "x" * 300_000}]}]
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MIXED = [
    {"role": "system", "content": "Be “brief”."},
    {"role": "user", "content": "Hello", "name": "Ann"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": ""},
    {"role": "assistant", "content": ""},
    {"role": "user", "content": [{"type": "text", "text": "And?"}]},
]


def adapter(name: str) -> OpenAICompatible:
    return OpenAICompatible("http://127.0.0.1:9/v1", name=name, model=f"the-model-of-{name}")


def in_steps(messages: Sequence[Message]) -> bytes:
    steps = messages_body_in_steps(messages)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            body: bytes = done.value
            return body


@pytest.mark.parametrize(
    "messages", [SHORT, LONG, MANY, PARTS, MIXED], ids=["short", "long", "many", "parts", "mixed"]
)
def test_a_body_of_encoded_messages_is_the_same(messages: list[dict[str, Any]]) -> None:
    request = ChatRequest.build(messages, temperature=0.5)
    usual = request_body("m", request.messages, request.options, {"user": "me"})
    assert request_body("m", messages_body(request.messages), request.options, {"user": "me"}) == usual
    assert request_body("m", in_steps(request.messages), request.options, {"user": "me"}) == usual


@pytest.mark.parametrize("messages", [LONG, MANY, PARTS], ids=["long", "many", "parts"])
async def test_the_next_provider_gets_the_messages_that_were_encoded_for_the_one_before(
    messages: list[dict[str, Any]],
) -> None:
    request = ChatRequest.build(messages)
    first = await completions._body(adapter("first"), request.under(Conditions()))
    encoded = request.encoded("openai")
    assert encoded is not None
    second = await completions._body(adapter("second"), request.under(Conditions()))
    assert request.encoded("openai") is encoded
    for body, name in ((first, "first"), (second, "second")):
        sent = json.loads(body)
        assert sent["model"] == f"the-model-of-{name}"
        assert sent["messages"] == messages
        assert sent["stream"] is True


async def test_a_short_history_is_not_kept() -> None:
    request = ChatRequest.build(SHORT)
    assert json.loads(await completions._body(adapter("first"), request))["messages"] == SHORT
    assert request.encoded("openai") is None


async def test_what_a_provider_alone_wants_back_goes_to_it_alone() -> None:
    thought = Message("assistant", "x" * 10_000, kept={"first": {"reasoning_content": "of the first"}})
    request = ChatRequest.build([*SHORT, thought, *SHORT])
    first = json.loads(await completions._body(adapter("first"), request))
    second = json.loads(await completions._body(adapter("second"), request))
    assert first["messages"][1]["reasoning_content"] == "of the first"
    assert "reasoning_content" not in second["messages"][1]


async def test_other_messages_are_encoded_anew() -> None:
    request = ChatRequest.build(LONG)
    await completions._body(adapter("first"), request)
    for other in (request.carried_on("half an answer"), replace(request, messages=request.messages[:50])):
        body = json.loads(await completions._body(adapter("second"), other))
        assert len(body["messages"]) == len(other.messages)


async def test_they_are_let_go_of() -> None:
    request = ChatRequest.build(LONG)
    await completions._body(adapter("first"), request)
    request.forget_encoded()
    assert request.encoded("openai") is None
