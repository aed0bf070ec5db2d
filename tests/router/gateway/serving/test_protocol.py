"""What clients may send and how long they may take, on raw sockets (R45)."""

from __future__ import annotations

import gc
import json
import logging
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel
import pytest

from adapters import Delta
from adapters.contract.errors import ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from router.gateway.serving.lingering import Lingering
from router.gateway.settings import GatewaySettings
from tests.depth import QUICK
from tests.promptly import promptly
from tests.router.gateway.serving.serving import CHAT, question, request, served

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode()


LOOPS: Final = [{}] if QUICK else [{}, {"use_uvloop": True}]


@pytest.fixture(scope="module", params=LOOPS, ids=str)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", request.param  # uvicorn's


pytestmark = pytest.mark.anyio


async def test_requests_are_answered_one_after_another_on_one_connection() -> None:
    async with served() as one, one.client() as client:
        for _ in range(2):
            await client.send(request())
            status, head, body = await client.answer()

            assert status == 200, body
            assert b"connection: close" not in head
            assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"


async def test_a_stream_ends_with_its_mark_and_its_last_chunk() -> None:
    async with served() as one, one.client() as client:
        await client.send(request(question(stream=True)))
        answer = await client.until(b"\r\n0\r\n\r\n")

    assert b"x-chat-router-provider: one" in answer
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


class Recorded:
    """A transport; takes note of what is written."""

    def __init__(self, transport: Any, writes: list[bytes]) -> None:
        self._transport, self._writes = transport, writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._writes.append(data)
        self._transport.write(data)


@pytest.mark.parametrize("streams", [True, False])
async def test_the_head_of_an_answer_comes_together_with_its_first_piece(
    monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    writes: list[bytes] = []
    make = Lingering.__init__

    def recorded(self: Lingering, transport: Any, connection: Any) -> None:
        recording: Any = Recorded(transport, writes)
        make(self, recording, connection)

    monkeypatch.setattr(Lingering, "__init__", recorded)
    async with served(adapters=[ScriptedAdapter("one", ["Hel", 0.1, "lo"])]) as one, one.client() as client:
        await client.send(request(question(stream=streams)))
        await (client.until(b"\r\n0\r\n\r\n") if streams else client.answer())

    first = writes[0]
    assert first.startswith(b"HTTP/1.1 200 ")
    assert (b'"content":"Hel"' if streams else b'"content":"Hello"') in first
    assert streams or len(writes) == 1


@pytest.mark.parametrize("parts", [1, 40])
async def test_a_long_body_gets_413_whether_its_length_is_told_or_not(parts: int) -> None:
    settings = GatewaySettings(body=100_000)
    body = b"x" * 2_000_000
    async with served(settings) as one, one.client() as client:
        if parts == 1:
            await client.send(request(body))
        else:
            await client.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(parts):
                await client.send(b"c350\r\n" + body[:50_000] + b"\r\n")
        status, head, found = await client.answer()

        assert (status, json.loads(found)["error"]["code"]) == (413, "request_too_large")
        assert b"connection: close" in head
        assert await client.rest() == b""


BIG_HEADS: dict[str, Callable[[], bytes]] = {
    "one header": lambda: HEAD + b"x: " + b"y" * 2_000_000,
    "one header, whole": lambda: HEAD + b"x: " + b"y" * 40_000 + b"\r\n\r\n",
    "many headers": lambda: HEAD + b"a: b\r\n" * 100_000,
    "the address": lambda: b"GET /" + b"y" * 2_000_000,
    "the name of a header": lambda: HEAD + b"y" * 2_000_000,
}


async def test_large_headers_get_431() -> None:
    async with served() as one:
        for kind, made in BIG_HEADS.items():
            async with one.client() as client:
                await client.send(made())
                status, head, body = await client.answer()

                assert (status, json.loads(body)["error"]["code"]) == (431, "headers_too_large"), kind
                assert b"connection: close" in head
                assert await client.rest() == b""


async def test_slow_headers_get_408_however_they_drip() -> None:
    async with served(GatewaySettings(head_seconds=0.2)) as one, one.client() as client:
        for byte in HEAD[:30]:
            await client.send(bytes([byte]))
            await anyio.sleep(0.01)
        status, _, body = await client.answer()

        assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
        assert await client.rest() == b""


async def test_slow_headers_of_a_second_request_get_408() -> None:
    async with served(GatewaySettings(head_seconds=0.2)) as one, one.client() as client:
        await client.send(request())
        await client.answer()
        await anyio.sleep(0.3)  # between requests there is no hurry
        await client.send(HEAD)
        status, _, _ = await client.answer()

    assert status == 408


async def test_a_connection_without_a_word_is_closed_without_one() -> None:
    async with served(GatewaySettings(head_seconds=0.1)) as one, one.client() as client:
        assert await client.rest() == b""


@pytest.mark.parametrize("already", [0, 20], ids=["nothing", "a part of the head"])
async def test_a_request_that_came_while_the_process_stood_still_is_answered(already: int) -> None:
    """A process may get no CPU for long, or its machine sleeps: the clock ran, and the client was in time."""
    async with served(GatewaySettings(head_seconds=0.2)) as one:
        with socket.create_connection(("127.0.0.1", one.port)) as client:
            client.send(request()[:already])
            await anyio.sleep(0.1)
            client.send(request()[already:])
            time.sleep(0.4)  # noqa: TID251, ASYNC251 - nothing runs in this process meanwhile
            client.setblocking(False)
            with anyio.fail_after(10):
                await anyio.wait_readable(client)

            assert b"HTTP/1.1 200 OK" == client.recv(15)


@pytest.mark.parametrize("streams", [False, True])
async def test_a_connection_that_is_gone_leaves_nothing_to_the_garbage_collector(streams: bool) -> None:
    """It looks seldom; what thousands of connections leave behind would fill the memory meanwhile."""
    gc.disable()
    try:
        async with served() as one:
            async with one.client() as client:
                await client.send(request(question(stream=streams)))
                await client.until(b"[DONE]\n\n\r\n0\r\n\r\n" if streams else b"Hello")
                known = [weakref.ref(each) for each in one.server.server_state.connections]
                assert len(known) == 1
            with anyio.fail_after(10):
                while known[0]() is not None:  # noqa: ASYNC110 - nobody is told when an object is freed
                    await anyio.sleep(0.01)
    finally:
        gc.enable()


async def test_a_slow_body_gets_408() -> None:
    async with served(GatewaySettings(body_seconds=0.1)) as one, one.client() as client:
        await client.send(request()[:-5])
        status, head, body = await client.answer()

        assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
        assert b"connection: close" in head


CONNECT = b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
FORMS: dict[str, bytes] = {
    "two lengths": b"content-length: 4\r\ncontent-length: 50\r\n\r\nabcd",
    "a length and chunks": b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks that are none": b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked before another coding": b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"content-length : 4\r\n\r\nabcd",
    "a header over two lines": b"x: y\r\n content-length: 4\r\n\r\n",
    "a negative length": b"content-length: -4\r\n\r\nabcd",
    "a length with a sign": b"content-length: +4\r\n\r\nabcd",
    "a length in hexadecimal": b"content-length: 0x4\r\n\r\nabcd",
    "a chunk of a strange size": b"transfer-encoding: chunked\r\n\r\n4 x\r\nabcd\r\n0\r\n\r\n",
    "a chunk longer than told": b"transfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
    "a NUL in a header": b"x: a\x00b\r\n\r\n",
    "a bare CR in a header": b"x: a\rcontent-length: 4\r\n\r\n",
}


async def test_no_form_of_smuggling_is_a_request() -> None:
    """One answer at most comes, an error, and the connection is closed: what follows is never a request."""
    async with served() as one:
        for form, bytes_of_it in FORMS.items():
            async with one.client() as client:
                await client.send(HEAD + bytes_of_it + SMUGGLED)
                answer = await client.rest()

            assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ", b"HTTP/1.1 413 ")), (form, answer)
            assert answer.count(b"HTTP/1.1 ") == 1, form
            assert b"smuggled" not in answer


async def test_what_is_no_http_gets_400() -> None:
    async with served() as one:
        for data in (
            b"\x16\x03\x01\x02\x00\x01",
            b"GET\r\n\r\n",
            b"GET http://a:b/ HTTP/1.1\r\n\r\n",
            CONNECT,
        ):
            async with one.client() as client:
                await client.send(data)
                status, _, body = await client.answer()

                assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_http"), data
                assert await client.rest() == b""


async def test_a_wish_for_another_protocol_is_ignored() -> None:
    """As Java's client sends it with its first request."""
    wish = {"connection": "upgrade, http2-settings", "upgrade": "h2c", "http2-settings": "AAEAAEAA"}
    async with served() as one, one.client() as client:
        await client.send(request(headers=wish))
        status, _, body = await client.answer()

        assert status == 200, body
        await client.send(request())
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_second_request_before_the_first_answer_is_not_served(streams: bool, apart: bool) -> None:
    adapter = ScriptedAdapter("one", ["Hel", 0.8 if apart else 0.02, "lo"])
    async with served(adapters=[adapter]) as one, one.client() as client:
        first, second = request(question(stream=streams)), request(question(stream=streams))
        if apart:
            await client.send(first)
            await anyio.sleep(0.03)
            await client.send(second)
        else:
            await client.send(first + second)
        answer = await client.rest()

    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.endswith(b"\r\n0\r\n\r\n" if streams else b"}")
    assert len(adapter.requests) == 1


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("further", [b"", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", request() * 50])
async def test_a_client_that_leaves_ends_the_reply(streams: bool, further: bytes) -> None:
    """Also one that pipelined requests before; within 0.5 s."""
    adapter = ScriptedAdapter("one", [Forever])
    async with served(adapters=[adapter]) as one:
        async with one.client() as client:
            await client.send(request(question(stream=streams)) + further)
            await anyio.sleep(0.05)
            assert one.gateway.running == 1
        with promptly(0.5), anyio.fail_after(20):
            while one.gateway.running:  # noqa: ASYNC110 - what is measured is the end, seen from outside
                await anyio.sleep(0.005)


async def test_an_answer_that_breaks_off_has_no_last_chunk_and_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adapter = ScriptedAdapter("one", ["Hel", Unfinished])
    with caplog.at_level(logging.INFO):
        async with served(adapters=[adapter]) as one, one.client() as client:
            await client.send(request(question(stream=True)))
            answer = await client.rest()

    assert b'"error":' in answer
    assert b"[DONE]" not in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert "end='failed'" in caplog.text


async def test_a_failure_before_content_is_a_status() -> None:
    async with served(adapters=[ScriptedAdapter("one", [ServiceFailed])]) as one:
        status, _, body = await one.ask(request(question(stream=True)))

    assert status == 503
    assert json.loads(body)["error"]["code"] == "no_provider"


async def test_a_client_that_does_not_read_gives_back_pressure() -> None:
    produced = 0

    class Endless(ScriptedAdapter):
        async def stream(self, request):
            nonlocal produced
            while True:
                produced += 1
                yield Delta(text="x" * 10_000)
                await anyio.lowlevel.checkpoint()

    async with served(adapters=[Endless("one", "")]) as one:
        async with one.client() as client:
            await client.send(request(question(stream=True)))
            before = -1
            while before < produced < 2000:
                before = produced
                await anyio.sleep(0.2)

            assert 0 < produced < 2000, "it goes on although nobody reads"
        with promptly(0.5), anyio.fail_after(20):
            while one.gateway.running:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.005)
