"""The simulated Open-Assistant site answers as the real one was recorded to."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from adapters.simulators import load
from adapters.simulators.open_assistant import OpenAssistantSimulator
from tests.adapters.simulators.raw import connected, read_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

TOKEN = "simulated.session.token"
PLAIN, SECURE = "next-auth.session-token", "__Secure-next-auth.session-token"
ASSISTANT, PROMPT = "/api/chat/assistant_message", "/api/chat/prompter_message"


@asynccontextmanager
async def browser(simulator: OpenAssistantSimulator, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    given = headers or {"cookie": f"{PLAIN}={TOKEN}"}
    async with httpx.AsyncClient(base_url=simulator.url, headers=given) as client:
        yield client


async def asked(client: httpx.AsyncClient, content: str = "Hi") -> dict[str, str]:
    """Go as far as the events, and return their query."""
    chat = (await client.post("/api/chat")).json()["id"]
    prompt = (await client.post(PROMPT, json={"chat_id": chat, "content": content, "parent_id": None})).json()
    body = {"chat_id": chat, "parent_id": prompt["id"], "model_config_name": "_lorem"}
    answer = (await client.post(ASSISTANT, json=body)).json()
    assert (answer["state"], answer["content"]) == ("pending", None)
    return {"chat_id": chat, "message_id": answer["id"]}


async def events(client: httpx.AsyncClient, query: dict[str, str]) -> list[dict[str, Any]]:
    reply = await client.post("/api/chat/events", params=query)
    assert "content-type" not in reply.headers
    lines = reply.text.split("\r\n\r\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def state(client: httpx.AsyncClient, query: dict[str, str]) -> tuple[str, str | None]:
    message = (await client.get("/api/chat/message", params=query)).json()
    return message["state"], message["content"]


async def test_a_whole_conversation():
    assert load("open_assistant") is OpenAssistantSimulator
    simulator = OpenAssistantSimulator(text="Hé {prompt}", queue=2, pings=1)
    async with simulator, browser(simulator) as client:
        query = await asked(client, "you")
        told = await events(client, query)
        chat = (await client.get("/api/chat", params={"chat_id": query["chat_id"]})).json()
        await client.put("/api/chat", json={"chat_id": query["chat_id"], "hidden": True})
        listed = (await client.get("/api/chat")).json()
        gone = await client.delete("/api/chat", params={"chat_id": query["chat_id"]})
        again = await client.delete("/api/chat", params={"chat_id": query["chat_id"]})
        unknown = await client.get("/api/chat", params={"chat_id": query["chat_id"]})

    assert [e["event_type"] for e in told] == ["pending", "pending", "token", "token", "message"]
    assert [e.get("queue_position") for e in told[:2]] == [2, 1]
    assert told[-1]["message"]["content"] == "Hé you"
    assert told[-1]["message"]["state"] == "complete"
    assert (chat["title"], [m["role"] for m in chat["messages"]]) == ("you", ["prompter", "assistant"])
    assert listed["chats"] == []
    assert (gone.status_code, again.status_code, again.text) == (200, 500, "Internal Server Error")
    assert (unknown.status_code, unknown.text) == (404, "")
    assert simulator.created == simulator.deleted == {query["chat_id"]}


@pytest.mark.parametrize(
    ("secure", "headers", "status"),
    [
        (False, {"cookie": f"{PLAIN}={TOKEN}"}, 200),
        (False, {"cookie": f"{PLAIN}.0={TOKEN[:5]}; {PLAIN}.1={TOKEN[5:]}"}, 200),
        (True, {"cookie": f"{SECURE}={TOKEN}"}, 200),
        (False, {"authorization": f"Bearer {TOKEN}"}, 200),
        (False, {"cookie": f"{SECURE}={TOKEN}"}, 403),
        (True, {"cookie": f"{PLAIN}={TOKEN}"}, 403),
        (False, {"cookie": f"{PLAIN}=old", "authorization": f"Bearer {TOKEN}"}, 403),
        (False, {"authorization": f"Basic {TOKEN}"}, 403),
        (False, {"accept": "*/*"}, 403),
    ],
)
async def test_who_is_let_in(secure: bool, headers: dict[str, str], status: int):
    async with OpenAssistantSimulator(secure=secure) as simulator, browser(simulator, **headers) as client:
        reply = await client.post("/api/chat")
        who = (await client.get("/api/auth/session")).json()

    assert reply.status_code == status
    assert (status == 200) or reply.content == b""
    assert bool(who) is (status == 200 and "cookie" in headers)


async def test_a_chat_that_is_off_is_an_empty_404():
    async with OpenAssistantSimulator(chat=False) as simulator, browser(simulator) as client:
        reply = await client.get("/api/chat/models")

    assert (reply.status_code, reply.content) == (404, b"")


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (PROMPT, {"chat_id": "x", "content": "a", "parent_id": None}, 500, "Something went wrong"),
        (PROMPT, {"content": "a\0b"}, 500, "Something went wrong"),
        (PROMPT, {"content": "a" * 11}, 413, "Message content exceeds max length"),
        (PROMPT, {"content": "a", "parent_id": "x"}, 400, "Parent message not found"),
        (PROMPT, {"content": "a", "parent_id": "answer"}, 400, "Parent message is not complete"),
        (PROMPT, {"content": "a"}, 400, "Trying to add first message to non-empty chat"),
        (PROMPT, {}, 422, [{"loc": ["body", "content"], "msg": "field required", "type": "value_error"}]),
        (
            PROMPT,
            {"content": 5},
            422,
            [{"loc": ["body", "content"], "msg": "str type expected", "type": "value_error"}],
        ),
        (PROMPT, [1], 422, [{"loc": ["body", "content"], "msg": "field required", "type": "value_error"}]),
        (
            ASSISTANT,
            {},
            422,
            [{"loc": ["body", "parent_id"], "msg": "none is not an allowed value", "type": "value_error"}],
        ),
        (ASSISTANT, {"parent_id": "x"}, 500, "Something went wrong"),
        (ASSISTANT, {"parent_id": "answer"}, 500, "Something went wrong"),
        (ASSISTANT, {"parent_id": "prompt", "model_config_name": "X"}, 422, "Model X not found"),
    ],
)
async def test_bad_requests(path: str, body: Any, status: int, message: Any):
    async with OpenAssistantSimulator(longest=10) as simulator, browser(simulator) as client:
        query = await asked(client)
        chat = (await client.get("/api/chat", params={"chat_id": query["chat_id"]})).json()
        ids = {"prompt": chat["messages"][0]["id"], "answer": chat["messages"][1]["id"]}
        if isinstance(body, dict):
            parent = body.get("parent_id")
            named = {**body, "parent_id": ids.get(str(parent), parent)}
            body = {"chat_id": query["chat_id"], **named} if body else {}
        reply = await client.post(path, json=body)

    assert (reply.status_code, reply.json()["message"]) == (status, message)


async def test_broken_json_unknown_routes_and_methods():
    async with OpenAssistantSimulator() as simulator, browser(simulator) as client:
        broken = await client.post(PROMPT, content=b"{no")
        nowhere = await client.get("/api/chat/nothing")
        page = await client.get("/chat")
        patched = await client.patch("/api/chat")
        hidden = await client.put("/api/chat", json={"chat_id": "x"})
        message = await client.get("/api/chat/message", params={"message_id": "x"})
        stream = await client.post("/api/chat/events")

        assert len(simulator.unknown) == 2
    assert (broken.status_code, broken.text) == (400, "Invalid JSON")
    assert "<html>" in nowhere.text
    assert "<html>" in page.text
    assert (patched.status_code, patched.content) == (404, b"")
    assert {hidden.status_code, message.status_code, stream.status_code} == {500}


async def test_a_finished_answer_has_no_events():
    simulator = OpenAssistantSimulator(text="Hi", fault="finished_early")
    async with simulator, browser(simulator) as client:
        query = await asked(client)

        assert await events(client, query) == []
        assert await state(client, query) == ("complete", "Hi")


async def first_of(simulator: OpenAssistantSimulator, query: dict[str, str]) -> str:
    """Return the type of the first event of a stream that goes on for ever."""
    target = "/api/chat/events?" + "&".join(f"{name}={value}" for name, value in query.items())
    async with connected(simulator) as stream:
        await stream.send(f"POST {target} HTTP/1.1\r\nHost: x\r\nCookie: {PLAIN}={TOKEN}\r\n\r\n".encode())
        told = await read_until(stream, b"}\r\n\r\n")
    line = told[told.index(b"{") : told.index(b"}") + 1]
    return str(json.loads(line)["event_type"])


async def test_the_second_reader_waits_for_ever():
    async with (
        OpenAssistantSimulator(tick=0.001, fault="stall_after") as simulator,
        browser(simulator) as client,
    ):
        query = await asked(client)

        assert await first_of(simulator, query) == "token"
        assert await first_of(simulator, query) == "pending"


async def test_a_new_question_cancels_the_one_that_waits():
    async with OpenAssistantSimulator(tick=0.001) as simulator, browser(simulator) as client:
        first = await asked(client, "one")
        second = await asked(client, "two")

        assert (await state(client, first))[0] == "cancelled"
        assert await first_of(simulator, first) == "pending"
        assert (await events(client, second))[-1]["event_type"] == "message"


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("401", 403, b""),
        ("403", 403, b""),
        ("404", 404, b""),
        ("429", 500, b'{"message": "Something went wrong"}'),
        ("500", 500, b'{"message": "Something went wrong"}'),
        ("503", 503, b'{"message": "The server is currently busy. Please try again later."}'),
    ],
)
async def test_statuses_strike_when_the_answer_is_asked_for(fault: str, status: int, body: bytes):
    async with (
        OpenAssistantSimulator(fault=fault, retry_after="3") as simulator,
        browser(simulator) as client,
    ):
        reply = await client.post(ASSISTANT, json={})

        assert (reply.status_code, reply.content) == (status, body)
        assert reply.headers.get("retry-after") == ("3" if fault == "503" else None)
        assert simulator.turns == 1


async def test_a_worker_too_late_ends_in_a_timeout():
    async with (
        OpenAssistantSimulator(fault="timeout_error", tick=0.001) as simulator,
        browser(simulator) as client,
    ):
        query = await asked(client)
        told = await events(client, query)

        assert [e["event_type"] for e in told] == ["pending", "error"]
        assert (told[-1]["error"], told[-1]["message"]["state"]) == ("Timeout", "timeout")
        assert await first_of(simulator, query) == "pending"


@pytest.mark.parametrize(
    ("options", "states"),
    [
        ({}, [("complete", "a b"), ("complete", "a b")]),
        ({"late": 1}, [("in_progress", None), ("complete", "a b")]),
        ({"afterwards": "in_progress"}, [("in_progress", None)] * 2),
        ({"afterwards": "aborted_by_worker"}, [("aborted_by_worker", None)] * 2),
    ],
)
async def test_what_becomes_of_an_answer_whose_stream_broke(options: dict[str, Any], states: list[Any]):
    simulator = OpenAssistantSimulator(text="a b", fault="cut", **options)
    async with simulator, browser(simulator) as client:
        query = await asked(client)
        with pytest.raises(httpx.HTTPError):
            await events(client, query)
        await anyio.sleep(0.005)

        assert [await state(client, query) for _ in states] == states


async def test_the_final_text_may_differ():
    async with OpenAssistantSimulator(text=" a", final="a") as simulator, browser(simulator) as client:
        told = await events(client, await asked(client))

    assert (told[0]["text"], told[-1]["message"]["content"]) == (" a", "a")


async def test_an_error_event_is_in_the_workers_words():
    simulator = OpenAssistantSimulator(fault="error_event", worker_says="CUDA")
    async with simulator, browser(simulator) as client:
        query = await asked(client)
        (told,) = await events(client, query)

        assert (told["error"], told["message"]["state"]) == ("CUDA", "aborted_by_worker")
        assert await state(client, query) == ("aborted_by_worker", None)


def test_an_end_that_there_is_not():
    with pytest.raises(ValueError, match="allowed are complete"):
        OpenAssistantSimulator(afterwards="gone")
