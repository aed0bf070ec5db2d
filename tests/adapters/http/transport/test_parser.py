"""The parser: what is refused, where an answer ends, and that neither depends on how the bytes are split."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import BadReply, ReplyTooLarge
from adapters.http.transport import ParserLimits
from adapters.http.transport.parser import ResponseParser

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = ParserLimits()
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Verdict = tuple[object, ...]


def parse(
    parts: Sequence[bytes], limits: ParserLimits = LIMITS, *, without_body: bool = False, end: bool = False
) -> Verdict:
    """Everything that a reader gets to see of an answer."""
    parser = ResponseParser(limits, without_body=without_body)
    body = b""
    failure: type[Exception] | None = None
    try:
        for part in parts:
            parser.feed(part)
            body += parser.take()
        if end:
            parser.end()
    except BadReply as error:
        failure = BadReply if isinstance(error, BadReply) else None
        body += parser.take()
    if failure is not None:
        return (parser.status, parser.headers if parser.status else None, body, failure)
    return (
        parser.status,
        parser.version,
        parser.reason,
        parser.headers,
        body,
        parser.complete,
        parser.behind,
        parser.reusable,
        parser.framed,
    )


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


REFUSED = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a page without a head": b"<html>",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\n\r\n",
    "ICE": b"ICE/1.0 200 OK\r\n\r\n",
    "an empty line before": b"\r\n" + OK + b"\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\n\r\n",
    "status 600": b"HTTP/1.1 600 OK\r\n\r\n",
    "status 999": b"HTTP/1.1 999 OK\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status of letters": b"HTTP/1.1 2OO OK\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "101 without upgrade": b"HTTP/1.1 101 X\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
    "two equal lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\n",
    "a signed length": OK + b"Content-Length: +2\r\n\r\n",
    "a negative length": OK + b"Content-Length: -2\r\n\r\n",
    "an empty length": OK + b"Content-Length: \r\n\r\n",
    "a hexadecimal length": OK + b"Content-Length: 0x2\r\n\r\n",
    "a length over 64 bits": OK + b"Content-Length: 99999999999999999999\r\n\r\n",
    "length, then chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked, then length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
    "length with identity": OK + b"Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n",
    "gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked, gzip": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
    "chunked twice in a line": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "gzip and chunked in two lines": OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
    "xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n",
    "chunkedx": OK + b"Transfer-Encoding: chunkedx\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\n",
    "an empty coding": OK + b"Transfer-Encoding: \r\n\r\n",
    "chunked on HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "obs-fold with space": OK + b"A: b\r\n c\r\n\r\n",
    "obs-fold with tab": OK + b"A: b\r\n\tc\r\n\r\n",
    "a folded coding": OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n",
    "bare LF in the status line": b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    "bare LF after a header": OK + b"A: b\nC: d\r\n\r\n",
    "bare CR in a value": OK + b"A: b\rC: d\r\n\r\n",
    "bare LFs end the head": OK + b"A: b\r\n\nbody",
    "NUL in a value": OK + b"A: b\0c\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 2\r\n\r\n",
    "tab before the colon": OK + b"Content-Length\t: 2\r\n\r\n",
    "a bad name": OK + b"A(b): c\r\n\r\n",
    "a name over 127": OK + b"\xc3\xa4: c\r\n\r\n",
    "an empty name": OK + b": c\r\n\r\n",
    "no colon": OK + b"Hello\r\n\r\n",
    "hexadecimal chunk size": CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
    "signed chunk size": CHUNKED + b"+2\r\nok\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
    "chunk size with LF": CHUNKED + b"2\nok\r\n0\r\n\r\n",
    "chunk size over 64 bits": CHUNKED + b"fffffffffffffffff\r\nok",
    "no chunk size": CHUNKED + b"\r\nok\r\n0\r\n\r\n",
    "a chunk without its line end": CHUNKED + b"2\r\nokok\r\n0\r\n\r\n",
    "a chunk that ends with LF": CHUNKED + b"2\r\nok\n0\r\n\r\n",
    "LF after an extension": CHUNKED + b"2;a=b\nok\r\n0\r\n\r\n",
    "a length in trailers": CHUNKED + b"0\r\nContent-Length: 2\r\n\r\n",
    "obs-fold in trailers": CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n",
    "a bad trailer": CHUNKED + b"0\r\nA b\r\n\r\n",
    "1xx without end": b"HTTP/1.1 100 Continue\r\n\r\n" * (LIMITS.informational + 1),
    "too many headers": OK + b"A: b\r\n" * (LIMITS.head_lines + 1) + b"\r\n",
    "a long header": OK + b"A: " + b"b" * LIMITS.head + b"\r\n\r\n",
    "a long reason": b"HTTP/1.1 200 " + b"b" * LIMITS.head + b"\r\n\r\n",
    "a long name": OK + b"b" * LIMITS.head + b": a\r\n\r\n",
    "too many trailers": CHUNKED + b"0\r\n" + b"A: b\r\n" * (LIMITS.trailer_lines + 2) + b"\r\n",
    "a long trailer": CHUNKED + b"0\r\nA: " + b"b" * 2 * LIMITS.framing,
    "a long extension": CHUNKED + b"2;" + b"b" * 2 * LIMITS.framing,
    "a size of zeros": CHUNKED + b"0" * 2 * LIMITS.framing,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_could_read_differently_is_refused(name: str) -> None:
    with pytest.raises(BadReply):
        ResponseParser(LIMITS).feed(REFUSED[name])
    assert BadReply is parse(bytewise(REFUSED[name]))[-1]
    assert parse([REFUSED[name]]) == parse(bytewise(REFUSED[name]))


@pytest.mark.parametrize("name", [name for name in REFUSED if "long" in name or "many" in name])
def test_a_limit_says_that_it_is_one(name: str) -> None:
    with pytest.raises(ReplyTooLarge, match=r"over \d+"):
        ResponseParser(LIMITS).feed(REFUSED[name])


@pytest.mark.parametrize("name", ["another protocol", "a page without a head", "bare LF in the status line"])
def test_what_is_not_http_is_refused_at_its_first_wrong_byte(name: str) -> None:
    parser = ResponseParser(LIMITS)

    with pytest.raises(BadReply):
        parser.feed(REFUSED[name][:17])


ANSWERS = {
    "a length": (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    "no chunks": (CHUNKED + b"0\r\n\r\n", b""),
    "upper case": (OK + b"TRANSFER-ENCODING: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    "line ends in chunks": (CHUNKED + b"4\r\n\r\n\r\n\r\n2\r\n0\r\r\n0\r\n\r\n", b"\r\n\r\n0\r"),
    "an extension": (CHUNKED + b"2;a=b\r\nok\r\n0;c\r\n\r\n", b"ok"),
    "a quoted extension": (CHUNKED + b'2;a="b c"\r\nok\r\n0\r\n\r\n', b"ok"),
    "trailers": (CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"ok"),
    "leading zeros": (CHUNKED + b"0002\r\nok\r\n000\r\n\r\n", b"ok"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
    "204 that says chunked": (b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "an empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "after 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
    "after 103 with a length": (
        b"HTTP/1.1 103 X\r\nContent-Length: 9\r\nLink: a\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
        b"ok",
    ),
    "an error": (b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", b"no"),
    "HTTP/1.0 kept": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "values over 127": (OK + b"A: \xc3\xa4\xff\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "no space after the colon": (OK + b"Content-Length:2\r\n\r\nok", b"ok"),
    "space around a value": (OK + b"Content-Length: \t 2 \t\r\n\r\nok", b"ok"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("split", [False, True])
def test_an_answer_that_ends_by_its_framing_lets_the_connection_be_used_again(name: str, split: bool) -> None:
    data, body = ANSWERS[name]
    *_, found, complete, behind, reusable, framed = parse(bytewise(data) if split else [data])

    assert (body, True, False, True, True) == (found, complete, behind, reusable, framed)


BEHIND = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b"H", b"x", b"0\r\n\r\n", OK,
    OK + b"Content-Length: 3\r\n\r\nbad",
    OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n",
    b"HTTP/1.1 101 X\r\nUpgrade: a\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_any_byte_behind_an_answer_is_seen_and_none_of_it_delivered(name: str) -> None:
    data, body = ANSWERS[name]
    for behind in BEHIND:
        whole = data + behind
        for pieces in ([whole], bytewise(whole)):
            *_, found, complete, seen, reusable, _ = parse(pieces)

            assert (body, True, True, False) == (found, complete, seen, reusable), (behind, len(pieces))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_not_complete_before_its_last_byte(name: str) -> None:
    data, _ = ANSWERS[name]
    parser = ResponseParser(LIMITS)
    for byte in bytewise(data[:-1]):
        parser.feed(byte)
        assert not parser.complete
    assert not parser.end()


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n", True),
        (b"HTTP/1.1 204 No\r\nConnection: close\r\n", False),
    ],
)
def test_who_says_close_is_believed(head: bytes, reusable: bool) -> None:
    for parts in ([head + b"\r\n"], bytewise(head + b"\r\n")):
        assert reusable is parse(parts)[-2]


def test_a_body_without_framing_ends_with_the_connection_and_never_before() -> None:
    parser = ResponseParser(LIMITS)
    parser.feed(OK + b"\r\nHTTP/1.1 200 OK\r\n\r\n")

    assert b"HTTP/1.1 200 OK\r\n\r\n" == parser.take()
    assert not parser.complete
    assert parser.end()
    assert (False, False) == (parser.framed, parser.reusable)


@pytest.mark.parametrize("announced", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_the_answer_to_head_has_no_body_whatever_it_announces(announced: bytes) -> None:
    head = OK + announced + b"\r\n"
    for parts in ([head], bytewise(head)):
        *_, complete, behind, reusable, _ = parse(parts, without_body=True)
        assert (True, False, True) == (complete, behind, reusable)
    *_, complete, behind, reusable, _ = parse([head + b"h"], without_body=True)
    assert (True, True, False) == (complete, behind, reusable)


def test_a_length_of_more_than_63_bits_is_no_overflow() -> None:
    parser = ResponseParser(LIMITS)
    parser.feed(OK + b"Content-Length: %d\r\n\r\nab" % 2**63)

    assert (b"ab", False) == (parser.take(), parser.complete)


def test_the_head_is_limited_to_the_byte() -> None:
    head = OK + b"Content-Length: 0\r\n\r\n"
    exact, less = ParserLimits(head=len(head)), ParserLimits(head=len(head) - 1)
    for parts in ([head], bytewise(head)):
        assert 200 == parse(parts, exact)[0]
        assert BadReply is parse(parts, less)[-1]


def test_each_answer_before_the_answer_has_a_head_of_its_own() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
    data = early * 16 + OK + b"Content-Length: 0\r\n\r\n"
    limits = replace(LIMITS, head=60, head_lines=2)
    for parts in ([data], bytewise(data)):
        assert (200, [(b"content-length", b"0")]) == (parse(parts, limits)[0], parse(parts, limits)[3])


def test_many_small_chunks_are_no_framing_too_many() -> None:
    data = CHUNKED + b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n"
    for size in (1, 7, 65536, len(data)):
        *_, body, complete, _, _, _ = parse([data[i : i + size] for i in range(0, len(data), size)])
        assert (20_000, True) == (len(body), complete)  # type: ignore[arg-type]  # a tuple of objects


@pytest.mark.parametrize("limit", ["head", "head_lines", "informational", "framing", "trailer_lines"])
def test_a_limit_must_be_positive(limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        ParserLimits(**{limit: 0})


def test_nothing_is_parsed_once_the_answer_is_given_up() -> None:
    parser = ResponseParser(LIMITS)
    parser.close()
    with pytest.raises(BadReply, match="given up"):
        parser.feed(OK)


def test_a_finished_parser_is_no_garbage_in_a_circle() -> None:
    class Watched(ResponseParser):
        __slots__ = ("__weakref__",)

    gc.disable()
    try:
        for data in (*(data for data, _ in ANSWERS.values()), OK + b"\r\n"):
            parser = Watched(LIMITS)
            parser.feed(data)
            parser.end()
            gone = weakref.ref(parser)
            del parser
            assert gone() is None
    finally:
        gc.enable()


# -- laws -------------------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"0", b"5", b"hello", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n",
     b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b";a=b", b" ", b"A: b\r\n",
     b"HTTP/1.1 100 Continue\r\n\r\n", b"Connection: close\r\n", b"\0", b"HTTP/1.0 204 X\r\n"]
)  # fmt: skip


@st.composite
def nearly_answers(draw: st.DrawFn) -> bytes:
    """An answer with something in it changed, left out or put in; or only its words in any order."""
    if draw(st.booleans()):
        return b"".join(draw(st.lists(TOKENS, max_size=12)))
    known = [*(data for data, _ in ANSWERS.values()), *(data for data in REFUSED.values() if len(data) < 300)]
    data = draw(st.sampled_from(known))
    position = draw(st.integers(0, len(data)))
    removed = draw(st.integers(0, 3))
    put_in = draw(st.one_of(st.just(b""), TOKENS, st.binary(max_size=3)))
    return data[:position] + put_in + data[position + removed :] + draw(st.one_of(st.just(b""), TOKENS))


@given(nearly_answers(), st.booleans(), st.booleans(), st.data())
def test_the_verdict_does_not_depend_on_how_the_bytes_are_split(
    data: bytes, head: bool, end: bool, draw: st.DataObject
) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
    whole = parse([data] if data else [], without_body=head, end=end)

    assert whole == parse(parts, without_body=head, end=end)
    assert whole == parse(bytewise(data), without_body=head, end=end)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.binary(max_size=3))
def test_the_body_is_what_was_sent(pieces: list[bytes], behind: bytes) -> None:
    body = b"".join(pieces)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    for data in (OK + b"Content-Length: %d\r\n\r\n" % len(body) + body, CHUNKED + chunks):
        *_, found, complete, seen, reusable, _ = parse([data + behind])
        assert (body, True, bool(behind), not behind) == (found, complete, seen, reusable)
