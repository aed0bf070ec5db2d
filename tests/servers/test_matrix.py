"""The cells of the matrix of presets that real servers prove, each through the preset itself."""

import json
from typing import Any

import pytest

from adapters import ContentRefused, ContextTooLong, InvalidRequest, OpenAICompatible, RateLimited
from router import Reply
from tests.servers.asking import HELLO, SCHEMA, TOOL, error_of, probed, router_of, says
from tests.servers.running import KEY, Running

pytestmark = pytest.mark.anyio
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOWN = [{"role": "user", "content": [{"type": "text", "text": "Hello"},
                                      {"type": "image_url", "image_url": {"url": PICTURE}}]}]  # fmt: skip

TILDE, END = 129, 2
"""Tokens of the tiny model: the character that begins a call in its template, and the end of a reply."""


def of_preset(server: Running, name: str, model: str) -> OpenAICompatible:
    return OpenAICompatible.preset(name, base_url=server.base_url, api_key=KEY, model=model, environ={})


async def reply_of(adapter: OpenAICompatible, messages: Any = HELLO, **options: Any) -> Reply:
    async with router_of(adapter) as router:
        return await router.complete(messages, **options)


async def pieces_of(adapter: OpenAICompatible, **options: Any) -> list[str]:
    async with router_of(adapter) as router, await router.stream(HELLO, **options) as reply:
        return [delta.text async for delta in reply if delta.text]


# -- LiteLLM's proxy, which relays to the mock from npm


async def test_litellm_stream(litellm: Running):
    assert len(await pieces_of(of_preset(litellm, "litellm", "relayed"))) > 1


async def test_litellm_tools(litellm: Running):
    ask = says("weather in Paris")
    async with router_of(of_preset(litellm, "litellm", "relayed")) as router:
        first = await router.complete(ask, tools=[TOOL])
        call = first.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.answer_id, "content": "rain"}
        second = await router.complete([*ask, first, result], tools=[TOOL])

    assert ("weather", {"place": "Paris"}) == (call.name, json.loads(call.arguments))
    assert "It rains in Paris." == second.text


async def test_litellm_images(litellm: Running):
    """That an image is taken on its way; what is behind sees nothing."""
    reply = await reply_of(of_preset(litellm, "litellm", "relayed"), SHOWN)

    assert "Hello to you" in reply.text


async def test_litellm_json(litellm: Running):
    reply = await reply_of(
        of_preset(litellm, "litellm", "relayed"), says("json please"), response_format=SCHEMA
    )

    assert {"place": "Paris"} == json.loads(reply.text)


async def test_litellm_reasoning(litellm: Running):
    reply = await reply_of(of_preset(litellm, "litellm", "thinking"))

    assert "It greets me." == reply.reasoning


async def test_litellm_usage(litellm: Running):
    reply = await reply_of(of_preset(litellm, "litellm", "relayed"))

    assert reply.usage is not None
    assert reply.usage.completion_tokens


async def test_litellm_context_error(litellm: Running):
    assert ContextTooLong is type(await error_of(of_preset(litellm, "litellm", "small")))


@pytest.mark.parametrize("model", ["refusing", "relayed"])
async def test_litellm_refusal(litellm: Running, model: str):
    assert ContentRefused is type(await error_of(of_preset(litellm, "litellm", model), says("forbidden")))


async def test_litellm_rate_limit(litellm: Running):
    assert RateLimited is type(await error_of(of_preset(litellm, "litellm", "limited")))


async def test_litellm_probe(litellm: Running):
    found = await probed(of_preset(litellm, "litellm", "mock"))

    assert (True, True) == (found.working, "mock" in found.models)


# -- llama.cpp's server with a tiny model


async def test_llama_cpp_stream(llama_cpp: Running):
    assert len(await pieces_of(of_preset(llama_cpp, "llama_cpp", "tiny"), max_tokens=8)) > 1


async def test_llama_cpp_tools(llama_cpp: Running):
    """The token that begins a call in the template is made the likeliest; the grammar does the rest."""
    place = {"type": "object", "properties": {"place": {"enum": ["Paris", "Rome"]}}, "required": ["place"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": place}}
    likeliest = {"logit_bias": [[TILDE, 50], [END, 100]], "parallel_tool_calls": False}
    async with router_of(of_preset(llama_cpp, "llama_cpp", "tiny")) as router:
        first = await router.complete(
            HELLO,
            tools=[tool],
            tool_choice="required",
            max_tokens=200,
            temperature=0,
            extra={"llama_cpp": likeliest},
        )
        call = first.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.answer_id, "content": "rain"}
        second = await router.complete([*HELLO, first, result], tools=[tool], max_tokens=4)

    assert ("weather", "tool_calls") == (call.name, first.finish_reason)
    assert json.loads(call.arguments)["place"] in ("Paris", "Rome")
    assert second.text


async def test_llama_cpp_json(llama_cpp: Running):
    reply = await reply_of(
        of_preset(llama_cpp, "llama_cpp", "tiny"), response_format=SCHEMA, max_tokens=100, temperature=0
    )

    assert json.loads(reply.text)["place"] in ("Paris", "Rome")


async def test_llama_cpp_reasoning(llama_cpp: Running):
    """A grammar makes the model think aloud; the server tells the thinking from the answer."""
    grammar = 'root ::= "<think>" [a-z]{3} "</think>" [a-z]{3}'
    reply = await reply_of(
        of_preset(llama_cpp, "llama_cpp", "tiny"), max_tokens=60, extra={"llama_cpp": {"grammar": grammar}}
    )

    assert (3, 3) == (len(reply.reasoning), len(reply.text))


async def test_llama_cpp_usage(llama_cpp: Running):
    reply = await reply_of(of_preset(llama_cpp, "llama_cpp", "tiny"), max_tokens=4)

    assert reply.usage is not None
    assert 4 == reply.usage.completion_tokens


async def test_llama_cpp_context_error(llama_cpp: Running):
    error = await error_of(of_preset(llama_cpp, "llama_cpp", "tiny"), says("abcde " * 300))

    assert isinstance(error, ContextTooLong)
    assert 512 == error.limit


async def test_llama_cpp_probe(llama_cpp: Running):
    found = await probed(of_preset(llama_cpp, "llama_cpp", "tiny"))

    assert (True, ("tiny",)) == (found.working, found.models)


async def test_an_image_that_the_model_of_llama_cpp_cannot_see_is_of_the_request(llama_cpp: Running):
    """So the cell says that it depends on the model; that one takes images was not tried."""
    error = await error_of(of_preset(llama_cpp, "llama_cpp", "tiny"), SHOWN)

    assert InvalidRequest is type(error)
