"""The events of a message: in the documented form, generated, and cut anywhere."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import (
    AdapterError,
    Delta,
    EmptyReply,
    RateLimited,
    ServiceFailed,
    Usage,
)
from adapters.anthropic.stream import whole
from adapters.simulators.anthropic import Manner, Whole
from tests.adapters.anthropic.events import PING, START, STOP, TEXT, body, delta, end, start, stopping
from tests.adapters.anthropic.replies import (
    BLOCKS,
    SEARCH,
    STOPS,
    USAGE,
    calls_of,
    decoded,
    decoder,
    details_of,
    wire,
)
from tests.adapters.bodies import text
from tests.adapters.limits import meter
from tests.adapters.wire.splits import cut, every_split
from tests.depth import how_many

DOCUMENTED: Final = body(
    START,
    start(0, type="thinking", thinking="", signature=""),
    PING,
    delta(0, "thinking_delta", thinking="I need the weather."),
    delta(0, "thinking_delta", thinking=" So I look."),
    delta(0, "signature_delta", signature="EqQBCgIYAhIM1gbcDa9GJwZA2b3h"),
    end(0),
    start(1, type="text", text=""),
    delta(1, "text_delta", text="Okay"),
    delta(1, "text_delta", text=", let me see:"),
    end(1),
    start(2, type="tool_use", id="toolu_01T1x1fJ34qAmk2tNTrN7Up6", name="get_weather", input={}),
    delta(2, "input_json_delta", partial_json=""),
    delta(2, "input_json_delta", partial_json='{"location":'),
    delta(2, "input_json_delta", partial_json=' "San Francisco, CA"}'),
    end(2),
    stopping("tool_use"),
    STOP,
)


def test_a_documented_stream_with_thinking_and_a_tool() -> None:
    deltas = decoded(DOCUMENTED)

    assert "".join(d.reasoning for d in deltas) == "I need the weather. So I look."
    assert text(deltas) == "Okay, let me see:"
    assert calls_of(deltas) == [
        ("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather", '{"location": "San Francisco, CA"}')
    ]
    assert (deltas[-1].finish_reason, deltas[-1].ends) == ("tool_calls", True)
    assert deltas[-1].usage == Usage(592, 89, 681, 100)
    assert deltas[-1].beside is not None
    assert deltas[-1].beside.extra == {
        "native_finish_reason": "tool_use",
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 100,
    }
    assert [d.model for d in deltas if d.model] == ["claude-sonnet-4-5-20250929"]
    assert details_of(deltas) == [
        {
            "type": "thinking",
            "thinking": "I need the weather. So I look.",
            "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h",
        },
        {"type": "text", "length": 17},
        {"type": "tool_use"},
    ]


def heard(deltas: list[Delta]) -> tuple[Any, ...]:
    return (
        text(deltas),
        "".join(d.reasoning for d in deltas),
        calls_of(deltas),
        deltas[-1].finish_reason,
        deltas[-1].usage,
        details_of(deltas),
    )


def test_the_same_comes_out_however_the_bytes_are_cut() -> None:
    expected = heard(decoded(DOCUMENTED))

    for chunks in list(every_split(DOCUMENTED))[:: how_many(16) // 2]:
        assert heard(decoded(*chunks)) == expected


@settings(max_examples=how_many(100), deadline=None)
@given(data=st.data(), blocks=BLOCKS, usage=USAGE)
def test_generated_replies_are_the_same_however_they_are_cut(
    data: st.DataObject, blocks: Any, usage: Any
) -> None:
    reply = wire(blocks, usage, "end_turn")

    assert heard(decoded(*data.draw(cut(reply)))) == heard(decoded(reply))


@settings(max_examples=how_many(100), deadline=None)
@given(blocks=BLOCKS, usage=USAGE, stop=STOPS)
def test_a_whole_message_is_what_its_stream_is(blocks: Any, usage: Any, stop: str) -> None:
    framing = Whole(Manner(blocks=tuple(blocks), usage=usage, stop_reason=stop), "msg_1", "claude-x")
    document = b"".join(bytes(piece) for piece in framing.content(()) if isinstance(piece, bytes))
    try:
        one = [whole(document, meter())]
        streamed = decoded(wire(blocks, usage, stop))
    except EmptyReply:
        with pytest.raises(EmptyReply):
            decoded(wire(blocks, usage, stop))
        return
    (first, *_), (again, *_) = heard(one), heard(streamed)

    assert first == again
    assert [(i, n, json.loads(a)) for i, n, a in heard(one)[2]] == [
        (i, n, json.loads(a)) for i, n, a in heard(streamed)[2]
    ]
    assert heard(one)[3:] == heard(streamed)[3:]
    assert one[0].ends


def test_what_is_not_known_is_skipped() -> None:
    reply = body(
        START,
        {"type": "message_note", "delta": ["of", "another"], "index": "shape"},
        *TEXT,
        delta(0, "future_delta", text="not this"),
        end(0),
        start(1, type="future_block", data="kept"),
        end(1),
        end(9),
        stopping("end_turn"),
        STOP,
    )
    deltas = decoded(reply)

    assert text(deltas) == "Okay, 🙂"
    assert details_of(deltas) == [{"type": "text", "length": 7}, {"type": "future_block", "data": "kept"}]


def test_blocks_of_the_services_own_tools_are_beside() -> None:
    deltas = decoded(
        wire(
            [*SEARCH, {"type": "text", "text": "Sunny."}],
            {"input_tokens": 1, "output_tokens": 1},
            "pause_turn",
        )
    )

    assert deltas[-1].beside is not None
    assert deltas[-1].beside.extra["content_blocks"] == SEARCH
    assert deltas[-1].finish_reason == "pause_turn"
    assert not any(d.has_content for d in deltas if not d.text)


@pytest.mark.parametrize(
    ("reason", "word", "native"),
    [
        ("end_turn", "stop", "end_turn"),
        ("stop_sequence", "stop", "stop_sequence"),
        ("max_tokens", "length", "max_tokens"),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("refusal", "content_filter", "refusal"),
        ("pause_turn", "pause_turn", None),
        ("a_new_one", "a_new_one", None),
    ],
)
def test_stop_reasons(reason: str, word: str, native: str | None) -> None:
    last = decoded(body(START, *TEXT, end(0), stopping(reason), STOP))[-1]

    assert last.finish_reason == word
    assert last.beside is not None
    assert last.beside.extra.get("native_finish_reason") == native


def test_a_refusal_says_why_and_stays_one() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    refused = stopping("refusal")
    refused["delta"]["stop_details"] = details
    last = decoded(body(START, refused, stopping("end_turn"), STOP))[-1]

    assert last.finish_reason == "content_filter"
    assert last.beside is not None
    assert last.beside.extra["stop_details"] == details


def test_what_follows_a_stop_reason_is_delivered_and_what_follows_the_end_is_not() -> None:
    late = delta(0, "text_delta", text=" and more")
    deltas = decoded(
        body(
            START,
            *TEXT,
            stopping("end_turn"),
            late,
            end(0),
            stopping("end_turn", input_tokens=500),
            STOP,
            late,
        )
    )

    assert text(deltas) == "Okay, 🙂 and more"
    assert deltas[-1].usage == Usage(620, 89, 709, 100)


def test_without_a_stop_reason_only_the_end_mark_proves_the_end() -> None:
    assert decoded(body(START, *TEXT, end(0), STOP))[-1].ends
    assert not any(d.ends for d in decoded(body(START, *TEXT, end(0))))
    assert not any(d.ends for d in decoded(body(START, *TEXT, stopping("end_turn"))[:-10]))


def test_thinking_up_to_the_limit_is_an_empty_reply() -> None:
    thought = (
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
    )

    with pytest.raises(EmptyReply, match="max_tokens"):
        decoded(body(START, *thought, end(0), stopping("max_tokens"), STOP))


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("overloaded_error", ServiceFailed),
        ("api_error", ServiceFailed),
        ("rate_limit_error", RateLimited),
        ("timeout_error", ServiceFailed),
    ],
)
@pytest.mark.parametrize("name", ["error", "message"])
def test_an_error_event_is_an_error_wherever_it_comes(
    kind: str, raised: type[AdapterError], name: str
) -> None:
    error = json.dumps(
        {"type": "error", "error": {"type": kind, "message": "Overloaded"}, "request_id": "req_1"}
    )
    reading = decoder()
    deltas = reading.feed(body(START, *TEXT) + f"event: {name}\ndata: {error}\n\n".encode() + body(*TEXT))

    assert text(deltas) == "Okay, 🙂"
    assert type(reading.failure) is raised
    assert reading.feed(body(*TEXT)) == []


def test_the_input_of_the_tool_for_json_is_the_reply() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "json_reply", "input": {"a": "ü"}}
    deltas = decoded(wire([call], {"input_tokens": 1, "output_tokens": 1}, "tool_use"))

    assert json.loads(text(deltas)) == {"a": "ü"}
    assert calls_of(deltas) == []
    assert deltas[-1].finish_reason == "stop"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    call = start(0, type="tool_use", id="t", name="now", input={})
    given_at_once = start(0, type="tool_use", id="t", name="now", input={"a": 1})

    assert calls_of(decoded(body(START, call, end(0), stopping("tool_use"), STOP))) == [("t", "now", "{}")]
    assert calls_of(decoded(body(START, given_at_once, end(0), stopping("tool_use"), STOP))) == [
        ("t", "now", '{"a": 1}')
    ]
