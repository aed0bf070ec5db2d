"""Opchatgpts: what it sends and what it yields, against simulated sites of three generations."""

import json
from contextlib import aclosing
from typing import Any

import pytest

from adapters import (
    ChatRequest,
    Opchatgpts,
    ServiceFailed,
)
from adapters.conformance import check_adapter
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator
from tests.adapters.opchatgpts.talk import ask, bodies, every_generation, text_of

pytestmark = pytest.mark.anyio


@every_generation
async def test_a_reply_streams_and_is_proved(generation: Generation):
    async with OpchatgptsSimulator(generation=generation, text="You said {prompt} 😀\n") as simulator:
        adapter = Opchatgpts(simulator.url)
        deltas = await ask(adapter, "Hello")
        await adapter.aclose()

    assert text_of(deltas) == "You said Hello 😀\n"
    assert len(deltas) > 3
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].final_text is None


async def test_the_body_is_that_of_the_first_client():
    async with OpchatgptsSimulator(generation="1.x", page="/chat/", bot_id="helper") as simulator:
        adapter = Opchatgpts(simulator.url, page="/chat/")
        history: list[dict[str, Any]] = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c"},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "d"},
        ]
        before = json.dumps(history)
        await ask(adapter, *history)
        await adapter.aclose()

        body = bodies(simulator)[-1]
        chat_id = body.pop("chatId")
        assert body == {
            "botId": "helper",
            "contextId": 4,
            "customId": None,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "ab"},
                {"role": "assistant", "content": "c"},
                {"role": "system", "content": "Be kind."},
            ],
            "newMessage": "d",
            "session": "N/A",
            "stream": True,
        }
        assert len(chat_id) == 10
        assert chat_id.isalnum()
        assert json.dumps(history) == before
        sent = simulator.requests[-1]
        assert sent.header("origin") == simulator.url
        assert sent.header("referer") == f"{simulator.url}/chat/"
        assert (sent.header("user-agent") or "").startswith("chat-router/")


async def test_no_option_reaches_the_owners_settings_but_extra_does():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url)
        message = {"role": "user", "content": "Hi"}
        request = ChatRequest.build(
            [message], model="gpt-4", temperature=0.1, extra={"opchatgpts": {"stream": False, "x": 1}}
        )
        async with aclosing(adapter.stream(request)) as deltas:
            assert text_of([d async for d in deltas]) == simulator.default_text
        await adapter.aclose()

        body = bodies(simulator)[-1]
        assert (body["stream"], body["x"]) == (False, 1)
        assert not {"model", "temperature"} & set(body)


async def test_the_prompt_and_the_nonce_are_in_no_error_and_no_repr():
    async with OpchatgptsSimulator(fault="500") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(ServiceFailed) as caught:
            await ask(adapter, "a secret wish")
        shown = f"{caught.value}{adapter!r}{adapter._site!r}"
        await adapter.aclose()

    assert "wish" not in shown
    assert simulator.nonce not in shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"page": "chat"}, "page is 'chat'"),
        ({"page": "//evil.example"}, "page is"),
        ({"page": "/#top"}, "page is"),
        ({"bot_id": ""}, "bot_id is ''"),
        ({"bot_id": 5}, "bot_id is 5"),
        ({"custom_id": " "}, "custom_id is"),
    ],
)
def test_settings_that_cannot_be_used_are_told(settings: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        Opchatgpts("http://127.0.0.1:1", **settings)


def test_without_an_address_it_does_not_work_and_says_why():
    adapter = Opchatgpts()

    assert adapter.working is False
    assert adapter.base_url.startswith("https://opchatgpts.net")
    assert "is gone" in adapter.working_reason
    assert adapter.name == "opchatgpts"


@every_generation
async def test_it_keeps_the_contract(generation: Generation):
    async with (
        OpchatgptsSimulator(generation=generation, text="one two three four five", delay=0.002) as simulator,
        OpchatgptsSimulator(generation=generation, fault="500") as failing,
    ):
        await check_adapter(
            lambda: Opchatgpts(simulator.url),
            failing=lambda: Opchatgpts(failing.url),
            leftovers=lambda: [1] * simulator.running,
        )
