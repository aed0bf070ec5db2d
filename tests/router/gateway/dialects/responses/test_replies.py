"""Whatever a provider answers, OpenAI's own client makes the same of it, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import anyio
import openai
import pytest
from hypothesis import given, settings

from adapters import ScriptedAdapter
from adapters.contract import Beside, Delta
from router import Router
from tests.depth import how_many
from tests.router.gateway.dialects.gateways import in_process
from tests.router.gateway.dialects.replies import calls_of, reasoning_of, replies, text_of


async def _asked(deltas: list[Delta], *, streams: bool) -> Any:
    async with (
        Router([ScriptedAdapter("first", deltas)]) as router,
        in_process(router) as http,
        openai.AsyncOpenAI(base_url="http://gateway/v1", api_key="key", http_client=http) as client,
    ):
        if not streams:
            return await client.responses.create(model="auto", input="Hello?")
        cut = deltas[-1].finish_reason == "length"
        if not cut:
            async with client.responses.stream(model="auto", input="Hello?") as stream:
                return await stream.get_final_response()
        # The helper knows no end but `response.completed`.
        events = [
            event async for event in await client.responses.create(model="auto", input="Hello?", stream=True)
        ]
        assert events[-1].type == "response.incomplete"
        assert [event.sequence_number for event in events] == list(range(len(events)))
        return events[-1].response


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=how_many(60))
@given(deltas=replies())
def test_the_client_gets_the_reply(backend: str, streams: bool, deltas: list[Delta]) -> None:
    async def ask() -> Any:
        return await _asked(deltas, streams=streams)

    response = anyio.run(ask, backend=backend)
    thought = "".join(
        part.text for item in response.output if item.type == "reasoning" for part in item.summary
    )
    called = [
        (item.name, json.loads(item.arguments or "{}"))
        for item in response.output
        if item.type == "function_call"
    ]
    assert (response.output_text, thought, called) == (
        text_of(deltas), reasoning_of(deltas), calls_of(deltas),
    )  # fmt: skip
    cut = deltas[-1].finish_reason == "length"
    assert response.status == ("incomplete" if cut else "completed")
    assert (response.incomplete_details is not None) is cut
    usage = deltas[-1].usage
    if usage is None:
        assert response.usage is None
    else:
        assert response.usage.input_tokens == usage.prompt_tokens
        assert response.usage.output_tokens == usage.completion_tokens


async def test_citations_of_web_pages_are_handed_on(anyio_backend: str) -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "A"}}
    deltas = [Delta("See."), Delta(beside=Beside(annotations=(note,))), Delta(finish_reason="stop")]
    for streams in (True, False):
        response = await _asked(deltas, streams=streams)
        cited = response.output[0].content[0].annotations
        assert [(each.type, each.url, each.title) for each in cited] == [
            ("url_citation", "https://example.org", "A")
        ]
