"""Lines are the same however the bytes are cut, and no line grows without end."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import ReplyTooLarge
from adapters.wire.lines import LineDecoder
from tests.adapters.limits import LINE
from tests.adapters.wire.splits import cut, every_split

FRAGMENTS = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c"]),
    max_size=12,
).map(b"".join)


def decode(
    chunks: list[bytes], *, cr: bool = False, limit: int = 1 << 20
) -> tuple[list[bytes], bytes | None]:
    """Return the lines and the rest, or None for the rest where the limit struck."""
    decoder = LineDecoder(limit, cr=cr)
    lines: list[bytes] = []
    try:
        for chunk in chunks:
            lines += decoder.feed(chunk)
        return lines, decoder.flush()
    except ReplyTooLarge:
        return lines, None


@given(data=st.data(), body=FRAGMENTS)
def test_any_split_gives_the_lines_of_the_definition(data, body):
    *lines, rest = re.split(rb"\r?\n", body)

    actual = decode(data.draw(cut(body)))

    assert actual == (lines, rest)


@given(data=st.data(), body=FRAGMENTS)
def test_any_split_gives_the_lines_of_the_definition_with_lone_cr(data, body):
    *lines, rest = re.split(rb"\r\n|\r|\n", body)

    actual = decode(data.draw(cut(body)), cr=True)

    assert actual == (lines, rest)


@given(data=st.data(), body=FRAGMENTS, limit=st.integers(0, 4), cr=st.booleans())
def test_the_limit_strikes_at_the_same_line_however_the_bytes_are_cut(data, body, limit, cr):
    *lines, rest = re.split(rb"\r\n|\r|\n" if cr else rb"\r?\n", body)
    fitting = next((n for n, line in enumerate(lines) if len(line) > limit), len(lines))
    expected = (lines, rest) if fitting == len(lines) and len(rest) <= limit else (lines[:fitting], None)

    actual = decode(data.draw(cut(body)), cr=cr, limit=limit)

    assert actual == expected


@pytest.mark.parametrize("cr", [False, True])
def test_every_split_point_gives_the_same_lines(cr):
    body = b"one\r\n\r\ntwo\nthree\r\r\n\n\rfour\r\nfive\r"
    expected = decode([body], cr=cr)

    assert all(decode(chunks, cr=cr) == expected for chunks in every_split(body))


def test_other_separators_of_unicode_are_content():
    line = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg".encode()

    assert LineDecoder(LINE, cr=True).feed(line + b"\n") == [line]


def test_an_endless_line_is_refused_and_the_limit_named():
    decoder = LineDecoder(limit=1000)
    decoder.feed(b"x" * 999)
    decoder.feed(b"x")

    with pytest.raises(ReplyTooLarge, match="1000 bytes"):
        decoder.feed(b"x")


def test_lines_before_the_one_too_long_are_not_lost():
    decoder = LineDecoder(limit=3)

    assert decoder.feed(b"ab\ncd\ntoo long") == [b"ab", b"cd"]
    with pytest.raises(ReplyTooLarge):
        decoder.feed(b"\nfine\n")
    with pytest.raises(ReplyTooLarge):
        decoder.flush()


def test_a_line_of_exactly_the_limit_is_taken_also_when_its_end_is_cut():
    decoder = LineDecoder(limit=3)

    assert decoder.feed(b"abc\r") + decoder.feed(b"\n") == [b"abc"]


def test_the_rest_is_handed_over_once():
    decoder = LineDecoder(LINE)
    decoder.feed(b"rest")

    assert (decoder.flush(), decoder.flush()) == (b"rest", b"")


def seconds(chunks: int) -> float:
    """Return the time for one line in `chunks` tiny chunks, and as many lines in one chunk."""
    best = float("inf")
    for _ in range(3):
        decoder = LineDecoder(limit=1 << 30)
        begun = time.perf_counter()
        for _ in range(chunks):
            decoder.feed(b"xy")
        decoder.feed(b"\n" * chunks)
        best = min(best, time.perf_counter() - begun)
    return best


def test_time_is_linear():
    # Quadratic time would give a ratio of 64; linear gives 8, and a busy machine somewhat more.
    assert seconds(160_000) < 32 * seconds(20_000)
