"""Small inputs from the field, each sent by a server of raw bytes, through the adapter and the router."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import ContentRefused, ContextTooLong, InvalidRequest, OpenAICompatible, RateLimited, Usage
from router import AllProvidersFailed, Reply, RequestAborted, RetryPolicy, Router, StreamInterrupted
from tests.faults.server import FaultServer
from tests.faults.steps import CHUNKED, LAST, Script, chunk, head
from tests.promptly import promptly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

CASES: Final = Path(__file__).parents[3].parent / "shared" / "cases"
GOOD: Final = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "good"}}]}\n\n'
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
HELLO: Final = [{"role": "user", "content": "Hello"}]
ANOTHER: Final = [{"role": "user", "content": "Another"}]
ONCE: Final = RetryPolicy(attempts=1)
TOOL: Final = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
JSON: Final = "application/json"


def case(name: str) -> bytes:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{name} is not there: the cases lie beside the repository, in {CASES.name}")
    return path.read_bytes()


def streamed(body: bytes, pause: float = 0.0, before: int = -1, status: int = 200) -> Script:
    """Send the events of a body, with a pause before each, or before the one of a number."""
    script: list[Any] = [head(status, CHUNKED)]
    for number, event in enumerate(body.split(b"\n\n")):
        if event.strip():
            script += [pause] if pause and before in (-1, number) else []
            script.append(chunk(event + b"\n\n"))
    return (*script, LAST)


def answered(name: str) -> Script:
    """Send a body of JSON with the status in its name."""
    body = case(name)
    return (head(int(name.split(".")[-2]), f"Content-Length: {len(body)}", kind=JSON) + body,)


@asynccontextmanager
async def asking(*scripts: Script, **settings: Any) -> AsyncIterator[tuple[Router, FaultServer]]:
    """Have a router whose only provider plays the scripts in turn, the last one again and again."""
    async with FaultServer(lambda number: scripts[min(number, len(scripts) - 1)]) as server:
        adapter = OpenAICompatible(f"{server.url}/v1", model="m")
        async with Router([adapter], observers=[], retry=ONCE, **settings) as router:
            yield router, server
            await router.aclose()
        await server.drained()


async def reply_to(script: Script, **options: Any) -> Reply:
    async with asking(script) as (router, _):
        return await router.complete(HELLO, **options)


async def error_of(router: Router, messages: Any = HELLO, **options: Any) -> BaseException:
    """Return what the provider's failure was."""
    with pytest.raises((AllProvidersFailed, RequestAborted)) as caught:
        await router.complete(messages, **options)
    error = caught.value.attempts[-1].error
    assert error is not None
    return error


async def test_01_the_whole_text_as_fast_as_it_is_sent() -> None:
    async with (
        asking(streamed(case("01-finish-in-each-chunk.sse"), 0.1)) as (router, _),
        router.stream(HELLO) as stream,
    ):
        came = [(anyio.current_time(), delta.text) async for delta in stream if delta.text]

    assert "Once upon a time." == "".join(text for _, text in came)
    assert ("complete", "stop") == (stream.verdict, stream.finish_reason)
    assert all(0.02 < after - before < 0.5 for (before, _), (after, _) in itertools.pairwise(came))


async def test_03_the_usage_that_comes_late() -> None:
    reply = await reply_to(streamed(case("03-late-usage.sse"), 0.2, before=2))

    assert ("Hi", Usage(3, 2, 5)) == (reply.text, reply.usage)


async def test_04_two_calls_of_index_0() -> None:
    reply = await reply_to(streamed(case("04-two-calls-index-0.sse")), tools=[TOOL])

    assert [("call_1", {"city": "A"}), ("call_2", {"city": "B"})] == [
        (c.id, c.parsed) for c in reply.tool_calls
    ]


async def test_06_name_and_id_in_each_piece() -> None:
    async with (
        asking(streamed(case("06-name-and-id-in-each-piece.sse"))) as (router, _),
        router.stream(HELLO, tools=[TOOL]) as stream,
    ):
        pieces = [piece async for delta in stream for piece in delta.tool_calls]

    assert [("call_1", "weather"), (None, None)] == [(piece.id, piece.name) for piece in pieces]
    assert [{"city": "A"}] == [call.parsed for call in stream.tool_calls]


async def test_07_a_signature_is_sent_back_to_who_sent_it() -> None:
    body = streamed(case("07-thought-signature.sse"))
    async with asking(body, streamed(GOOD)) as (router, server):
        reply = await router.complete(HELLO, tools=[TOOL])
        (call,) = reply.tool_calls
        await router.complete(
            [{"role": "user", "content": "?"}, reply, reply.message.tool_result(call, "noon")]
        )
        sent = server.requests[-1].json()["messages"]

    signature = {"google": {"thought_signature": "U0lH"}}
    assert signature == call.extra["extra_content"] == sent[1]["tool_calls"][0]["extra_content"]


async def test_08_the_old_form_of_a_call() -> None:
    (call,) = (await reply_to(streamed(case("08-function-call.sse")), tools=[TOOL])).tool_calls

    assert ("now", {}, "function_call") == (call.name, call.parsed, call.type)


async def test_10_a_finish_reason_that_is_an_error() -> None:
    async with asking(streamed(case("10-finish-error.sse"))) as (router, _):
        stream = await router.stream(HELLO)
        with pytest.raises(StreamInterrupted) as caught:
            await stream.read_text()

    assert ("Hal", "failed") == (caught.value.partial, stream.verdict)


async def test_13_a_field_named_error() -> None:
    async with asking(streamed(case("13-error-field.sse")), streamed(GOOD)) as (router, _):
        error = await error_of(router)
        next_one = await router.complete(ANOTHER)

    assert isinstance(error, ContextTooLong)
    assert "the request exceeds the available context size" in str(error)
    assert "good" == next_one.text


async def test_15_a_reply_of_images_alone() -> None:
    reply = await reply_to(streamed(case("15-images-only.sse")))

    assert ("", "data:image/png;base64,AA==") == (reply.text, reply.images[0]["image_url"]["url"])


async def test_17_status_201() -> None:
    assert "Hi" == (await reply_to(streamed(case("17-created-201.sse"), status=201))).text


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("30-llamacpp-context.400.json", ContextTooLong, "exceeds the available context size"),
        ("32-moderation-403.403.json", ContentRefused, "requires moderation"),
        ("34-no-tool-endpoints-404.404.json", InvalidRequest, "No endpoints found that support tool use"),
        ("36-litellm-filter.400.json", ContentRefused, "content management policy"),
    ],
)
async def test_what_speaks_about_the_request_takes_the_provider_from_nobody(
    name: str, kind: type, words: str
) -> None:
    async with asking(answered(name), streamed(GOOD)) as (router, server):
        error = await error_of(router, tools=[TOOL])
        (report,) = router.health().providers
        with promptly(1), anyio.fail_after(20):
            next_one = await router.complete(ANOTHER)

    assert kind is type(error)
    assert words in str(error)
    assert ("good", 2) == (next_one.text, server.turns)
    assert report.can_answer


async def test_37_the_wait_that_the_body_tells() -> None:
    async with asking(answered("37-retry-delay.429.json")) as (router, _):
        error = await error_of(router)

    assert isinstance(error, RateLimited)
    assert 38.0 == error.retry_after


async def test_39_a_list_of_models_that_is_refused_proves_nothing() -> None:
    async with asking(streamed(GOOD), answered("39-models-refused.401.json"), streamed(GOOD)) as (router, _):
        before = await router.complete(HELLO)
        (found,) = (await router.check("reach")).providers
        after = await router.complete(ANOTHER)

    assert ("good", "good") == (before.text, after.text)
    assert found.can_answer


def test_each_case_is_tried_here() -> None:
    source = Path(__file__).read_text("utf-8")

    assert [] == [path.name for path in CASES.glob("[0-9]*") if path.name not in source]
