"""The adapter over HTTP of docs/guides/adapters.md, against a server that speaks as Ollama does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters import HTTPAdapter, ModelNotFound, ServiceFailed, check_adapter
from adapters.http import Answer, Session
from router import AllProvidersFailed, Router, StreamInterrupted
from tests.docs.pages import blocks, read
from tests.docs.running import run
from tests.docs.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

PAGE: Final = "docs/guides/adapters.md"
MODULE: Final = run(next(block for block in blocks("python") if block.page == PAGE and block.apart), {})
pytestmark = pytest.mark.anyio
HELLO: Final = [{"role": "user", "content": "Hello"}]


async def _chat(request: Request) -> Response:
    body: dict[str, Any] = await request.json()
    if body["model"] == "lost":
        return JSONResponse({"error": "model 'lost' not found"}, 404)

    async def lines() -> AsyncIterator[str]:
        for word in f"You said: {body['messages'][-1]['content']}".split(" "):
            yield json.dumps({"message": {"content": f"{word} "}, "done": False}) + "\n"
            await anyio.lowlevel.checkpoint()
        fails = body["model"] == "big"
        last = {"error": "out of memory"} if fails else {"message": {"content": ""}, "done": True}
        yield json.dumps(last) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def _tags(_: Request) -> Response:
    return JSONResponse({"models": [{"name": "small"}]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    routes = [Route("/api/chat", _chat, methods=["POST"]), Route("/api/tags", _tags)]
    with serving(Starlette(routes=routes)) as address:
        yield address


async def test_it_answers_in_a_router(url: str) -> None:
    adapter = MODULE.Ollama(url, models={"quick": "small"})
    async with Router([adapter]) as router:
        found = await adapter.probe()
        reply = await router.complete(HELLO, "quick")

    assert (reply.text, reply.provider, reply.finish_reason) == ("You said: Hello ", "ollama", "stop")
    assert (found.working, found.models) == (True, ("small",))


async def test_a_model_that_the_server_lacks_is_said_so(url: str) -> None:
    async with Router([MODULE.Ollama(url, model="lost")]) as router:
        with pytest.raises(AllProvidersFailed, match="has no such model") as failed:
            await router.complete(HELLO)

    assert isinstance(failed.value.causes[0], ModelNotFound)


async def test_an_error_within_the_reply_breaks_it_off(url: str) -> None:
    async with Router([MODULE.Ollama(url, model="big")]) as router:
        with pytest.raises(StreamInterrupted) as broken:
            await router.complete(HELLO)

    assert isinstance(broken.value.__cause__, ServiceFailed)
    assert "out of memory" in str(broken.value.__cause__)


async def test_it_keeps_the_contract(url: str) -> None:
    await check_adapter(lambda: MODULE.Ollama(url, model="small"))


def test_every_part_of_the_table_is_there() -> None:
    owners: dict[str, type] = {"self": HTTPAdapter, "session": Session, "answer": Answer}
    named = re.findall(r"^\| `(self|session|answer)\.(\w+)", read(PAGE), re.MULTILINE)

    assert len(named) > 15
    # Attributes that are set in a constructor stand in the slots.
    assert [] == [f"{owner}.{name}" for owner, name in named if not hasattr(owners[owner], name)]
