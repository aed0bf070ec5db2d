"""The simulated openchat-ui and chatbot-ui."""

from typing import Any

import httpx
import pytest

from adapters.simulators.aura import AuraSimulator, Generation
from tests.adapters.simulators.raw import connected, is_silent, posting, read_until

pytestmark = pytest.mark.anyio

MODEL = {"id": "openchat_3.6", "name": "OpenChat", "maxLength": 24576}
GENERATIONS: list[Generation] = ["openchat-ui", "chatbot-ui"]


def body(*texts: str, **model: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text} for text in texts]
    return {"model": {**MODEL, **model}, "messages": messages, "key": "", "prompt": "", "temperature": 0.5}


async def ask(simulator: AuraSimulator, asked: Any) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(simulator.url + "/api/chat", json=asked)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_the_answer_is_raw_text_without_a_content_type(generation: Generation):
    async with AuraSimulator(generation=generation, text="Héllo {prompt}") as simulator:
        reply = await ask(simulator, body("you"))

    assert (reply.status_code, reply.content.decode()) == (200, "Héllo you")
    assert "content-type" not in reply.headers
    assert reply.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize(("generation", "known"), [("openchat-ui", "openchat_3.6"), ("chatbot-ui", "gpt-4")])
async def test_the_models_are_asked_for_by_post(generation: Generation, known: str):
    async with AuraSimulator(generation=generation) as simulator, httpx.AsyncClient() as client:
        models = await client.post(simulator.url + "/api/models", json={"key": ""})
        broken = await client.post(simulator.url + "/api/models", content=b"x")

    assert known in {model["id"] for model in models.json()}
    assert all(set(model) == {"id", "name"} for model in models.json())
    assert broken.status_code == 500


@pytest.mark.parametrize(("generation", "status"), [("openchat-ui", 500), ("chatbot-ui", 200)])
async def test_only_openchat_ui_refuses_models_it_does_not_know(generation: Generation, status: int):
    async with AuraSimulator(generation=generation) as simulator:
        assert (await ask(simulator, body("Hi", id="strange"))).status_code == status


@pytest.mark.parametrize("fault", ["401", "429", "500", "503"])
async def test_every_error_is_500_and_told_by_the_reason(fault: str):
    async with AuraSimulator(fault=fault) as simulator:
        reply = await ask(simulator, body("Hi"))

    assert (reply.status_code, reply.text) == (500, "Error")
    assert reply.reason_phrase not in ("", "Internal Server Error")
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize("asked", [{}, [], {"model": MODEL}, {"model": "m", "messages": []}])
async def test_a_body_that_it_cannot_use_is_500(asked: Any):
    async with AuraSimulator() as simulator:
        reply = await ask(simulator, asked)

        assert (reply.status_code, reply.text) == (500, "Error")
        assert simulator.turns == 0


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_other_methods_are_500(method: str):
    async with AuraSimulator() as simulator, httpx.AsyncClient() as client:
        assert (await client.request(method, simulator.url + "/api/chat")).status_code == 500


@pytest.mark.parametrize(("generation", "reserved"), [("openchat-ui", 768), ("chatbot-ui", 1000)])
async def test_the_oldest_messages_are_dropped_where_the_limit_is_short(
    generation: Generation, reserved: int
):
    """A token is four characters; the reply's share is kept free."""
    async with AuraSimulator(generation=generation, text="[{prompt}]") as simulator:
        old, new = "a" * 40, "b" * 40
        for limit, seen in [(20, [old, new]), (19, [new]), (10, [new]), (9, [])]:
            reply = await ask(simulator, body(old, new, tokenLimit=reserved + limit))

            assert [message["content"] for message in simulator.seen[-1]] == seen
            assert reply.text == (f"[{new}]" if seen else "[]")


async def test_without_a_limit_nothing_is_dropped():
    async with AuraSimulator() as simulator:
        await ask(simulator, body("x" * 100_000, "y"))

    assert len(simulator.seen[-1]) == 2


@pytest.mark.parametrize("fault", ["cut", "cut_clean", "stall_after"])
async def test_a_reply_that_breaks_off_never_ends(fault: str):
    async with AuraSimulator(fault=fault, text="one two") as simulator:
        async with connected(simulator) as stream:
            await stream.send(posting("/api/chat", body("Hi")))
            await read_until(stream, b"one")

            assert await is_silent(stream)
        await simulator.drained()


@pytest.mark.parametrize("fault", ["error_event", "error_after"])
async def test_an_error_behind_it_ends_the_text_without_a_sign(fault: str):
    async with AuraSimulator(fault=fault, text="one two") as simulator:
        reply = await ask(simulator, body("Hi"))

    assert (reply.status_code, reply.text) == (200, "one")


async def test_pages_are_html():
    async with AuraSimulator() as simulator, httpx.AsyncClient() as client:
        page = await client.get(simulator.url)
        missing = await client.get(simulator.url + "/missing")

        assert (page.status_code, missing.status_code) == (200, 404)
        assert "<html>" in page.text
        assert len(simulator.unknown) == 1


def test_an_unknown_generation_is_told():
    with pytest.raises(ValueError, match="there are: openchat-ui, openchat-ui-main, chatbot-ui"):
        AuraSimulator(generation="openchat")  # type: ignore[arg-type]  # the mistake
