"""Whatever a client sends, it gets an answer or an error in its API's own shape, no failure of ours."""

from __future__ import annotations

import copy
import json
from typing import Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters import ScriptedAdapter
from router import Router
from tests.depth import how_many
from tests.router.gateway.dialects.gateways import in_process

DATA = {"type": "base64", "media_type": "image/png", "data": "aGk="}
MESSAGES: dict[str, Any] = {
    "model": "auto",
    "max_tokens": 10,
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "source": DATA}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "first:sig:eA=="},
                {"type": "redacted_thinking", "data": "first:sig:eA=="},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "x"}, {"type": "image", "source": DATA}],
                },
                {"type": "document", "source": {"type": "text", "data": "doc"}, "title": "T"},
            ],
        },
    ],
    "tools": [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "top_k": 5,
    "metadata": {"user_id": "me"},
    "stream": False,
}
RESPONSES: dict[str, Any] = {
    "model": "auto",
    "instructions": "Be brief.",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hi"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
            ],
        },
        {"type": "reasoning", "id": "r", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [
                {"type": "input_text", "text": "x"},
                {"type": "input_file", "file_data": "data:a/b;base64,aGk="},
            ],
        },
    ],
    "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}],
    "tool_choice": {"type": "function", "name": "look"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
    "metadata": {"a": "b"},
    "temperature": 0.5,
    "max_output_tokens": 10,
    "store": False,
    "stream": False,
}
BODIES = {"/v1/messages": MESSAGES, "/v1/responses": RESPONSES}

STRANGE = st.sampled_from(
    ["", "\ud800", "\x00", "text", "tool_use", "message", 10**400, float("nan"), 1e308, -1]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | STRANGE | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "role", "content", "name", "\ud800"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


@st.composite
def changed(draw: st.DrawFn, body: dict[str, Any]) -> Any:
    """Draw a body that is right, but for up to three places."""
    wrapped = {"body": copy.deepcopy(body)}
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_places(wrapped)[1:] or [("body",)]))
        holder: Any = wrapped
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()) and isinstance(holder, dict) and len(path) > 1:
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(JSON)
    return wrapped["body"]


def _checked(path: str, status: int, content: bytes) -> None:
    assert status == 200 or 400 <= status < 500, content
    if content.startswith(b"event: "):
        assert content.rpartition(b"event: ")[2].startswith((b"message_stop\n", b"response.completed\n"))
        return
    told = json.loads(content)
    if status == 200:
        assert told["id"].startswith("msg_" if path == "/v1/messages" else "resp_")
    elif path == "/v1/messages":
        assert told["type"] == "error"
        assert told["error"].keys() == {"type", "message"}
        assert "has a bug" not in told["error"]["message"]
    else:
        assert told["error"].keys() == {"message", "type", "param", "code"}
        assert "has a bug" not in told["error"]["message"]


def _sent(backend: str, path: str, body: bytes) -> None:
    async def send() -> None:
        async with Router([ScriptedAdapter("first", "ok")]) as router, in_process(router) as http:
            answer = await http.post(path, content=body)
            _checked(path, answer.status_code, answer.content)

    anyio.run(send, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("path", list(BODIES))
def test_a_full_request_is_taken(path: str, backend: str) -> None:
    async def send() -> None:
        async with Router([ScriptedAdapter("first", "ok")]) as router, in_process(router) as http:
            answer = await http.post(path, json=BODIES[path])
            assert answer.status_code == 200, answer.text

    anyio.run(send, backend=backend)


@pytest.mark.parametrize("path", list(BODIES))
@settings(max_examples=how_many(400))
@given(data=st.data())
def test_a_changed_request_is_answered_or_refused(path: str, data: st.DataObject) -> None:
    body = data.draw(changed(BODIES[path]))
    _sent(data.draw(st.sampled_from(["asyncio", "trio"])), path, json.dumps(body).encode())


@pytest.mark.parametrize("path", list(BODIES))
@settings(max_examples=how_many(100))
@given(body=st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()))
@example(body=b"[" * 5000)
@example(body=b'{"model": "\\ud800", "max_tokens": 1, "messages": [], "input": "Hi"}')
@example(body=b'{"model": "auto", "input": "Hi", "reasoning": {"summary": "\\ud800"}}')
@example(body=b"")
def test_any_bytes_are_answered_or_refused(path: str, body: bytes) -> None:
    _sent("asyncio", path, body)
