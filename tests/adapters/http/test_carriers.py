"""What carries a request: our transport, or a client of httpx where a setting, a mock, telemetry needs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from adapters import ConnectionLost, OpenAICompatible
from router import Router
from tests.adapters.http.service import Asker, Service, ask
from tests.adapters.http.transport.peer import Peer, Talk

if TYPE_CHECKING:
    from adapters import Delta

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
SSE = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BASE = "http://provider.test/v1"


async def completed(adapter: OpenAICompatible) -> str:
    async with Router([adapter]) as router:
        return (await router.complete(HELLO)).text


def mocked(request: httpx.Request) -> httpx.Response:
    assert "Hello" in json.loads(request.content)["messages"][0]["content"]
    return httpx.Response(200, content=SSE)


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
async def test_a_provider_mocked_by_respx_is_not_asked(using: str) -> None:
    adapter = OpenAICompatible(BASE, model="m")
    async with respx.mock(using=using) as mock:
        route = mock.post(f"{BASE}/chat/completions").mock(side_effect=mocked)

        assert "a mock" in repr(adapter)
        assert await completed(adapter) == "Hi"
    assert route.call_count == 1
    assert "StreamTransport" in repr(adapter)


@respx.mock
async def test_so_it_is_under_the_decorator() -> None:
    route = respx.post(f"{BASE}/chat/completions").mock(side_effect=mocked)

    assert await completed(OpenAICompatible(BASE, model="m")) == "Hi"
    assert route.called


async def test_a_given_transport_answers() -> None:
    adapter = OpenAICompatible(BASE, model="m", transport=httpx.MockTransport(mocked))

    assert "httpx, over the given MockTransport" in repr(adapter)
    assert await completed(adapter) == "Hi"


async def test_telemetry_of_httpx_sees_the_request() -> None:
    seen: list[Any] = []

    async def hook(span: Any, request: Any) -> None:
        seen.append(request.url)

    async with Service() as service:
        instrumentor = HTTPXClientInstrumentor()
        instrumentor.instrument(async_request_hook=hook)
        try:
            adapter = Asker(service.url)
            stream = adapter.stream(ask("/pieces"))
            said = "".join([delta.text async for delta in stream])
            await adapter.aclose()
        finally:
            instrumentor.uninstrument()

    assert said.startswith("piece 0")
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "StreamTransport"),
        ({"proxy": "http://127.0.0.1:9"}, "through the proxy"),
        ({"trust_env": True}, "trust_env"),
    ],
)
async def test_the_repr_says_what_carries(settings: dict[str, Any], word: str) -> None:
    assert word in repr(Asker("http://127.0.0.1:9", **settings))


def carriers() -> list[Any]:
    return [
        pytest.param(dict, id="ours"),
        pytest.param(lambda: {"trust_env": True}, id="httpx"),
        pytest.param(lambda: {"transport": httpx.AsyncHTTPTransport()}, id="given"),
    ]


ANSWERS = {
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "an error status": b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
}
UNASKED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers"


@pytest.mark.parametrize("settings", carriers())
@pytest.mark.parametrize("behind", sorted(ANSWERS))
@pytest.mark.parametrize("pause", [None, 0.02])
async def test_bytes_behind_an_answer_reach_no_other_request(
    settings: Any, behind: str, pause: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they come with the answer or a little later."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    requests = sent = 0

    async def answer(talk: Talk) -> None:
        nonlocal requests, sent
        while await talk.request():
            requests += 1
            try:
                if pause is None:
                    await talk.send(ANSWERS[behind] + UNASKED)
                else:
                    await talk.send(ANSWERS[behind])
                    await anyio.sleep(pause)
                    await talk.send(UNASKED)
            finally:
                sent += 1

    said: list[str] = []
    async with Peer(answer) as peer:
        adapter = Asker(f"http://127.0.0.1:{peer.port}", **settings())
        for _ in range(4):
            try:
                said.append("".join([d.text async for d in adapter.stream(ask("/x"))]))
            except ConnectionLost:
                said.append("lost")
            except Exception as error:  # noqa: BLE001 - a refusal of the odd answer is as good
                said.append(type(error).__name__)
            if pause is not None:
                # What comes once the next request is on its way, nobody can tell from its answer.
                while sent < requests:  # noqa: ASYNC110 - what is waited for is the peer's
                    await anyio.sleep(0.005)
                await anyio.sleep(pause)
        await adapter.aclose()

    assert "others" not in "".join(said)
    assert said[0] in ("ok", "ServiceFailed")
    assert len(set(said)) == 1, "each request has its own answer"


async def test_a_closed_adapter_ends_what_it_reads() -> None:
    async with Service() as service:
        adapter = Asker(service.url)
        stream = adapter.stream(ask("/pieces/then/silence"))
        first: Delta = await anext(stream)
        errors: list[Exception] = []

        async def read_on() -> None:
            try:
                await anext(stream)
            except ConnectionLost as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_on)
            await anyio.sleep(0.01)
            await adapter.aclose()

    assert first.text == "piece 0 "
    assert "closed meanwhile" in str(errors[0])
