"""The simulated OpenAI-compatible endpoint."""

import json
from typing import Any

import httpx
import pytest

from adapters.simulators.openai import OpenAISimulator
from tests.adapters.simulators.raw import connected, is_silent, posting, read_until

pytestmark = pytest.mark.anyio

ASK = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


async def ask(simulator: OpenAISimulator, body: Any, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(simulator.url + "/any/v1/chat/completions", json=body, headers=headers)


def events(reply: httpx.Response) -> list[Any]:
    data = [block.removeprefix("data: ") for block in reply.text.split("\n\n") if block]
    return [item if item == "[DONE]" else json.loads(item) for item in data]


def deltas(reply: httpx.Response) -> list[Any]:
    return [c["delta"] for e in events(reply) if e != "[DONE]" for c in e["choices"]]


async def test_a_stream_has_role_deltas_finish_reason_and_done():
    async with OpenAISimulator(text="Hello there") as simulator:
        reply = await ask(simulator, {**ASK, "stream": True})

    assert reply.headers["content-type"] == "text/event-stream"
    assert deltas(reply) == [
        {"role": "assistant", "content": ""},
        {"content": "Hello"},
        {"content": " there"},
        {},
    ]
    *_, last, done = events(reply)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert done == "[DONE]"


async def test_usage_comes_where_it_is_asked_for():
    async with OpenAISimulator(deltas=5, text="Hello there") as simulator:
        reply = await ask(simulator, {**ASK, "stream": True, "stream_options": {"include_usage": True}})

    usage = events(reply)[-2]
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 13}


async def test_without_stream_the_answer_is_one_object():
    async with OpenAISimulator(text="You said: {prompt}", reasoning="Hm.") as simulator:
        reply = await ask(simulator, ASK)

    [choice] = reply.json()["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "You said: Hi",
        "reasoning_content": "Hm.",
    }
    assert choice["finish_reason"] == "stop"


async def test_a_whole_answer_may_come_though_a_stream_was_asked_for():
    async with OpenAISimulator(whole=True) as simulator:
        reply = await ask(simulator, {**ASK, "stream": True})

    assert reply.json()["object"] == "chat.completion"


async def test_reasoning_and_tool_calls_come_in_pieces():
    async with OpenAISimulator(reasoning="Let me think", tool_calls=[CALL]) as simulator:
        reply = await ask(simulator, {**ASK, "stream": True})
        whole = await ask(simulator, ASK)

    found = deltas(reply)
    assert "".join(d.get("reasoning_content", "") for d in found) == "Let me think"
    parts = [d["tool_calls"][0] for d in found if "tool_calls" in d]
    assert parts[0] == {"index": 0, **CALL, "function": {"name": "add", "arguments": ""}}
    assert "".join(part["function"]["arguments"] for part in parts) == '{"a": 1}'
    assert events(reply)[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert whole.json()["choices"][0]["message"]["tool_calls"] == [CALL]


async def test_the_end_mark_and_the_finish_reason_can_be_left_out():
    async with OpenAISimulator(done=False, finish_reason=None, text="Hi") as simulator:
        reply = await ask(simulator, {**ASK, "stream": True})

    assert deltas(reply) == [{"role": "assistant", "content": ""}, {"content": "Hi"}]
    assert "[DONE]" not in reply.text


async def test_the_connection_can_stay_silent_after_the_end_mark():
    async with OpenAISimulator(keep_open=True) as simulator:
        async with connected(simulator) as stream:
            await stream.send(posting("/v1/chat/completions", {**ASK, "stream": True}))
            await read_until(stream, b"data: [DONE]\n\n\r\n")

            assert await is_silent(stream)
        await simulator.drained()


async def test_a_wrong_key_is_401_in_openai_s_form():
    async with OpenAISimulator(api_key="sk-right") as simulator:
        wrong = await ask(simulator, ASK, Authorization="Bearer sk-wrong")
        none = await ask(simulator, ASK)
        right = await ask(simulator, ASK, Authorization="Bearer sk-right")

    assert [wrong.status_code, none.status_code, right.status_code] == [401, 401, 200]
    assert wrong.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": ASK["messages"]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ([], "model"),
    ],
)
async def test_a_body_without_model_or_messages_is_400(body: Any, param: str):
    async with OpenAISimulator() as simulator:
        reply = await ask(simulator, body)

        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == param
        assert simulator.turns == 0


async def test_what_is_not_json_is_400():
    async with OpenAISimulator() as simulator, httpx.AsyncClient() as client:
        reply = await client.post(simulator.url + "/v1/chat/completions", content=b"{")

    assert reply.status_code == 400


async def test_a_model_that_it_does_not_have_is_404():
    async with OpenAISimulator(models=("a", "b")) as simulator, httpx.AsyncClient() as client:
        reply = await ask(simulator, ASK)
        models = await client.get(simulator.url + "/v1/models")

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
    assert [model["id"] for model in models.json()["data"]] == ["a", "b"]


@pytest.mark.parametrize(("fault", "text"), [("error_event", ""), ("error_after", "one two")])
async def test_an_error_event_has_an_error_object(fault: str, text: str):
    async with OpenAISimulator(fault=fault, text="one two three four") as simulator:
        reply = await ask(simulator, {**ASK, "stream": True})

    *before, last = events(reply)
    assert last["error"]["type"] == "server_error"
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in before) == text


@pytest.mark.parametrize(("stream", "content"), [(True, None), (False, "")])
async def test_an_empty_reply_is_correct(*, stream: bool, content: str | None):
    async with OpenAISimulator(fault="empty", reasoning="unsaid") as simulator:
        reply = await ask(simulator, {**ASK, "stream": stream})

    if stream:
        assert deltas(reply) == [{"role": "assistant", "content": ""}, {}]
    else:
        assert reply.json()["choices"][0]["message"]["content"] == content


@pytest.mark.parametrize("fault", ["cut_clean", "error_event"])
async def test_a_whole_answer_has_faults_too(fault: str):
    async with OpenAISimulator(fault=fault) as simulator:
        reply = await ask(simulator, ASK)

    if fault == "cut_clean":
        assert reply.text.startswith('{"id":')
        with pytest.raises(ValueError):
            reply.json()
    else:
        assert reply.json()["error"]["message"] == "The service failed"


@pytest.mark.parametrize(("stream", "comment"), [(True, ": keep-alive\n\n"), (False, " \n")])
async def test_comments_may_come_without_end(*, stream: bool, comment: str):
    chunk = f"{len(comment):x}\r\n{comment}\r\n".encode()
    async with OpenAISimulator(fault="endless_comments") as simulator:
        async with connected(simulator) as connection:
            await connection.send(posting("/v1/chat/completions", {**ASK, "stream": stream}))
            await read_until(connection, chunk * 9)
        await simulator.drained()


async def test_a_prompt_in_parts_is_read_too():
    parts = [{"type": "text", "text": "Hi "}, {"type": "image_url"}, {"type": "text", "text": "you"}]
    async with OpenAISimulator(text="{prompt}!") as simulator:
        reply = await ask(simulator, {"model": "m", "messages": [{"role": "user", "content": parts}]})
        odd = await ask(simulator, {"model": "m", "messages": ["text"]})

    assert reply.json()["choices"][0]["message"]["content"] == "Hi you!"
    assert odd.json()["choices"][0]["message"]["content"] == "!"


async def test_other_addresses_are_unknown():
    async with OpenAISimulator() as simulator, httpx.AsyncClient() as client:
        reply = await client.get(simulator.url + "/v1/chat/completions")

        assert reply.status_code == 404
        assert len(simulator.unknown) == 1
