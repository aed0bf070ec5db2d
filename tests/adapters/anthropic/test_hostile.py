"""The events of a message from servers that take liberties, or mean harm."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import AdapterError, BadReply, Limits, ReplyTooLarge
from adapters.anthropic.stream import EventDecoder, whole
from adapters.wire.reply_limits import Meter
from tests.adapters.anthropic.events import PING, START, STOP, TEXT, body, delta, end, start, stopping
from tests.adapters.anthropic.replies import decoded, decoder
from tests.adapters.bodies import text
from tests.adapters.limits import meter
from tests.depth import how_many


@pytest.mark.parametrize("half", ["text_delta", "thinking_delta"])
def test_surrogates_are_joined_and_lone_halves_replaced(half: str) -> None:
    field, kind = half.removesuffix("_delta"), half.removesuffix("_delta")
    reply = body(
        START,
        start(0, type=kind, **{field: ""}),
        delta(0, half, **{field: "\ud83d"}),
        delta(0, half, **{field: "\ude42\ud83d"}),
        end(0),
        *TEXT,
        STOP,
    )
    deltas = decoded(reply)

    said = "".join(d.text + d.reasoning for d in deltas)
    assert said.startswith("🙂\ufffd")
    said.encode()


@pytest.mark.parametrize(
    "event",
    [
        start(0, type=3),
        {"type": "content_block_start", "index": 0, "content_block": "text"},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": []},
        delta(0, "text_delta", text=None),
        delta(0, "text_delta", text={"a": 1}),
        delta(0, "thinking_delta", thinking=3),
        delta(7, "input_json_delta", partial_json="{"),
        start(1, type="tool_use", id="t"),
        start(1, type="tool_use", id="t", name=""),
    ],
    ids=str,
)
def test_content_of_another_shape_is_a_bad_reply(event: dict[str, Any]) -> None:
    reading = decoder()
    reading.feed(body(START, event))

    assert type(reading.failure) is BadReply


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start", "message": None},
        {"type": "message_start", "message": {"usage": [1], "id": 3, "model": {}}},
        {"type": "message_delta", "delta": {"stop_reason": {"a": 1}}, "usage": "many"},
        {"type": "message_delta", "delta": None, "usage": {"output_tokens": -1, "input_tokens": 1.5}},
        {"type": "content_block_stop", "index": "x"},
        delta(0, "signature_delta", signature=4),
        delta(0, "citations_delta", citation="c"),
        {"type": None},
        {},
    ],
    ids=str,
)
def test_liberties_at_the_side_cost_no_reply(event: dict[str, Any]) -> None:
    deltas = decoded(
        b"data: " + json.dumps(event).encode() + b"\n\n" + body(*TEXT, stopping("end_turn"), STOP)
    )

    assert text(deltas) == "Okay, 🙂"


KINDS: Final = st.sampled_from(
    ["text", "tool_use", "content_block_start", "content_block_delta", "message_delta", "message_start"]
)
KEYS: Final = st.sampled_from([
    "type", "index", "delta", "content_block", "message", "usage", "text", "name", "input", "stop_reason",
    "id", "content",
])  # fmt: skip
ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | KINDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=how_many(200), deadline=None)
@given(st.lists(ANYTHING, max_size=4))
def test_whatever_json_comes_no_other_error_is_raised(events: list[Any]) -> None:
    reading = decoder()
    reading.feed("".join(f"data: {json.dumps(event)}\n\n" for event in events).encode())
    reading.flush()

    assert reading.failure is None or isinstance(reading.failure, AdapterError)
    for event in events:
        with suppress(AdapterError):
            whole(json.dumps(event).encode(), meter())


LIMITS: Final = Limits(line=2000, reply=1000, empty=20)


@pytest.mark.parametrize(
    ("event", "times"),
    [
        (PING, 30),
        ({"type": "future"}, 30),
        (delta(0, "text_delta", text=""), 30),
        (delta(0, "text_delta", text="x" * 100), 12),
        (delta(0, "thinking_delta", thinking="x" * 100), 12),
        (delta(0, "signature_delta", signature="x" * 100), 12),
        (delta(0, "citations_delta", citation={"cited_text": "x" * 100}), 12),
        (start(1, type="server_tool_use", name="x" * 100), 12),
        (start(1, type="tool_use", id="t", name="x" * 100), 12),
        (stopping("end_turn"), 30),
        (start(0, type="text", text="x" * 3000), 1),
    ],
    ids=str,
)  # fmt: skip
def test_limits_hold(event: dict[str, Any], times: int) -> None:
    """Of what takes room as of what says nothing; what came before is delivered."""
    reading = EventDecoder(Meter(LIMITS.reply, LIMITS.empty), LIMITS.line, LIMITS.empty)
    deltas = reading.feed(body(START, *TEXT))
    for _ in range(times):
        reading.feed(body(event))

    assert text(deltas) == "Okay, 🙂"
    assert type(reading.failure) is ReplyTooLarge


def test_blocks_that_never_end_are_bounded() -> None:
    reading = decoder()
    for index in range(11_000):
        reading.feed(body(start(index, type="text", text="")))
        if reading.failure is not None:
            break

    assert type(reading.failure) is BadReply
