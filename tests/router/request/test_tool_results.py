"""A tool's result without its call is refused before anybody is asked, as services would refuse it."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import Capabilities, InvalidRequest, Message
from adapters.scripted import ScriptedAdapter
from router import AllProvidersFailed, Router
from tests.router.recording import HELLO

pytestmark = pytest.mark.anyio


def call(*ids: str | None) -> dict[str, Any]:
    function = {"name": "weather", "arguments": "{}"}
    calls = [{"type": "function", "function": function, **({"id": i} if i else {})} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(identifier: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "4"}


WRONG: list[tuple[list[Any], str]] = [
    (
        [result("c1"), *HELLO],
        "messages[0] is the result of the tool call 'c1', which no message before it has (there are no tool "
        "calls); put the assistant's message",
    ),
    (
        [*HELLO, call("c1", "c2"), result("c3")],
        "(the ids there are: 'c1', 'c2'); put the assistant's message",
    ),
    ([*HELLO, result("c1"), call("c1")], "messages[1] is the result of the tool call 'c1'"),
]


@pytest.mark.parametrize(("messages", "words"), WRONG)
async def test_a_result_without_its_call_is_refused(messages: list[Any], words: str) -> None:
    adapter = ScriptedAdapter("one", "text")
    async with Router([adapter], observers=[]) as router:
        with pytest.raises(ValueError, match="is the result of the tool call") as refused:
            await router.complete(messages)

    assert words in str(refused.value)
    assert not adapter.requests


async def test_a_call_without_a_result_is_left_to_the_services() -> None:
    """Some servers take it; another's refusal is failed over, and its words are told."""
    words = "An assistant message with 'tool_calls' must be followed by tool messages"
    strict = ScriptedAdapter("strict", [InvalidRequest(words)], capabilities=Capabilities(tools=True))
    lenient = ScriptedAdapter("lenient", "text", capabilities=Capabilities(tools=True))
    dialogue = [*HELLO, call("c1", "c2"), result("c1"), *HELLO]
    async with Router([strict, lenient], observers=[]) as router:
        assert (await router.complete(dialogue)).provider == "lenient"
        with pytest.raises(AllProvidersFailed, match=words):
            await router.complete(dialogue, providers=["strict"])


async def test_results_of_calls_are_taken_also_later_and_without_ids() -> None:
    async with Router([ScriptedAdapter.each("one", ["text"])], observers=[]) as router:
        router.adapters[0].capabilities = router.adapters[0].capabilities.__class__(tools=True)
        for messages in (
            [*HELLO, call("c1", "c2"), result("c2"), result("c1"), *HELLO],
            [*HELLO, call(None), result("anything")],
        ):
            assert (await router.complete(messages)).text == "text"


def test_a_result_of_nothing_is_told_what_to_pass() -> None:
    with pytest.raises(TypeError, match="the call of a tool's result is NoneType; pass a ToolCall"):
        Message.tool_result(None, "3")  # type: ignore[arg-type]  # what is tried
