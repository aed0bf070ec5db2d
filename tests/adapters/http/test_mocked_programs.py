"""A user's whole program, mocked or watched inside httpx: nothing of it talks to the network behind that."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters import OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from router import AllProvidersFailed, RetryPolicy, Router

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
HELLO = [{"role": "user", "content": "Hello"}]
SSE = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

PROGRAM = """
import httpx
import pytest
from adapters import OpenAICompatible
from router import AllProvidersFailed, RetryPolicy, Router

pytestmark = pytest.mark.anyio
FIRST, SECOND = "http://127.0.0.1:{port}/first/v1", "http://127.0.0.1:{port}/second/v1"
HELLO = [{{"role": "user", "content": "Hello"}}]
SSE = {sse!r}


def chain():
    return [OpenAICompatible(FIRST, model="m", name="a"), OpenAICompatible(SECOND, model="m", name="b")]


async def test_the_program_fails_over_between_mocked_answers(httpx_mock):
    httpx_mock.add_response(url=FIRST + "/chat/completions", status_code=500)
    httpx_mock.add_response(url=SECOND + "/chat/completions", content=SSE)
    async with Router(chain()) as router:
        async with await router.stream(HELLO) as reply:
            assert "Hi" == "".join([delta.text async for delta in reply])
    assert [request.url.path.split("/")[1] for request in httpx_mock.get_requests()] == ["first", "second"]


async def test_a_mocked_exception_is_a_failure_of_the_connection(httpx_mock):
    httpx_mock.add_exception(httpx.ConnectError("no"), url=FIRST + "/chat/completions")
    httpx_mock.add_response(url=SECOND + "/chat/completions", content=SSE)
    async with Router(chain()) as router:
        reply = await router.complete(HELLO)
    assert ("Hi", "b") == (reply.text, reply.provider)


@pytest.mark.httpx_mock(assert_all_requests_were_expected=False)
async def test_what_nobody_mocked_fails(httpx_mock):
    with pytest.raises(AllProvidersFailed):
        async with Router(chain(), retry=RetryPolicy(attempts=1)) as router:
            await router.complete(HELLO)
    assert 2 == len(httpx_mock.get_requests())
"""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port at which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture
def base(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def test_a_program_mocked_by_pytest_httpx(tmp_path: Path, listening: socket.socket) -> None:
    """In a process of its own, so that its plugin is in no other test's way."""
    program = PROGRAM.format(port=listening.getsockname()[1], sse=SSE)
    (tmp_path / "test_program.py").write_text(program)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        ".",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "6 passed" in done.stdout, done.stdout


@pytest.mark.anyio
async def test_a_program_mocked_by_the_fixture_of_respx(respx_mock: respx.MockRouter, base: str) -> None:
    first = respx_mock.post(f"{base}/chat/completions").mock(
        side_effect=[httpx.ConnectError("no"), httpx.Response(429, headers={"retry-after": "7"})]
    )
    second = respx_mock.post("http://second.test/v1/chat/completions").respond(200, content=SSE)
    chain = [
        OpenAICompatible(base, model="m", name="a"),
        OpenAICompatible("http://second.test/v1", model="m", name="b"),
    ]
    async with Router(chain) as router:
        said = [await router.complete(HELLO) for _ in range(2)]

    assert [("Hi", "b")] * 2 == [(reply.text, reply.provider) for reply in said]
    assert (2, 2) == (first.call_count, second.call_count)


@pytest.mark.anyio
@pytest.mark.parametrize("using", ["httpcore", "httpx"])
async def test_a_program_under_a_base_url_of_respx(using: str, base: str) -> None:
    async with respx.mock(base_url=base, using=using) as mock:
        mock.post("/chat/completions", json__model="m").respond(200, content=SSE)
        router = Router([OpenAICompatible(base, model="m")])
        async with router, await router.stream(HELLO) as reply:
            assert "Hi" == "".join([delta.text async for delta in reply])


@pytest.mark.anyio
async def test_what_respx_does_not_know_fails(respx_mock: respx.MockRouter, base: str) -> None:
    async with Router([OpenAICompatible(base, model="m")], retry=RetryPolicy(attempts=1)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO)


def spans() -> tuple[InMemorySpanExporter, TracerProvider]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider


@pytest.mark.anyio
async def test_a_program_instrumented_by_opentelemetry() -> None:
    exporter, provider = spans()
    instrumentor = HTTPXClientInstrumentor()
    async with OpenAISimulator(text="Hi") as simulator:
        instrumentor.instrument(tracer_provider=provider)
        try:
            async with Router([OpenAICompatible(f"{simulator.url}/v1", model="m")]) as router:
                assert "Hi" == (await router.complete(HELLO)).text
        finally:
            instrumentor.uninstrument()

    assert ["POST"] == [span.name for span in exporter.get_finished_spans()]


@pytest.mark.anyio
async def test_a_transport_of_opentelemetry_that_is_handed_in() -> None:
    exporter, provider = spans()
    async with OpenAISimulator(text="Hi") as simulator:
        transport = AsyncOpenTelemetryTransport(httpx.AsyncHTTPTransport(), tracer_provider=provider)
        adapter = OpenAICompatible(f"{simulator.url}/v1", model="m", transport=transport)
        async with Router([adapter]) as router:
            assert "Hi" == (await router.complete(HELLO)).text

    assert ["POST"] == [span.name for span in exporter.get_finished_spans()]
