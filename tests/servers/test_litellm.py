"""LiteLLM's proxy with mock replies: what a relay makes of models, keys and errors."""

import json

import pytest

from adapters import ContextTooLong, ModelNotFound, RateLimited, ServiceFailed
from adapters.contract.errors import AuthenticationFailed
from tests.servers.asking import HELLO, TOOL, error_of, probed, router_of, says
from tests.servers.running import Running

pytestmark = pytest.mark.anyio


async def test_it_streams(litellm: Running):
    async with router_of(litellm.adapter("mock")) as router:
        async with await router.stream(HELLO) as reply:
            deltas = [delta async for delta in reply]
        whole = await router.complete(HELLO)

    assert len([delta for delta in deltas if delta.text]) > 1
    assert ("Good day from the mock.", "complete", "stop") == (whole.text, whole.verdict, whole.finish_reason)
    assert "mock" == whole.model


async def test_tool_calls_come_through_a_relay(litellm: Running):
    async with router_of(litellm.adapter("relayed")) as router:
        reply = await router.complete(says("weather"), tools=[TOOL])

    assert ["weather"] == [call.name for call in reply.tool_calls]
    assert {"place": "Paris"} == json.loads(reply.tool_calls[0].arguments)


async def test_text_and_usage_come_through_a_relay(litellm: Running):
    async with router_of(litellm.adapter("relayed")) as router:
        reply = await router.complete(HELLO)

    assert ("Hello to you; é and 世界 too.", "stop") == (reply.text, reply.finish_reason)
    assert reply.usage is not None


@pytest.mark.parametrize(
    ("text", "kind"), [("limited", RateLimited), ("too long", ContextTooLong), ("broken", ServiceFailed)]
)
async def test_errors_come_through_a_relay(litellm: Running, text: str, kind: type[Exception]):
    error = await error_of(litellm.adapter("relayed"), says(text))

    assert kind is type(error), error
    if isinstance(error, ContextTooLong):
        assert (4097, 5000) == (error.limit, error.tokens)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("limited", RateLimited),
        ("small", ContextTooLong),
        ("broken", ServiceFailed),
        ("nobody", ServiceFailed),
        ("unknown", ModelNotFound),
    ],
)
async def test_its_errors_are_understood(litellm: Running, model: str, kind: type[Exception]):
    error = await error_of(litellm.adapter(model))

    assert kind is type(error), error


async def test_a_wrong_key_is_a_failed_sign_in(litellm: Running):
    error = await error_of(litellm.adapter("mock", key="sk-wrong"))

    assert isinstance(error, AuthenticationFailed), error


async def test_a_chain_moves_on_from_its_limited_model(litellm: Running):
    first = litellm.adapter("limited", name="first")
    async with router_of(first, litellm.adapter("mock", name="second")) as router:
        reply = await router.complete(HELLO)

    assert ("second", ["failed", "committed"]) == (reply.provider, [a.outcome for a in reply.attempts])


async def test_both_probes_find_it_working(litellm: Running):
    reach = await probed(litellm.adapter("mock"))
    answer = await probed(litellm.adapter("mock"), "answer")

    assert (True, True) == (reach.working, answer.working)
    assert "mock" in reach.models
