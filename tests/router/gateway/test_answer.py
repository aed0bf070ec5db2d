"""R44 without a server: what the application sends and when; clients that leave, and slow ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters.contract import Adapter, Beside, Capabilities, Delta, errors
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from router.gateway import GatewaySettings, app
from router.gateway.answer import Dropped
from tests.router.gateway.calling import Call, answered, asking, router_of
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio


async def test_a_stream_is_whole_and_ends_with_its_mark() -> None:
    call = await answered(asking(stream=True), ScriptedAdapter("one", ["Hel", "lo"], model="m"))
    assert call.status == 200
    assert call.headers["content-type"].startswith("text/event-stream")
    *chunks, done = call.events()
    assert done == "[DONE]"
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "Hello"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert call.is_ended


async def test_what_is_at_hand_goes_out_in_one_write_and_the_first_with_its_role() -> None:
    class Burst(Adapter):
        name = "burst"

        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            burst = [Delta(text) for text in "abcdef"]
            yield Delta("first", model="named")
            for delta in request.conditions.flow.hand_over(burst):
                yield delta
            yield Delta(finish_reason="stop")

    call = await answered(asking(stream=True), Burst())
    assert call.headers["x-chat-router-model"] == "named"
    assert {chunk["model"] for chunk in call.events()[:-1]} == {"named"}
    texts = [body.count(b'"content"') for body in call.bodies]
    assert texts[0] == 2  # the role's empty text, and the first delta
    assert texts[1:3] == [6, 0]  # the burst, and the end
    assert len(texts) == 3


@pytest.mark.parametrize("streams", [False, True])
async def test_a_model_of_a_providers_own_words_cannot_break_the_head(streams: bool) -> None:
    class Odd(Adapter):
        name = "odd"

        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            yield Delta("Hello", model="m\r\nset-cookie: a\x00é→")
            yield Delta(finish_reason="stop")

    call = await answered(asking(stream=streams), Odd())
    assert call.status == 200
    assert dict(call.sent[0]["headers"])[b"x-chat-router-model"] == "m??set-cookie: a?é?".encode("latin-1")


@pytest.mark.parametrize("streams", [False, True])
async def test_a_failure_before_content_is_an_http_error(streams: bool) -> None:
    call = await answered(asking(stream=streams), ScriptedAdapter("one", [errors.ServiceFailed("no")]))
    assert call.status == 503
    assert call.headers["content-type"] == "application/json"
    assert call.headers["x-chat-router-attempts"] == "1"
    assert call.document()["error"]["type"] == "service_unavailable_error"
    assert call.is_ended


async def test_a_failure_after_content_is_an_error_event_and_no_end() -> None:
    call = asking(stream=True)
    with pytest.raises(Dropped):
        await answered(call, ScriptedAdapter("one", ["some ", "text", errors.ServiceFailed("secret words")]))
    *chunks, error = call.events()
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "some text"
    assert error["error"]["code"] == "reply_interrupted"
    assert "secret" not in error["error"]["message"]
    assert all(c["choices"][0]["finish_reason"] is None for c in chunks)
    assert not call.is_ended


async def test_a_reply_without_proof_is_no_reply() -> None:
    call = asking(stream=True)
    with pytest.raises(Dropped):
        await answered(call, ScriptedAdapter("one", ["some text", Unfinished]))
    assert "error" in call.events()[-1]
    whole = await answered(asking(), ScriptedAdapter("one", ["some text", Unfinished]))
    assert (whole.status, whole.document()["error"]["code"]) == (502, "reply_interrupted")


async def test_a_failover_is_not_seen_but_in_the_headers() -> None:
    call = await answered(
        asking(stream=True), ScriptedAdapter("one", [errors.ServiceFailed]), ScriptedAdapter("two", "Hello")
    )
    assert call.status == 200
    assert (call.headers["x-chat-router-provider"], call.headers["x-chat-router-attempts"]) == ("two", "2")


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("script", [[Forever], ["text", Forever]], ids=["silent", "in the middle"])
async def test_a_client_that_leaves_cancels_the_request_and_its_conversation(
    streams: bool, script: list[Any]
) -> None:
    provider = ScriptedAdapter("one", script)
    async with router_of(provider) as router, anyio.create_task_group() as group:
        call = asking(stream=streams)
        group.start_soon(call.put_to, app(router))
        await anyio.sleep(5)
        assert provider.opened == 1
        assert provider.closed == 0
        call.gone.set()
        await anyio.sleep(0.4)
        assert provider.closed == 1
        assert provider.created == provider.deleted != set()
        assert not call.is_ended


@pytest.mark.parametrize("streams", [False, True])
async def test_a_server_that_raises_where_the_client_has_left_ends_the_answer(streams: bool) -> None:
    provider = ScriptedAdapter("one", ["text", 5.0, "more"])
    call = asking(stream=streams)
    call.error_of_send = OSError("the client has left")
    await answered(call, provider)
    assert provider.created == provider.deleted != set()


class Fountain(Adapter):
    """Counts the deltas that are taken from it."""

    name = "fountain"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.taken = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        for _ in range(1000):
            yield Delta("x")
            self.taken += 1
        yield Delta(finish_reason="stop")


async def test_a_slow_client_gives_back_pressure() -> None:
    fountain = Fountain()
    async with router_of(fountain) as router, anyio.create_task_group() as group:
        call = asking(stream=True)
        call.slow = anyio.Event()
        group.start_soon(call.put_to, app(router))
        await anyio.sleep(20)
        assert fountain.taken < 10
        call.slow.set()
    assert fountain.taken == 1000
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in call.events()[:-1])
    assert text == "x" * 1000


async def test_comments_begin_after_the_silence_and_a_failure_is_an_event_from_then_on() -> None:
    settings = GatewaySettings(comment_after=10)
    call = await answered(asking(stream=True), ScriptedAdapter("one", [25.0, "Hello"]), settings=settings)
    comments = [event for event in call.events() if event == ": still waiting"]
    assert len(comments) == 2
    assert [round(at) for at in call.times[:3]] == [10, 10, 20]
    assert call.events()[-1] == "[DONE]"

    failed = asking(stream=True)
    with pytest.raises(Dropped):
        await answered(failed, ScriptedAdapter("one", [25.0, errors.ServiceFailed]), settings=settings)
    assert failed.status == 200
    assert failed.events()[-1]["error"]["code"] == "no_provider"
    assert not failed.is_ended
    quick = await answered(
        asking(stream=True), ScriptedAdapter("one", [errors.ServiceFailed]), settings=settings
    )
    assert quick.status == 503


async def test_a_bug_of_this_side_is_told_and_raised() -> None:
    class Broken(Adapter):
        name = "broken"

        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            yield Delta("text", beside=Beside(images=(object(),)))  # type: ignore[arg-type]  # the bug: it is no image
            yield Delta(finish_reason="stop")

    for streams in (False, True):
        call = asking(stream=streams)
        with pytest.raises(TypeError):
            await answered(call, Broken())
        assert (call.status, call.document()["error"]["code"]) == (500, "internal_error")


async def test_the_models_of_the_chain() -> None:
    one = ScriptedAdapter("one", model="big", models={"fast": "small"})
    two = ScriptedAdapter("two", capabilities=Capabilities(context_tokens=100), model="big")
    listed = await answered(Call(path="/v1/models", method="GET"), one, two)
    entries = {entry["id"]: entry for entry in listed.document()["data"]}
    assert next(iter(entries)) == "chat-router"
    assert set(entries) == {
        "chat-router", "one/", "two/", "big", "fast", "one/big", "one/fast", "two/big",
    }  # fmt: skip
    assert entries["big"]["providers"] == ["one", "two"]
    assert entries["big"]["capabilities"]["tools"] is True
    assert entries["two/big"]["capabilities"]["tools"] is False
    assert entries["two/big"]["context_length"] == 100
    assert entries["big"]["context_length"] is None
    got = await answered(
        Call(path="/v1/models/one/fast", method="GET"), ScriptedAdapter("one", models={"fast": "small"})
    )
    assert got.document()["id"] == "one/fast"
    lost = await answered(Call(path="/v1/models/lost", method="GET"), ScriptedAdapter("one"))
    assert (lost.status, lost.document()["error"]["code"]) == (404, "model_not_found")
