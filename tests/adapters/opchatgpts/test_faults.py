"""What can go wrong with a site, and what Opchatgpts and its probe make of it."""

import errno
import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Delta,
    EmptyReply,
    InvalidRequest,
    Limits,
    LocalFailure,
    NotWorking,
    Opchatgpts,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator
from tests.adapters.opchatgpts.talk import START, SUBMIT, ask, every_generation, text_of

pytestmark = pytest.mark.anyio


FAULTS = {
    "refuse": ConnectFailed,
    "reset": ConnectionLost,
    "close": ConnectionLost,
    "401": AuthenticationFailed,
    "403": AuthenticationFailed,
    "404": NotWorking,
    "429": RateLimited,
    "500": ServiceFailed,
    "503": ServiceFailed,
    "html": BadReply,
    "json_error": ServiceFailed,
    "empty": EmptyReply,
    "error_event": ServiceFailed,
    "limit": QuotaExhausted,
    "redirect": BadReply,
    "garbage": BadReply,
}


@every_generation
@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_before_content(fault: str, generation: Generation):
    async with OpchatgptsSimulator(fault=fault, generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(AdapterError) as caught:
            await ask(adapter)
        await adapter.aclose()

        assert type(caught.value) is FAULTS[fault]
        assert caught.value.retry_after == (1.0 if fault == "429" else None)
        assert simulator.turns <= (2 if fault == "401" and generation == "1.x" else 1)
        assert simulator.unknown == []


@pytest.mark.parametrize("fault", ["401", "500", "json_error", "empty", "limit", "html"])
async def test_faults_of_an_answer_without_stream(fault: str):
    async with OpchatgptsSimulator(fault=fault) as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(FAULTS[fault]):
            await ask(adapter, extra={"stream": False})
        await adapter.aclose()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", ConnectionLost),
        ("reset_after", ConnectionLost),
        ("error_after", ServiceFailed),
        ("cut_clean", None),
    ],
)
async def test_faults_after_content_come_after_the_text(fault: str, error: type[AdapterError] | None):
    async with OpchatgptsSimulator(fault=fault, text="one two three four") as simulator:
        adapter = Opchatgpts(simulator.url)
        request = ChatRequest.build([{"role": "user", "content": "Hi"}])
        got: list[Delta] = []
        raised: type[Exception] | None = None
        async with aclosing(adapter.stream(request)) as deltas:
            try:
                async for delta in deltas:
                    got.append(delta)  # noqa: PERF401 - what came before the error is looked at
            except AdapterError as caught:
                raised = type(caught)
        await adapter.aclose()

    assert (text_of(got), raised) == ("one two", error)
    assert not any(delta.is_last for delta in got)


def body_of(text: str, reply: str) -> bytes:
    live = json.dumps({"type": "live", "data": text})
    end = json.dumps({"type": "end", "data": json.dumps({"success": True, "reply": reply})})
    return f"data: {live}\n\ndata: {end}\n\n".encode()


def answering(body: bytes) -> httpx.MockTransport:
    """Return a 1.x site that answers each message with `body`, whose end nothing tells."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != SUBMIT:
            return httpx.Response(404, stream=httpx.ByteStream(b'{"code":"rest_no_route"}'))
        return httpx.Response(200, stream=httpx.ByteStream(body))

    return httpx.MockTransport(answer)


async def test_a_reply_cut_at_any_byte_has_no_last_delta():
    body = body_of("Hé", "Hé!").rstrip()
    for at in range(len(body)):
        adapter = Opchatgpts("http://site.example", bot_id="x", transport=answering(body[:at]))
        deltas = await ask(adapter)
        await adapter.aclose()

        assert text_of(deltas) in ("", "Hé")
        assert not any(delta.is_last for delta in deltas)


async def test_a_reply_that_nothing_but_its_end_event_ends_is_complete():
    adapter = Opchatgpts("http://site.example", transport=answering(body_of("Hé", "He!")))
    deltas = await ask(adapter)
    await adapter.aclose()

    assert (text_of(deltas), deltas[-1].final_text, deltas[-1].finish_reason) == ("Hé", "He!", "stop")


async def test_a_broken_event_is_told_with_its_place():
    adapter = Opchatgpts("http://site.example", transport=answering(b"data: {broken\n\n"))
    with pytest.raises(BadReply, match=rf"opchatgpts: POST {SUBMIT}: .*not JSON") as caught:
        await ask(adapter)
    await adapter.aclose()

    assert caught.value.status == 200


async def test_a_fault_of_this_machine_is_not_laid_to_the_page():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            raise httpx.ConnectError("no") from OSError(errno.EMFILE, "too many open files")
        return httpx.Response(200, stream=httpx.ByteStream(b'{"success":true,"restNonce":"3aa710a83e"}'))

    adapter = Opchatgpts("http://site.example", transport=httpx.MockTransport(answer))
    with pytest.raises(LocalFailure):
        await ask(adapter)
    await adapter.aclose()


async def test_notices_are_neither_text_nor_progress():
    async with OpchatgptsSimulator(fault="typed_events", text="one two") as simulator:
        adapter = Opchatgpts(simulator.url)
        deltas = await ask(adapter)
        await adapter.aclose()

    assert [str(d) for d in deltas] == ["one", " two", ""]


async def test_notices_without_end_are_ended():
    async with OpchatgptsSimulator(fault="endless_comments", delay=0.001) as simulator:
        adapter = Opchatgpts(simulator.url, limits=Limits(empty=20))
        with pytest.raises(BadReply, match="in a row without content"):
            await ask(adapter)
        await adapter.aclose()
        await simulator.drained()


async def test_a_chatbot_for_members_only_is_told_from_a_missing_nonce():
    async with OpchatgptsSimulator(fault="401") as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(AuthenticationFailed, match="members only"):
            await ask(adapter)
        await adapter.aclose()


async def test_an_empty_message_is_refused_by_the_site():
    async with OpchatgptsSimulator() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(InvalidRequest, match="empty or too long"):
            await ask(adapter, "  ")
        await adapter.aclose()

        assert simulator.turns == 0


async def test_what_is_no_wordpress_is_told():
    class Other(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.respond(200, "<!doctype html><p>Hi", content_type="text/html")

    async with Other() as simulator:
        adapter = Opchatgpts(simulator.url)
        result = await adapter.probe()
        with pytest.raises(BadReply, match="no WordPress site is here; check base_url"):
            await ask(adapter)
        await adapter.aclose()

    assert result.working is False


async def test_wordpress_without_the_plugin_is_told():
    class Bare(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.answer(self.failure(404, ""))

    async with Bare() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(NotWorking, match="no such route"):
            await ask(adapter)
        assert (await adapter.probe()).working is False
        await adapter.aclose()


async def test_a_firewall_before_the_site_is_told():
    class Walled(OpchatgptsSimulator):
        async def answer(self, exchange: Any) -> None:
            await exchange.respond(403, "<html>Attention Required!", content_type="text/html")

    async with Walled() as simulator:
        adapter = Opchatgpts(simulator.url)
        with pytest.raises(NotWorking, match="something before the site blocks it") as caught:
            await ask(adapter)
        await adapter.aclose()

    assert type(caught.value) is NotWorking


@pytest.mark.parametrize(
    ("generation", "told"), [("1.x", "1.x"), ("2.x", "2.0.1–2.4.3"), ("3.x", "2.4.4 or later")]
)
async def test_the_probe_tells_the_generation_and_generates_nothing(generation: Generation, told: str):
    async with OpchatgptsSimulator(generation=generation) as simulator:
        adapter = Opchatgpts(simulator.url)
        results = [await adapter.probe(), await adapter.probe()]
        await ask(adapter)
        await adapter.aclose()

        assert [(r.working, r.generation) for r in results] == [(True, told)] * 2
        assert [r.path for r in simulator.requests].count(START) == 1
        assert simulator.turns == 1
        assert adapter.working is True


async def test_the_probe_of_a_page_without_a_chatbot_cannot_tell():
    async with OpchatgptsSimulator(generation="1.x") as simulator:
        adapter = Opchatgpts(simulator.url, page="/about/")
        result = await adapter.probe()
        assert text_of(await ask(adapter)) == simulator.default_text
        await adapter.aclose()

    assert result.working is None
    assert "GET /about/" in result.reason


async def test_the_probe_of_a_site_that_lists_no_chat():
    class Quiet(OpchatgptsSimulator):
        listed: Any = None

        async def answer(self, exchange: Any) -> None:
            if exchange.received.path == "/wp-json/mwai-ui/v1":
                await exchange.respond(*self.listed)
            else:
                await super().answer(exchange)

    async with Quiet() as simulator:
        adapter = Opchatgpts(simulator.url)
        for listed, words in [
            ((200, {"routes": {}}), "no chat among"),
            ((200, []), "no chat"),
            ((500,), "500"),
        ]:
            simulator.listed = listed
            result = await adapter.probe()

            assert result.working is False
            assert words in result.reason
        await adapter.aclose()
