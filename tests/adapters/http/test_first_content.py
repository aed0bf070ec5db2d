"""The first content leaves before what came in the same read is decoded, and the rest comes whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters import AdapterError, Anthropic, BadReply, ChatRequest, OpenAICompatible, ServiceFailed
from adapters.anthropic.stream import EventDecoder
from adapters.contract import Flow
from adapters.http.reading import decoded
from adapters.openai.codec import ChunkDecoder
from adapters.wire.reply_limits import Meter
from router import Router, StreamInterrupted
from tests.adapters.bodies import ASK, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.http import HTTPAdapter
    from adapters.http.reading import Decoder

pytestmark = pytest.mark.anyio

BASE: Final = "http://127.0.0.1:9/v1"
ADAPTERS: Final[dict[str, Callable[..., HTTPAdapter]]] = {
    "openai": lambda wire: OpenAICompatible(BASE, model="m", transport=wire),
    "anthropic": lambda wire: Anthropic(BASE, model="m", max_tokens=9, transport=wire),
}
DECODERS: Final[dict[str, Callable[[], Decoder]]] = {
    "openai": lambda: ChunkDecoder(Meter(10_000, 9), 10_000, 9),
    "anthropic": lambda: EventDecoder(Meter(10_000, 9), 10_000, 9),
}
BEHIND: Final = 500


def events(kind: str, *values: Any, end: str = "\n") -> bytes:
    """Return a body that begins a reply and says each text; other values stand there as they are."""
    if kind == "openai":
        first: Any = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    else:
        first = {"type": "message_start", "message": {"id": "1", "model": "m", "role": "assistant"}}
    said = [first, *(says(kind, value) if isinstance(value, str) else value for value in values)]
    lines = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in said]
    return b"".join(b"data: " + line + 2 * end.encode() for line in lines)


def says(kind: str, text: str) -> Any:
    if kind == "openai":
        return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def ends(kind: str) -> list[Any]:
    if kind == "openai":
        return [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, b"[DONE]"]
    return [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]


@pytest.fixture(params=list(ADAPTERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_nothing_behind_the_first_content_is_decoded_before_it_leaves(kind: str, end: str) -> None:
    flow, decoder = Flow(), DECODERS[kind]()
    chunk = events(kind, "first", "second", b"{broken", "never", end=end)
    deltas = decoded(chunk, decoder, flow)

    assert next(delta.text for delta in deltas if delta.has_content) == "first"
    assert decoder.failure is None

    assert [delta.text for delta in deltas] == ["second"]
    assert isinstance(decoder.failure, BadReply)


async def test_what_stands_behind_it_is_handed_over_at_once(kind: str) -> None:
    wire = Wire()
    wire.put(events(kind, "first", *["more"] * BEHIND, *ends(kind)))
    adapter = ADAPTERS[kind](wire)
    request = ChatRequest.build(ASK)
    stream = adapter.stream(request)
    try:
        while not (delta := await anext(stream)).has_content:
            pass
        assert (delta.text, len(request.conditions.flow.ready)) == ("first", 0)

        assert (await anext(stream)).text == "more"
        assert len(request.conditions.flow.ready) == BEHIND - 1
    finally:
        await stream.aclose()
        await adapter.aclose()


@pytest.mark.parametrize(
    ("broken", "raised"),
    [(b"{broken", BadReply), ({"error": {"message": "odd", "code": 500}, "type": "error"}, ServiceFailed)],
)
async def test_an_error_in_the_same_read_comes_behind_the_text_before_it(
    kind: str, broken: Any, raised: type[AdapterError]
) -> None:
    wire = Wire()
    wire.put(events(kind, "first", "second", broken, "never"))
    async with Router([ADAPTERS[kind](wire)]) as router, await router.stream(ASK) as reply:
        assert (await reply.receive()).text in ("", "first")  # what names the model may come before it
        with pytest.raises(StreamInterrupted) as interrupted:
            await reply.collect()

    assert interrupted.value.partial == "firstsecond"
    assert isinstance(interrupted.value.__cause__, raised)


async def test_a_reply_in_one_read_is_whole(kind: str) -> None:
    wire = Wire()
    wire.put(events(kind, "first", *["more"] * BEHIND, *ends(kind)))
    async with Router([ADAPTERS[kind](wire)]) as router:
        reply = await router.complete(ASK)

    assert (reply.text, reply.verdict, reply.finish_reason) == ("first" + "more" * BEHIND, "complete", "stop")
