"""The application of docs/guides/streaming.md, served by uvicorn, with clients that stay and that leave."""

from __future__ import annotations

import logging
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.routing import Route

from adapters import ScriptedAdapter
from adapters.simulators.openai import OpenAISimulator
from router import Router, StreamInterrupted
from tests.docs.pages import blocks
from tests.docs.running import run
from tests.docs.serving import PATIENCE, serving, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

APP, FILTER, SHORT, *_ = (block for block in blocks("python") if block.page == "docs/guides/streaming.md")


def _with_a_router(chat: Callable[[Request], Awaitable[Response]]) -> Starlette:
    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        async with Router([ScriptedAdapter("demo", ["Hel", "lo"])]) as application.state.router:
            yield

    return Starlette(routes=[Route("/chat", chat, methods=["POST"])], lifespan=lifespan)


@contextmanager
def served(**script: Any) -> Iterator[tuple[str, OpenAISimulator]]:
    """Serve the page's application in front of a simulated service."""
    simulator = OpenAISimulator(**script)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(simulator):
        application = run(APP, {"http://127.0.0.1:8002": simulator.url}).app
        with serving(application) as url:
            yield f"{url}/chat", simulator


def test_a_client_that_stays_reads_the_whole_reply() -> None:
    with served(text="You said: {prompt}") as (url, simulator):
        answer = httpx.post(url, json={"text": "Hello"}, timeout=PATIENCE)

        assert (answer.status_code, answer.text) == (200, "You said: Hello")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        until(lambda: simulator.running == 0)


def test_a_client_that_leaves_in_the_middle_ends_the_reply_at_the_service() -> None:
    with served(text="word " * 5000, delay=0.02) as (url, simulator):
        with httpx.stream("POST", url, json={"text": "Hello"}, timeout=PATIENCE) as answer:
            texts = answer.iter_text()  # dropped, it would close the connection
            assert next(texts).startswith("word")
            assert simulator.running == 1

        until(lambda: simulator.running == 0 and simulator.open_connections == 0)


def test_a_client_that_leaves_before_the_first_content_ends_the_request() -> None:
    with served(fault="stall_headers") as (url, simulator):
        address = httpx.URL(url)
        body = b'{"text": "Hello"}'
        head = ["POST /chat HTTP/1.1", "Host: test", "Content-Type: application/json"]
        head += [f"Content-Length: {len(body)}", "", ""]
        with socket.create_connection((address.host, address.port), PATIENCE) as client:
            client.sendall("\r\n".join(head).encode() + body)
            until(lambda: simulator.turns == 1)
            assert simulator.running == 1

        until(lambda: simulator.running == 0 and simulator.open_connections == 0)


def test_the_response_serves_in_starlette_too() -> None:
    module = run(APP, {})

    async def chat(request: Request) -> Response:
        response: Response = module.ReplyResponse(request.app.state.router.stream(await request.json()))
        return response

    with serving(_with_a_router(chat)) as url:
        answer = httpx.post(f"{url}/chat", json=[{"role": "user", "content": "Hi"}], timeout=PATIENCE)

    assert (answer.status_code, answer.text) == (200, "Hello")


def test_the_filter_keeps_out_replies_that_broke_off_and_nothing_else() -> None:
    logger = logging.getLogger("uvicorn.error")
    before = list(logger.filters)
    try:
        is_news = run(FILTER, {}).is_news
    finally:
        logger.filters[:] = before
    broke_off = StreamInterrupted.__new__(StreamInterrupted)

    def told(error: BaseException | None) -> bool:
        info = None if error is None else (type(error), error, None)
        return bool(is_news(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "said", (), info)))

    group = ExceptionGroup("unhandled", [ExceptionGroup("inner", [broke_off])])
    assert [told(group), told(ExceptionGroup("other", [ValueError()])), told(None)] == [False, True, True]


def test_the_shorter_variant_serves() -> None:
    module = run(SHORT, {})

    async def chat(request: Request) -> Response:
        response: Response = await module.short_chat(request.app.state.router, "Hi")
        return response

    with serving(_with_a_router(chat)) as url:
        answer = httpx.post(f"{url}/chat", timeout=PATIENCE)

    assert (answer.status_code, answer.text) == (200, "Hello")


def test_a_failure_before_the_first_content_is_a_status() -> None:
    with served(fault="401") as (url, _):
        answer = httpx.post(url, json={"text": "Hello"}, timeout=PATIENCE)

        assert (answer.status_code, answer.json()) == (503, {"error": "AllProvidersFailed"})


def test_a_reply_that_breaks_off_does_not_look_whole(caplog: pytest.LogCaptureFixture) -> None:
    with (
        served(text="some text that is cut", fault="cut") as (url, _),
        caplog.at_level(logging.CRITICAL, "uvicorn.error"),
        pytest.raises(httpx.RemoteProtocolError, match="incomplete"),
    ):
        httpx.post(url, json={"text": "Hello"}, timeout=PATIENCE)
