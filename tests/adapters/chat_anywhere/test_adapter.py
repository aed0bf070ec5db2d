"""Both protocols of ChatAnywhere: the old one against its simulator and bytes, the API against its errors."""

from __future__ import annotations

import gc
import json
from typing import Any, Final

import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatAnywhere,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    ContextTooLong,
    Delta,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.simulators.chat_anywhere import ChatAnywhereSimulator
from adapters.simulators.openai import OpenAISimulator
from tests.adapters.bodies import ASK, Wire, proved, read, text
from tests.adapters.wire.splits import every_split

pytestmark = pytest.mark.anyio

KEY: Final = "sk-canary-4711-secret"
TEXT: Final = "Grüße, 世界 🦉\n"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def adapter(wire: Wire) -> ChatAnywhere:
    return ChatAnywhere("http://127.0.0.1:9", transport=wire, refusals=["No more today", "太快了"])


async def test_request_has_the_shape_that_the_servers_know() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
    ]
    before = json.dumps(messages)
    async with ChatAnywhereSimulator(text="{prompt}") as simulator:
        adapter = ChatAnywhere(simulator.url)
        deltas, error = await read(adapter, messages, temperature=0.9, max_tokens=7)
        await read(
            adapter, [{"role": "developer", "content": "d"}], model="0", extra={"chat_anywhere": {"x": 1}}
        )
        await adapter.aclose()
    first, second = (received.json() for received in simulator.requests)
    received = simulator.requests[0]

    assert error is None
    assert text(deltas) == "hello"
    assert json.dumps(messages) == before
    assert first == {
        "list": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        "id": first["id"],
        "title": "hello",
        "prompt": "",
        "temperature": 0.9,
        "models": "61490748",
        "continuous": True,
    }
    assert len(first["id"]) == 21
    assert first["id"] != second["id"]
    assert (second["models"], second["x"], second["temperature"]) == ("0", 1, 0.5)
    assert second["list"][0]["role"] == "system"
    assert received.target == "/v1/chat/gpt/"
    assert received.header("accept") == "application/json, text/plain, */*"
    assert received.header("origin") == simulator.url
    assert received.header("referer") == f"{simulator.url}/"
    assert received.header("authorization") == ""
    assert (received.header("user-agent") or "").startswith("chat-router/")


async def test_framed_end_is_the_proof_and_a_body_that_closes_is_not() -> None:
    ends = []
    for framed in (True, False):
        async with ChatAnywhereSimulator(framed=framed) as simulator:
            adapter = ChatAnywhere(simulator.url)
            deltas, error = await read(adapter)
            await adapter.aclose()
        ends.append(deltas[-1])

        assert error is None
        assert text(deltas) == ChatAnywhereSimulator.default_text

    assert ends == [Delta(finish_reason="stop", ends=True), Delta(ends=True)]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", ConnectFailed),
        ("close", ConnectionLost),
        ("401", AuthenticationFailed),
        ("404", NotWorking),
        ("429", RateLimited),
        ("503", ServiceFailed),
        ("html", BadReply),
        ("json_error", ServiceFailed),
        ("refusal", QuotaExhausted),
        ("redirect", BadReply),
    ],
)
async def test_faults_before_content_are_told_by_their_cause(fault: str, kind: type[AdapterError]) -> None:
    async with ChatAnywhereSimulator(fault=fault) as simulator:
        adapter = ChatAnywhere(simulator.url)
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert type(error) is kind
    assert deltas == []
    assert str(error).startswith("chat_anywhere: POST /v1/chat/gpt/")
    assert simulator.unknown == []
    gc.collect()


async def test_empty_answer_is_left_to_the_router() -> None:
    async with ChatAnywhereSimulator(fault="empty") as simulator:
        adapter = ChatAnywhere(simulator.url)
        result = await read(adapter)
        await adapter.aclose()

    assert result == ([], None)


async def test_closing_early_leaves_nothing_and_the_end_keeps_the_connection() -> None:
    async with ChatAnywhereSimulator(text="word " * 20) as simulator:
        adapter = ChatAnywhere(simulator.url)
        await read(adapter)
        await read(adapter)
        connections = simulator.connections
        stream = adapter.stream(ChatRequest.build(ASK))
        async for _ in stream:
            break
        await stream.aclose()
        await simulator.drained()
        await adapter.aclose()

    assert connections == 1
    assert simulator.open_connections == 0
    gc.collect()


async def test_bytes_may_be_split_anywhere(adapter: ChatAnywhere, wire: Wire) -> None:
    for pieces in every_split(TEXT.encode()):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert error is None
        assert (text(deltas), deltas[-1].finish_reason) == (TEXT, "stop")


async def test_cut_after_every_byte_is_an_error_where_the_body_is_framed(
    adapter: ChatAnywhere, wire: Wire
) -> None:
    body = TEXT.encode()
    for n in range(len(body) + 1):
        wire.put(body[:n], cut=True)
        deltas, error = await read(adapter)

        assert isinstance(error, ConnectionLost)
        assert TEXT.startswith(text(deltas))
        assert not proved(deltas)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("No more today", RateLimited),
        (" No more today, come back tomorrow\n", RateLimited),
        ("太快了！", RateLimited),
        ('{"error": "quota"}', ServiceFailed),
        ('{"code": 429, "msg": "too many requests"}', RateLimited),
        ('{\n "message": "wrong api key"}', AuthenticationFailed),
        ("<!DOCTYPE html><html><body>hi</body></html>", BadReply),
        ("\ufeff\n<html lang='zh'>", BadReply),
    ],
)
async def test_what_is_no_reply_is_an_error_with_status_200(
    adapter: ChatAnywhere, wire: Wire, body: str, kind: type[AdapterError]
) -> None:
    for pieces in every_split(body.encode()):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert (type(error), deltas) == (kind, [])
        assert error is not None
        assert error.status == 200


@pytest.mark.parametrize(
    "body",
    [
        "They said: No more today",
        "No more",
        "No more today" + " and so on" * 40,
        "<b>bold</b> <html>",
        "<",
        '{"a": 1}',
        '{"message": "hi", "to": "you"}',
        '{"error": null}',
        '{"error": "' + "x" * 5000 + '"}',
        '{"error',
        "{",
        "   ",
        "太快",
    ],
)
async def test_text_that_only_looks_like_a_refusal_is_delivered_whole(
    adapter: ChatAnywhere, wire: Wire, body: str
) -> None:
    data = body.encode()
    for pieces in ([data], [data[n : n + 1] for n in range(len(data))]):
        wire.put(*pieces)
        deltas, error = await read(adapter)

        assert error is None
        assert (text(deltas), proved(deltas)) == (body, True)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/html", "<p>Sorry</p>", BadReply),
        ("text/html; charset=utf-8", "plain words", BadReply),
        ("application/pdf", "plain words", BadReply),
        ("application/json", "plain words", BadReply),
        ("application/json", '{"answer": 42}', BadReply),
        ("application/json", '{"code": 429, "msg": "too many requests"}', RateLimited),
        ("application/json", '{"message": "wrong api key"}', AuthenticationFailed),
    ],
)
async def test_a_content_type_that_is_no_text_is_no_reply(
    adapter: ChatAnywhere, wire: Wire, kind: str, body: str, expected: type[AdapterError]
) -> None:
    wire.put(body.encode(), headers={"transfer-encoding": "chunked", "content-type": kind})
    deltas, error = await read(adapter)

    assert (deltas, type(error)) == ([], expected)
    assert error is not None
    assert error.status == 200


async def test_invalid_bytes_become_replacement_characters(adapter: ChatAnywhere, wire: Wire) -> None:
    wire.put(b"a\xff\xe4\xb8", headers={"content-type": "text/plain; charset=gbk"})
    deltas, error = await read(adapter)

    assert error is None
    assert text(deltas) == "a\ufffd\ufffd"
    assert deltas[-1] == Delta("\ufffd", ends=True)


async def test_with_a_key_it_speaks_the_api() -> None:
    async with OpenAISimulator(api_key=KEY, text="hello") as simulator:
        adapter = ChatAnywhere(f"{simulator.url}/v1", api_key=KEY)
        deltas, error = await read(adapter)
        result = await adapter.probe()
        await adapter.aclose()
    sent = simulator.requests[0].json()

    assert error is None
    assert (text(deltas), deltas[-1].finish_reason) == ("hello", "stop")
    assert sent["model"] == "gpt-4o-mini"
    assert result.working
    assert adapter.capabilities.tools
    assert KEY not in repr(adapter) + str(vars(adapter))


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "429 TOO_MANY_REQUESTS", "达到了每日请求限制", RateLimited),
        (403, "403 FORBIDDEN", "免费API限制使用gpt-4，如需使用请购买", ModelNotFound),
        (403, "403 FORBIDDEN", "免费API限制模型输入token小于4096，如有更多需求，请访问", ContextTooLong),
        (403, "403 FORBIDDEN", "余额不足", QuotaExhausted),
        (401, "401 UNAUTHORIZED", f"ApiKey错误 {KEY}", AuthenticationFailed),
        (401, None, "limit to use gpt-3.5-turbo and embeddings", ModelNotFound),
    ],
)
async def test_errors_of_the_api_are_told_by_their_words(
    wire: Wire, status: int, code: str | None, message: str, kind: type[AdapterError]
) -> None:
    adapter = ChatAnywhere("http://127.0.0.1:9/v1", api_key=KEY, transport=wire)
    payload = {"error": {"message": message, "type": "chatanywhere_error", "param": None, "code": code}}
    wire.put(json.dumps(payload).encode() if code else message.encode(), status=status)
    _, error = await read(adapter)

    assert type(error) is kind
    assert KEY not in str(error)


def test_defaults_say_where_each_protocol_lives() -> None:
    web, api = ChatAnywhere(), ChatAnywhere(api_key=KEY)

    assert (web.base_url, web.working, web.model) == ("https://chatanywhere.cn", False, "61490748")
    assert (api.base_url, api.working, api.model) == ("https://api.chatanywhere.tech/v1", None, "gpt-4o-mini")
    assert "base_url" in web.working_reason


async def test_probe_of_the_old_protocol_costs_nothing_and_proves_nothing() -> None:
    async with ChatAnywhereSimulator() as simulator:
        adapter = ChatAnywhere(simulator.url)
        result = await adapter.probe()
        await adapter.aclose()
    gone = await adapter.probe()
    await adapter.aclose()

    assert result.working is None
    assert gone.working is False
    assert simulator.turns == 0


@pytest.mark.parametrize("refusals", ["one text", [""], [1]])
def test_refusals_that_would_refuse_everything_are_refused(refusals: Any) -> None:
    with pytest.raises(ValueError, match="refusals"):
        ChatAnywhere("http://127.0.0.1:9", refusals=refusals)
