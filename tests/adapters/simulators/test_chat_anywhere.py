"""The simulated server of the old `/v1/chat/gpt/` family."""

from typing import Any

import httpx
import pytest

from adapters.simulators.chat_anywhere import ChatAnywhereSimulator
from adapters.simulators.faults import RAW_TEXT_LACKS

pytestmark = pytest.mark.anyio

ASK = {"list": [{"role": "user", "content": "你好"}, {"role": "assistant", "content": ""}]}


async def ask(simulator: ChatAnywhereSimulator, body: Any) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(simulator.url + "/v1/chat/gpt/", json=body)


async def test_the_answer_is_raw_text():
    async with ChatAnywhereSimulator(text="{prompt},世界") as simulator:
        reply = await ask(simulator, ASK)

    assert reply.content.decode() == "你好,世界"
    assert reply.headers["content-type"] == "text/plain"
    assert reply.headers["transfer-encoding"] == "chunked"


async def test_the_answer_may_come_unframed_and_as_bytes():
    simulator = ChatAnywhereSimulator(framed=False, content_type="application/octet-stream", text="Hi")
    async with simulator:
        reply = await ask(simulator, ASK)

    assert reply.text == "Hi"
    assert reply.headers["content-type"] == "application/octet-stream"
    assert "transfer-encoding" not in reply.headers


async def test_a_refusal_is_the_whole_answer_with_status_200():
    async with ChatAnywhereSimulator(fault="refusal", fault_times=1, text="Hi") as simulator:
        refused, answered = [await ask(simulator, ASK) for _ in range(2)]

        assert (refused.status_code, refused.text) == (200, "当前地区当日额度已消耗完")
        assert answered.text == "Hi"
        assert simulator.turns == 2


async def test_errors_are_json():
    async with ChatAnywhereSimulator(fault="json_error") as simulator:
        reply = await ask(simulator, ASK)

    assert (reply.status_code, reply.json()) == (200, {"code": 500, "message": "The service failed"})


@pytest.mark.parametrize("body", [{}, [], {"list": []}, {"list": "text"}])
async def test_a_body_without_messages_is_400(body: Any):
    async with ChatAnywhereSimulator() as simulator:
        assert (await ask(simulator, body)).status_code == 400


async def test_what_is_not_json_is_400_and_a_list_without_a_user_is_not():
    async with ChatAnywhereSimulator(text="({prompt})") as simulator, httpx.AsyncClient() as client:
        broken = await client.post(simulator.url + "/v1/chat/gpt/", content=b"{")
        lonely = await ask(simulator, {"list": [{"role": "system", "content": "x"}]})

    assert (broken.status_code, lonely.text) == (400, "()")


async def test_the_page_is_there_and_the_slash_matters():
    async with ChatAnywhereSimulator() as simulator, httpx.AsyncClient() as client:
        page = await client.get(simulator.url)
        other = await client.post(simulator.url + "/v1/chat/gpt", json=ASK)

    assert "<html>" in page.text
    assert other.status_code == 404


def test_raw_text_has_no_events():
    assert ChatAnywhereSimulator.faults.isdisjoint(RAW_TEXT_LACKS)
    assert "refusal" in ChatAnywhereSimulator.faults
