"""Where another provider takes over in the middle: both clients are told, and read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from adapters import ScriptedAdapter
from adapters.contract import Delta, ToolCallFragment
from adapters.contract.errors import ServiceFailed
from router import Router
from tests.router.gateway.dialects.gateways import QUESTION, in_process

if TYPE_CHECKING:
    import httpx2

CALL = Delta(tool_calls=(ToolCallFragment(0, "c1", "look", '{"at": 1}'),))


def _chain() -> Router:
    first = ScriptedAdapter("first", [Delta(reasoning="Hm."), "Once", ServiceFailed])
    second = ScriptedAdapter("second", ["Twice", CALL, Delta(finish_reason="tool_calls")])
    return Router([first, second], on_interruption="restart")


async def _events(http: httpx2.AsyncClient, path: str, body: dict[str, object]) -> str:
    answer = await http.post(path, json={**body, "model": "auto", "stream": True})
    assert answer.status_code == 200
    return answer.text


async def test_a_restart_is_told_to_clients_of_anthropic(anyio_backend: str) -> None:
    async with _chain() as router, in_process(router) as http:
        body = {"max_tokens": 9, "messages": QUESTION}
        text = await _events(http, "/v1/messages", body)
        assert (
            '"chat_router":{"switch":{"kind":"restart","left":"first","taken_by":"second","shown":4}}' in text
        )
    async with _chain() as router, in_process(router) as http:
        client = anthropic.AsyncAnthropic(base_url="http://gateway", api_key="key", http_client=http)
        async with client.messages.stream(model="auto", max_tokens=9, messages=QUESTION) as stream:
            message: Any = await stream.get_final_message()
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "text", "text", "tool_use"]
    assert (message.content[2].text, message.content[3].input) == ("Twice", {"at": 1})


async def test_a_restart_is_told_to_clients_of_responses(anyio_backend: str) -> None:
    async with _chain() as router, in_process(router) as http:
        text = await _events(http, "/v1/responses", {"input": "Hi"})
        assert '"chat_router":{"switches":[{"kind":"restart"' in text
    async with _chain() as router, in_process(router) as http:
        client = openai.AsyncOpenAI(base_url="http://gateway/v1", api_key="key", http_client=http)
        async with client.responses.stream(model="auto", input="Hi") as stream:
            response = await stream.get_final_response()
    assert response.output_text == "Twice"
    assert [item.type for item in response.output] == ["message", "function_call"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
async def test_a_call_that_nobody_names_is_told_at_the_end(path: str, anyio_backend: str) -> None:
    piece = Delta(tool_calls=(ToolCallFragment(0, "c1", None, "{}"),))
    async with (
        Router([ScriptedAdapter("first", [piece, Delta(finish_reason="tool_calls")])]) as router,
        in_process(router) as http,
    ):
        text = await _events(
            http, path, {"max_tokens": 9, "messages": QUESTION} if "mess" in path else {"input": "Hi"}
        )
        assert '"name":"unknown"' in text
