"""HTTP/2 against a real server of it, and what is said where its package is missing."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
import trustme
from anyio.from_thread import start_blocking_portal
from hypercorn.asyncio import serve
from hypercorn.config import Config

from adapters import AdapterError, OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from tests.adapters.bodies import read, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class App:
    """An ASGI application that streams a completion; it keeps by which version it was asked."""

    def __init__(self) -> None:
        self.versions: list[str] = []
        self.clients: set[Any] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.versions.append(scope["http_version"])
        self.clients.add(tuple(scope["client"]))
        while (await receive()).get("more_body"):
            pass
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        for piece in (CHUNK, CHUNK, END):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await anyio.sleep(0.01)
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def hypercorn(app: App, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Serve an application over TLS with HTTP/2; yields its address, and the file of its authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = str(folder / "server.pem"), str(folder / "server.key")
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0.1
    with start_blocking_portal("asyncio") as portal:  # a loop of its own, whatever the test runs on
        over = portal.call(anyio.Event)

        async def run() -> None:
            await serve(app, config, shutdown_trigger=over.wait)

        ended = portal.start_task_soon(run)
        for _ in range(100):
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                break
            except OSError:
                await anyio.sleep(0.02)
        try:
            yield f"https://127.0.0.1:{port}/v1", str(folder / "ca.pem")
        finally:
            portal.call(over.set)
            await anyio.to_thread.run_sync(ended.result)


async def test_replies_stream_over_http2_side_by_side_on_one_connection(tmp_path: Path) -> None:
    app, texts = App(), []
    async with hypercorn(app, tmp_path) as (url, ca):
        adapter = OpenAICompatible(url, http2=True, verify={"ca": ca}, model="m")

        async def ask() -> None:
            deltas, error = await read(adapter)
            assert error is None
            texts.append(text(deltas))

        await ask()
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
        shown = repr(adapter)
        await adapter.aclose()

    assert texts == ["word word "] * 4
    assert app.versions == ["2"] * 4
    assert len(app.clients) == 1
    assert "over httpx, with HTTP/2" in shown


async def test_a_service_without_http2_is_an_error_of_ours() -> None:
    async with OpenAISimulator() as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", http2=True, model="m")
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert not deltas
    assert isinstance(error, AdapterError)


def test_a_missing_package_is_told_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.stock.find_spec", lambda name: None)

    with pytest.raises(ValueError, match=r"http2=True needs the package h2: pip install '.\[http2\]'"):
        OpenAICompatible("http://localhost/v1", http2=True)
    with pytest.raises(TypeError, match="http2 is str"):
        OpenAICompatible("http://localhost/v1", http2="yes")  # type: ignore[arg-type]  # the mistake
