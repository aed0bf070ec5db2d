"""Events that differ in their text alone are read beside the decoder of JSON, and mean the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.openai.codec import ChunkDecoder
from adapters.openai.text_runs import TextRuns, split
from adapters.wire.reply_limits import Meter

if TYPE_CHECKING:
    from adapters import Delta

FRAMES: list[dict[str, Any]] = [
    {"id": "c-1", "model": "m", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None}]},
    {"model": "m", "choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": None},
    {"model": "m", "choices": [{"delta": {"content": "", "refusal": None}, "note": {"content": "a"}}]},
    {"model": "m", "choices": [{"delta": {"reasoning_content": None, "content": ""}}], "p": "é"},
]
ODD = st.sampled_from([
    b": ping\n\n",
    b"\n\n",
    b"event: ping\ndata: {}\n\n",
    b"event: x\n",
    b"data: {\"choices\":[]}\n\n",
    b"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
    b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n",
    b"data: {\"error\":{\"message\":\"no\"}}\n\n",
    b"data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n",
    b"data: [DONE]\n\n",
    b"data: {\n\n",
])  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(["a", " b", "\u00a0", "\u2028", 'say "x"', "\\", "\n", "", "é", "\U0001f600", "\x7f"]),
    st.text(max_size=6),
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    frame = draw(st.sampled_from(FRAMES))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    as_ascii = draw(st.booleans())
    end = draw(st.sampled_from(["\n\n", "\n\n", "\r\n\r\n", "\r\r"])).encode()
    parts: list[bytes] = []
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.integers(0, 5)) == 0:
            parts.append(draw(ODD))
            continue
        frame["choices"][0]["delta"]["content"] = draw(WORDS)
        said = json.dumps(frame, ensure_ascii=as_ascii, separators=separators)
        parts.append(b"data: " + said.encode("utf-8", "surrogatepass") + end)
    body = b"".join(parts)
    if draw(st.integers(0, 3)) == 0 and body:  # a byte of it is another
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]
    return body


def decoded(body: bytes, cuts: list[int], *, runs: bool, **limits: int) -> tuple[list[Delta], str, bool]:
    meter = Meter(limits.get("characters", 1000), limits.get("empty", 8))
    decoder = ChunkDecoder(meter, limits.get("line", 10_000), limits.get("empty", 8))
    if not runs:
        decoder._reader.runs.tries = 0
    deltas: list[Delta] = []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        deltas += decoder.feed(body[start:end])
    deltas += decoder.flush()
    return deltas, repr(decoder.failure), decoder.proved


@given(data=st.data(), body=bodies())
def test_the_same_deltas_come_out_as_from_the_decoder_of_json(data: st.DataObject, body: bytes) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))

    assert decoded(body, [], runs=False) == decoded(body, cuts, runs=True)


@given(
    data=st.data(),
    body=bodies(),
    characters=st.integers(1, 12),
    line=st.integers(60, 200),
    empty=st.integers(1, 4),
)
def test_the_limits_hold_as_there(
    data: st.DataObject, body: bytes, characters: int, line: int, empty: int
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    limits = {"characters": characters, "line": line, "empty": empty}

    assert decoded(body, [], runs=False, **limits) == decoded(body, cuts, runs=True, **limits)


def event(text: str, number: int = 1) -> bytes:
    return (
        b"data: " + json.dumps({"id": number, "choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"
    )


def test_a_run_is_read_by_its_first_event() -> None:
    runs = TextRuns()
    runs.learn(event("a")[6:-2], "a")

    assert [["b", " c"]] == list(runs.parts(event("b") + event(" c")))
    assert event("b") + event(" c") == runs.events(["b", " c"])


@pytest.mark.parametrize("odd", ['"', "\\", "\n", "\x00", ""])
def test_what_may_mean_something_else_is_decoded(odd: str) -> None:
    runs = TextRuns()
    runs.learn(event("a")[6:-2], "a")
    parts = list(runs.parts(event("b") + event(f"c{odd}" if odd else "") + event("d")))

    assert [["b"], event(f"c{odd}" if odd else ""), ["d"]] == parts


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"note":{"content":"a"},"choices":[{"delta":{"content":"a"}}]}', "a"),
        (b'{"a":"\\u0041","choices":[{"delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"delta":{"content":"b"}}]}', "a"),
        (b'{"choices":[{"delta":\n{"content":"a"}}]}', "a"),
    ],
)
def test_what_is_not_certain_is_not_learned(data: bytes, text: str) -> None:
    runs = TextRuns()
    runs.learn(data, text)

    assert not runs.known


def test_who_meets_only_events_with_numbers_gives_up_learning() -> None:
    decoder = ChunkDecoder(Meter(1000, 8), 10_000, 8)
    for number in range(100):
        decoder.feed(event("a", number))

    assert 0 == decoder._reader.runs.tries


@given(st.text('"ab', max_size=30), st.text('"ab', min_size=1, max_size=4))
def test_a_run_is_split_as_any_text_is(said: str, between: str) -> None:
    assert said.split(between) == split(said, between)
