"""llama.cpp's server with a tiny model of random weights: real tokens, real contexts, real grammars."""

import json
from typing import Any

import pytest

from adapters import Capabilities, ContextTooLong, InvalidRequest
from adapters.contract.errors import AuthenticationFailed
from router import AllProvidersFailed
from tests.servers.asking import HELLO, SCHEMA, TOOL, error_of, probed, router_of
from tests.servers.running import Running

pytestmark = pytest.mark.anyio


async def test_it_streams_with_usage_and_says_that_the_limit_ended_it(llama_cpp: Running):
    async with router_of(llama_cpp.adapter("tiny")) as router:
        async with await router.stream(HELLO, max_tokens=12, temperature=0) as reply:
            deltas = [delta async for delta in reply]
        whole = await router.complete(HELLO, max_tokens=12, temperature=0)

    assert len([delta for delta in deltas if delta.text]) > 1
    assert whole.text == "".join(delta.text for delta in deltas)
    assert ("complete", "length") == (whole.verdict, whole.finish_reason)
    assert whole.usage is not None
    assert (12, "tiny") == (whole.usage.completion_tokens, whole.model)


async def test_a_stop_ends_it(llama_cpp: Running):
    async with router_of(llama_cpp.adapter("tiny")) as router:
        free = await router.complete(HELLO, max_tokens=20, temperature=0)
        stopped = await router.complete(HELLO, max_tokens=20, temperature=0, stop=[free.text[5]])

    assert "stop" == stopped.finish_reason
    assert free.text[5] not in stopped.text
    assert free.text.startswith(stopped.text)


async def test_a_schema_holds(llama_cpp: Running):
    async with router_of(llama_cpp.adapter("tiny")) as router:
        reply = await router.complete(HELLO, response_format=SCHEMA, max_tokens=100, temperature=0)

    said = json.loads(reply.text)
    assert {"place", "warm"} == said.keys()
    assert said["place"] in ("Paris", "Rome")


async def test_tools_and_their_results_are_taken(llama_cpp: Running):
    """That the server understands what is sent; `test_matrix.py` makes the model call one itself."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place": "Rome"}'}}
    history: list[dict[str, Any]] = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    async with router_of(llama_cpp.adapter("tiny")) as router:
        reply = await router.complete(history, tools=[TOOL], max_tokens=8, temperature=0)

    assert "length" == reply.finish_reason


async def test_a_call_without_its_result_is_taken(llama_cpp: Running):
    """What other services refuse with 400, so that the router leaves it to them: see the guide to tools."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place": "Rome"}'}}
    calling: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    async with router_of(llama_cpp.adapter("tiny")) as router:
        for history in ([*HELLO, calling], [*HELLO, calling, *HELLO]):
            reply = await router.complete(history, tools=[TOOL], max_tokens=8, temperature=0)

            assert "length" == reply.finish_reason


async def test_a_context_that_is_too_small_is_said_learned_and_told_with_its_size(llama_cpp: Running):
    long = [{"role": "user", "content": "abcde " * 300}]
    async with router_of(llama_cpp.adapter("tiny")) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.complete(long, max_tokens=4)
        with pytest.raises(AllProvidersFailed) as again:
            await router.complete(long, max_tokens=4)
        short = await router.complete(HELLO, max_tokens=4)

    error = raised.value.causes[0]
    assert isinstance(error, ContextTooLong)
    assert 512 == error.limit
    assert error.tokens is not None
    assert error.tokens > 1000
    assert (["skipped"], 512) == ([a.outcome for a in again.value.attempts], again.value.attempts[0].context)
    assert "the largest known context is 512 tokens" in str(again.value)
    assert "length" == short.finish_reason


async def test_its_list_of_models_tells_the_context_before_anybody_is_refused(llama_cpp: Running):
    probe = await probed(llama_cpp.adapter("tiny"))
    async with router_of(llama_cpp.adapter("tiny")) as router:
        await router.check()
        with pytest.raises(AllProvidersFailed) as raised:
            await router.complete([{"role": "user", "content": "abcde " * 500}])

    assert (True, ("tiny",), {"tiny": 512}) == (probe.working, probe.models, probe.context_tokens)
    assert ["skipped"] == [attempt.outcome for attempt in raised.value.attempts]


async def test_a_wrong_key_is_a_failed_sign_in(llama_cpp: Running):
    error = await error_of(llama_cpp.adapter("tiny", key="sk-wrong"))

    assert (AuthenticationFailed, 401) == (type(error), error.status)


async def test_an_option_that_it_does_not_understand_is_of_the_request(llama_cpp: Running):
    error = await error_of(
        llama_cpp.adapter("tiny"),
        response_format={"type": "json_schema", "json_schema": {"schema": {"type": "no"}}},
    )

    assert isinstance(error, InvalidRequest)


async def test_arguments_that_broke_off_are_of_the_request_although_it_answers_500(llama_cpp: Running):
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{"}}
    history: list[dict[str, Any]] = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    error = await error_of(llama_cpp.adapter("tiny"), history, tools=[TOOL])

    assert isinstance(error, InvalidRequest)


async def test_what_is_rewritten_is_taken(llama_cpp: Running):
    adapter = llama_cpp.adapter("tiny")
    adapter.capabilities = Capabilities(
        roles=frozenset({"system", "user", "assistant"}),
        many_system=False,
        options=adapter.capabilities.options,
    )
    messages = [{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}, *HELLO]
    async with router_of(adapter) as router:
        reply = await router.complete(messages, max_tokens=4)

    assert ("developer -> system", "system messages joined") == reply.attempts[0].rewritten


async def test_a_probe_for_an_answer_finds_it_working(llama_cpp: Running):
    found = await probed(llama_cpp.adapter("tiny"), "answer")

    assert found.working is True
