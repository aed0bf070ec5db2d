"""A mock of OpenAI's API in JavaScript: streams, tools, errors, as others read the protocol."""

import json

import pytest

from adapters import ContextTooLong, RateLimited, ServiceFailed
from adapters.contract.errors import AuthenticationFailed
from router import StreamInterrupted
from tests.servers.asking import HELLO, SCHEMA, TOOL, error_of, probed, router_of, says
from tests.servers.running import Running

pytestmark = pytest.mark.anyio


async def test_it_streams_with_reasoning_and_usage(aimock: Running):
    async with router_of(aimock.adapter("o3")) as router:  # it has no reasoning for other models
        async with await router.stream(HELLO) as reply:
            deltas = [delta async for delta in reply]
        whole = await router.complete(HELLO)

    assert len([delta for delta in deltas if delta.text]) > 1
    assert ("Hello to you; é and 世界 too.", "It greets me.") == (whole.text, whole.reasoning)
    assert ("complete", "stop") == (whole.verdict, whole.finish_reason)
    assert whole.usage is not None
    assert whole.usage.completion_tokens


async def test_a_tool_is_called_and_its_result_is_taken(aimock: Running):
    ask = says("weather in Paris")
    async with router_of(aimock.adapter("gpt-4o")) as router:
        first = await router.complete(ask, tools=[TOOL])
        call = first.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.answer_id, "content": "rain"}
        second = await router.complete([*ask, first, result], tools=[TOOL])

    assert ("weather", {"place": "Paris"}) == (call.name, json.loads(call.arguments))
    assert ("tool_calls", "It rains in Paris.") == (first.finish_reason, second.text)


async def test_a_schema_goes_through(aimock: Running):
    async with router_of(aimock.adapter("gpt-4o")) as router:
        reply = await router.complete(says("json please"), response_format=SCHEMA)

    assert {"place": "Paris"} == json.loads(reply.text)


async def test_a_reply_that_is_cut_is_said_to_be_cut(aimock: Running):
    async with router_of(aimock.adapter("gpt-4o")) as router:
        with pytest.raises(StreamInterrupted) as raised:
            await router.complete(says("cut it"))

    assert "truncated" == raised.value.verdict
    assert "one two three".startswith(raised.value.partial[:10])


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [("limited", RateLimited, 429), ("broken", ServiceFailed, 503), ("too long", ContextTooLong, 400)],
)
async def test_its_errors_are_understood(aimock: Running, text: str, kind: type[Exception], status: int):
    error = await error_of(aimock.adapter("gpt-4o"), says(text))

    assert (kind, status) == (type(error), error.status)
    if isinstance(error, ContextTooLong):
        assert (4097, 5000) == (error.limit, error.tokens)


async def test_a_wrong_key_is_a_failed_sign_in(aimock: Running):
    error = await error_of(aimock.adapter("gpt-4o", key="sk-wrong"))

    assert isinstance(error, AuthenticationFailed)


async def test_both_probes_find_it_working(aimock: Running):
    async with router_of(aimock.adapter("gpt-4o")) as router:
        reach = await router.check()

    found = await probed(aimock.adapter("gpt-4o"))
    assert reach.ok
    assert (True, True) == (found.working, "gpt-4o" in found.models)
