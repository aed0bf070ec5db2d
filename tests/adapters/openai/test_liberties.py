"""Answers as public reports and real servers show them, through the whole adapter and the router."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adapters import ContextTooLong, Limits, OpenAICompatible, ReplyTooLarge
from router import Reply, Router
from tests.adapters.bodies import Wire, proved, read, text

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio

STOP = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
HI = 'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def adapter(wire: Wire) -> OpenAICompatible:
    return OpenAICompatible("http://127.0.0.1:9/v1", model="m", transport=wire)


async def reply_to(adapter: OpenAICompatible, messages: Any = "Hello", **options: Any) -> Reply:
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    router = Router([adapter], observers=[])
    try:
        return await router.complete(messages, **options)
    finally:
        adapter.owner = None


async def test_status_201_is_good_and_202_is_not(adapter: OpenAICompatible, wire: Wire):
    for status, good in ((201, True), (202, False)):
        wire.put((HI + STOP).encode(), status=status)
        deltas, error = await read(adapter)

        assert (good, good) == (proved(deltas), error is None)


async def test_a_field_named_error_is_an_error_with_its_words(adapter: OpenAICompatible, wire: Wire):
    wire.put(b'error: {"code": 400, "message": "maximum context length is 512 tokens"}\n\ndata: [DONE]\n\n')

    _, error = await read(adapter)

    assert isinstance(error, ContextTooLong)
    assert "maximum context length is 512 tokens" in str(error)


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n", ""])
async def test_a_document_is_whole_though_a_line_end_and_silence_follow(
    adapter: OpenAICompatible, wire: Wire, end: str
):
    """The connection breaks behind it, as it does where the peer says nothing more."""
    document = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    wire.put(json.dumps(document).encode() + end.encode(), cut=True)

    deltas, error = await read(adapter)

    assert ("Hi", True, None) == (text(deltas), proved(deltas), error)


async def test_the_id_and_the_rates_of_the_service_stand_in_the_attempt(
    adapter: OpenAICompatible, wire: Wire
):
    headers = {"x-request-id": "req_7", "x-ratelimit-remaining-tokens": "39", "transfer-encoding": "chunked"}
    wire.put((HI + STOP).encode(), headers=headers)

    (attempt,) = (await reply_to(adapter)).attempts

    assert ("req_7", {"x-ratelimit-remaining-tokens": "39"}) == (
        attempt.provider_request_id,
        attempt.rate_limits,
    )


async def test_further_choices_come_where_n_asks_for_them(adapter: OpenAICompatible, wire: Wire):
    other = 'data: {"choices": [{"index": 1, "delta": {"content": "Yo"}, "finish_reason": "stop"}]}\n\n'
    wire.put((HI + STOP + other).encode())

    reply = await reply_to(adapter, n=2)

    assert ("Hi", ["Yo"]) == (reply.text, [choice.text for choice in reply.choices])


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        (Limits(line=64), HI + "data: " + "x" * 100),
        (Limits(empty=5), HI + ": ping\n" * 10),
        (Limits(empty=5), HI + "data: {}\n\n" * 10),
        (Limits(reply=10), HI * 10),
        (Limits(reply=10), json.dumps({"choices": [{"message": {"content": "x" * 20}}]})),
    ],
    ids=["line", "empty lines", "empty events", "reply", "document"],
)
async def test_each_limit_holds(wire: Wire, limits: Limits, body: str):
    adapter = OpenAICompatible("http://127.0.0.1:9/v1", model="m", transport=wire, limits=limits)
    wire.put(body.encode())

    _, error = await read(adapter)

    assert isinstance(error, ReplyTooLarge)


async def test_reasoning_goes_back_within_a_turn_that_calls_tools(adapter: OpenAICompatible, wire: Wire):
    call = {"index": 0, "id": "c", "function": {"name": "now", "arguments": "{}"}}
    delta = {"reasoning_content": "hm", "tool_calls": [call]}
    thinks = {"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]}
    body = b"data: " + json.dumps(thinks).encode() + b"\n\n"
    wire.put(body)
    reply = await reply_to(adapter)
    wire.put(body)

    await reply_to(adapter, [reply.message, reply.message.tool_result(reply.tool_calls[0], {"hour": 12})])
    mine = json.loads(wire.requests[-1].content)["messages"]

    assert ("hm", '{"hour": 12}') == (mine[0]["reasoning_content"], mine[1]["content"])
    assert "reasoning_content" not in reply.message.as_dict()


LENGTH = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "MAX_TOKENS"}]}\n\n'
THINKS = 'data: {"choices": [{"index": 0, "delta": {"reasoning": "hm"}}]}\n\n'


class Same(Wire):
    """Answers every request with the same body."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.bytes = body.encode()

    def answer_to(self, request: httpx.Request) -> httpx.Response:
        self.put(self.bytes)
        return self.answer


@pytest.mark.parametrize("before", ["", THINKS], ids=["nothing", "reasoning"])
async def test_the_limit_of_tokens_without_text_fails_over_and_counts_against_nobody(before: str):
    first, second = Same(before + LENGTH), Same(HI + STOP)
    adapters = [
        OpenAICompatible("http://127.0.0.1:9/v1", model="m", name="first", transport=first),
        OpenAICompatible("http://127.0.0.1:9/v1", model="m", name="second", transport=second),
    ]
    async with Router(adapters, observers=[], on_interruption="restart") as router:
        replies = [
            await router.complete([{"role": "user", "content": f"Hello {number}"}]) for number in range(8)
        ]
        report = router.health()

    assert {("Hi", "second", "stop")} == {(r.text, r.provider, r.finish_reason) for r in replies}
    assert 8 == len(first.requests)  # it is asked each time
    assert all(entry.can_answer for entry in report.providers)
