"""The event stream of the WHATWG, rule by rule, and the limits that it does not have."""

from __future__ import annotations

import re
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import ReplyTooLarge
from adapters.wire.sse import Event, SSEDecoder
from tests.adapters.limits import EMPTY, LINE
from tests.adapters.wire.splits import cut, every_split

FRAGMENTS = st.lists(
    st.sampled_from([
        b"data", b"data:", b"data: x", b"data:  y", b"Data: no", b"event: e", b"event", b"id: 1", b": hi",
        b":", b"retry: 3",
        b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"a", b" ",
        b"data: whole\n\n",
    ]),
    max_size=14,
).map(b"".join)  # fmt: skip


def decode(chunks: list[bytes], **limits: Any) -> tuple[list[Event], Event | None, bool]:
    """Return the events, the one without a blank line, and whether a limit struck."""
    decoder = SSEDecoder(**{"limit": LINE, "idle_lines": EMPTY, **limits})
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
        return events, decoder.flush(), False
    except ReplyTooLarge:
        return events, None, True


def by_the_book(body: bytes) -> list[Event]:
    """The standard's rules over the whole body, as plainly as they read; a blank line is added at the end."""
    events: list[Event] = []
    data: list[bytes] = []
    name = b""
    for line in [*re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf")), b""]:
        if line:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            if field == b"event":
                name = value
            continue
        if data:
            events.append(Event(name.decode("utf-8", "replace") or "message", b"\n".join(data)))
        data, name = [], b""
    return events


@given(data=st.data(), body=FRAGMENTS)
def test_any_split_gives_the_events_of_the_standard(data, body):
    expected = by_the_book(body)

    events, last, _ = decode(data.draw(cut(body)))

    assert events + [last] * (last is not None) == expected


@given(data=st.data(), body=FRAGMENTS, limit=st.integers(0, 12), idle=st.integers(0, 6))
def test_the_limits_strike_at_the_same_event_however_the_bytes_are_cut(data, body, limit, idle):
    limits = {"limit": limit, "idle_lines": idle}
    expected = decode([body[n : n + 1] for n in range(len(body))], **limits)

    actual = decode(data.draw(cut(body)), **limits)

    assert actual == expected


CASES = {
    "one event of two lines": (b"data: first\ndata: second\n\n", [("message", b"first\nsecond")]),
    "comment, event, ids and a value that keeps its second space": (
        b": a comment\n\ndata: one\nid: 7\n\ndata:two\nid\n\ndata:  three\n\n",
        [("message", b"one"), ("message", b"two"), ("message", b" three")],
    ),
    "data without colon or value is an empty line": (
        b"data\n\ndata\ndata\n\ndata:\n\n",
        [("message", b""), ("message", b"\n"), ("message", b"")],
    ),
    "at most one space is cut": (
        b"data:x\n\ndata: x\n\ndata:\tx\n\n",
        [("message", b"x"), ("message", b"x"), ("message", b"\tx")],
    ),
    "names of events": (b"event: add\ndata: 1\n\ndata: 2\n\n", [("add", b"1"), ("message", b"2")]),
    "the last name counts, and an empty one is none": (
        b"event: a\nevent: b\ndata: 1\n\nevent: a\nevent:\ndata: 2\n\n",
        [("b", b"1"), ("message", b"2")],
    ),
    "an event without data is dropped with its name": (b"event: lost\n\ndata: 1\n\n", [("message", b"1")]),
    "field names are case-sensitive": (
        b"Data: no\nDATA: no\ndata: yes\nEVENT: no\n\n",
        [("message", b"yes")],
    ),
    "unknown fields, near misses and retry are ignored": (
        b"dat: 1\ndatas: 2\n data: 3\nretry: 10\nwhat\ndata: 4\n\n",
        [("message", b"4")],
    ),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [("message", b"a\nb"), ("message", b"c")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [("message", b"a\nb"), ("message", b"c")]),
    "mixed ends": (
        b"data: a\ndata: b\r\rdata: c\n\r\ndata: d\r\n\n",
        [("message", b"a\nb"), ("message", b"c"), ("message", b"d")],
    ),
    "one BOM at the start": (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", b"a")]),
    "a second BOM belongs to the field": (
        b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
        [("message", b"b")],
    ),
    "many blank lines": (
        b"\n\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n",
        [("message", b"a"), ("message", b"b")],
    ),
    "other separators are content": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x00g\n\n".encode(),
        [("message", "a\u2028b\u2029c\x85d\x0be\x0cf\x00g".encode())],
    ),
    "bad UTF-8 stays as it is": (b"data: \xff\xfe\nevent: \xff\n\n", [("\ufffd", b"\xff\xfe")]),
    "JSON over several lines": (b'data: {"a":\ndata: 1}\n\n', [("message", b'{"a":\n1}')]),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_every_split_point_gives_the_same_events(body, expected):
    for chunks in every_split(body):
        assert decode(chunks) == (expected, None, False)


def test_the_last_event_without_its_blank_line_is_for_the_caller_to_judge():
    for chunks in every_split(b"data: a\n\nevent: e\ndata: b"):
        assert decode(chunks) == ([("message", b"a")], Event("e", b"b"), False)


@pytest.mark.parametrize(
    "body", [b"", b"\xef\xbb", b": ping", b"event: e\n", b"data: x\n\n", b"data: x\r\n\r"]
)
def test_nothing_is_left_where_nothing_was_begun(body):
    decoder = SSEDecoder(LINE, EMPTY)
    decoder.feed(body)

    assert decoder.flush() is None


def feed_for_ever(decoder: SSEDecoder, chunk: bytes, times: int) -> None:
    for _ in range(times):
        decoder.feed(chunk)


ENDLESS = {
    "line": b"data: xxx",
    "event": b"data: 12345\ndata: 12345\n",
    "comment": b": comment ",
    "empty lines of data": b"data\n" * 6,
}


@pytest.mark.parametrize("chunk", ENDLESS.values(), ids=ENDLESS)
def test_lines_and_events_without_end_are_refused_and_the_limit_named(chunk):
    with pytest.raises(ReplyTooLarge, match="limit of 16 bytes"):
        feed_for_ever(SSEDecoder(16, EMPTY), chunk, 4)


@pytest.mark.parametrize("line", [b"\n", b": ping\n", b"id: 1\n", b"event: e\n\n", b"\r\n", b"data\n"])
def test_lines_without_an_event_are_refused_after_the_limit(line):
    with pytest.raises(ReplyTooLarge, match="the limit is 100"):
        feed_for_ever(SSEDecoder(LINE, 100), line, 102)


def test_an_event_ends_the_run_of_idle_lines():
    body = (b": ping\n" * 90 + b"data: x\n\n") * 50

    assert decode([body], idle_lines=100) == ([Event("message", b"x")] * 50, None, False)


def test_events_before_an_error_are_not_lost():
    decoder = SSEDecoder(10, EMPTY)

    assert decoder.feed(b"data: a\n\ndata: far too long\n\ndata: b\n\n") == [("message", b"a")]
    with pytest.raises(ReplyTooLarge):
        decoder.feed(b"data: c\n\n")
    with pytest.raises(ReplyTooLarge):
        decoder.flush()


def test_memory_stays_near_the_limit_whatever_is_sent():
    decoder = SSEDecoder(1 << 16, EMPTY)
    tracemalloc.start()
    try:
        with pytest.raises(ReplyTooLarge):
            feed_for_ever(decoder, b"x" * 4096, 10_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 << 16


def seconds(size: int) -> float:
    """Return the time for a long line in tiny chunks, for many data lines, and for many blank ones."""
    best = float("inf")
    for _ in range(3):
        decoder = SSEDecoder(limit=1 << 30, idle_lines=1 << 30)
        begun = time.perf_counter()
        decoder.feed(b"data: ")
        for _ in range(size):
            decoder.feed(b"xy")
        decoder.feed(b"\n" + b"data: x\n" * size + b"\n" * size)
        best = min(best, time.perf_counter() - begun)
    return best


def test_time_is_linear():
    # Quadratic time would give a ratio of 64; linear gives 8, and a busy machine somewhat more.
    assert seconds(80_000) < 32 * seconds(10_000)


@pytest.mark.parametrize("cut", [1, 3, 100])
def test_a_field_named_error_is_an_event_where_it_is_wanted(cut):
    body = b'data: a\n\nerror: {"code": 400}\n\ndata: b\n\nerror: last'
    chunks = [body[n : n + cut] for n in range(0, len(body), cut)]

    ignored, _, _ = decode(chunks)
    events, last, _ = decode(chunks, error_field=True)

    assert [("message", b"a"), ("message", b"b")] == ignored
    assert [("message", b"a"), ("error", b'{"code": 400}'), ("message", b"b")] == events
    assert ("error", b"last") == last


@given(
    st.lists(
        FRAGMENTS | st.sampled_from([b'data: {"a": 1}\n\n', b"data: {\n\n", b'data: {"a":\r\n\n']), max_size=5
    ),
    st.sampled_from([LINE, 18, 15, 9]),
)
def test_the_short_way_of_a_single_event_says_the_same(chunks: list[bytes], limit: int) -> None:
    decoder, events, failed = SSEDecoder(limit=limit, idle_lines=EMPTY), list[Event](), False
    last = None
    try:
        for chunk in chunks:
            data = decoder.whole(chunk)
            events += decoder.feed(chunk) if data is None else [Event("message", data)]
        last = decoder.flush()
    except ReplyTooLarge:
        failed = True

    assert decode(chunks, limit=limit) == (events, last, failed)


def test_a_single_event_goes_the_short_way() -> None:
    decoder = SSEDecoder(limit=LINE, idle_lines=EMPTY)

    assert decoder.whole(b'data: {"a": 1}\n\n') == b'{"a": 1}'
    assert decoder.feed(b"data: half") == []
    assert decoder.whole(b'data: {"a": 1}\n\n') is None
