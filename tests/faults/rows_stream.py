"""Rows 63 to 87: events, text and JSON, in the notation of OpenAI."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.faults.fault import RAW, STREAMS, Fault
from tests.faults.framings import PIECES, TEXT, Wire
from tests.faults.steps import CHUNKED, LAST, Script, chunk, chunked, head, streamed, whole

DONE: Final = b"data: [DONE]\n\n"


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n\n"


def said(text: Any, **more: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, **more}]})


STOP: Final = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
ALL: Final = b"".join(said(piece) for piece in PIECES)
ERROR: Final = event({"error": {"message": "it broke", "type": "server_error", "code": 500}})
COMPLETION: Final = json.dumps(
    {"object": "chat.completion", "choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}
).encode()


def reply(*pieces: bytes) -> Script:
    return (streamed(*pieces),)


def typed(kind: str | None) -> Script:
    return (streamed(ALL, STOP, DONE, kind=kind),)


BODY: Final = (
    Fault(
        "63", "body", "a PDF", "F", lambda w: (whole(200, b"%PDF-1.7\n%\xe2\xe3", kind="application/pdf"),)
    ),
    Fault("63", "body", "no media type", "T", lambda w: typed(None)),
    Fault("63", "body", "a wrong media type", "T", lambda w: typed("text/plain")),
    Fault("63", "body", "a wrong charset", "T", lambda w: typed("text/event-stream; charset=latin-1")),
    Fault("64", "body", "a whole completion", "T", lambda w: (whole(200, COMPLETION),)),
    Fault(
        "64", "body", "a whole completion, chunked", "T", lambda w: reply(COMPLETION[:40], COMPLETION[40:])
    ),
    Fault("64", "body", "a completion that is cut", "F", lambda w: (whole(200, COMPLETION[:-9]),)),
    Fault(
        "65", "body", "no body", "F", lambda w: (whole(200, kind=w.kind or "text/plain"),), ("openai", *RAW)
    ),
    Fault("65", "body", "an empty stream", "F", lambda w: (w.head + LAST,), ("openai", *RAW)),
    Fault("65", "body", "only blanks", "F", lambda w: (w.head + chunk(b"\r\n \n") + LAST,), ("openai",)),
    Fault("65", "body", "only comments", "F", lambda w: (w.head + chunk(w.comment() * 3) + LAST,), STREAMS),
    Fault("65", "body", "only the end mark", "F", lambda w: reply(DONE)),
    Fault("65", "body", "only a role and the end mark", "F", lambda w: reply(w.opening, STOP, DONE)),
    Fault(
        "66", "body", "refused by a filter", "F|X", lambda w: reply(said("", finish_reason="content_filter"))
    ),
    Fault(
        "67", "body", "cut by the token limit", "T", lambda w: reply(ALL, said("", finish_reason="length"))
    ),
)

EVENTS: Final = (
    Fault("68", "event", "an error first", "R>F", lambda w: reply(ERROR)),
    Fault("68", "event", "an error first, by service", "F", lambda w: (_errs(w, w.opening),), STREAMS),
    Fault("69", "event", "an error after text", "P", lambda w: (_errs(w, w.half),), STREAMS),
    Fault("69", "event", "an error, then the end mark", "P", lambda w: reply(w.half, ERROR, STOP, DONE)),
    Fault("70", "event", "event: error", "F", lambda w: reply(b"event: error\ndata: no\n\n", DONE)),
    Fault(
        "70", "event", "event: error after text", "P", lambda w: reply(w.half, b"event: error\ndata: no\n\n")
    ),
    Fault("71", "event", "the end mark twice", "T", lambda w: reply(ALL, STOP, DONE, DONE)),
    Fault("71", "event", "text after the end mark", "T", lambda w: reply(ALL, STOP, DONE, said("no"), DONE)),
    Fault("71", "event", "in one chunk", "T", lambda w: reply(ALL + STOP + DONE + said("no") + DONE)),
    Fault("72", "event", "no [DONE]", "T", lambda w: reply(ALL, STOP)),
    Fault("72", "event", "no finish reason", "T", lambda w: reply(ALL, DONE)),
    Fault("73", "event", "a clean end without end mark", "P", lambda w: reply(w.half), STREAMS),
)


def _errs(wire: Wire, before: bytes) -> bytes:
    return wire.head + chunked([before, wire.error()]) + LAST


def _lines(end: bytes) -> bytes:
    return (ALL + STOP + DONE).replace(b"\n", end)


def _mixed() -> bytes:
    pieces = [ALL.replace(b"\n", b"\r"), STOP.replace(b"\n", b"\r\n"), DONE]
    return b"".join(pieces)


def _split() -> Script:
    body = _lines(b"\r\n")
    parts = body.split(b"\r")
    pieces = [parts[0], *(b"\r", *(part for part in parts[1:2]))]
    pieces += [piece for part in parts[2:] for piece in (b"\r", part)]
    return (head(200, CHUNKED), *(step for p in pieces for step in (chunk(p), 0.001)), LAST)


DECOY: Final = b'DATA: {"choices":[{"delta":{"content":"no"}}]}\n'
FIELDS: Final = b"id: 7\nretry: 1\nx-new: y\nevent\n: a comment\n"
OVER: Final = b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "over lines"}}]}\n\n'
STRANGE: Final = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"
SSE: Final = (
    Fault("74", "SSE", "CRLF", "T", lambda w: reply(_lines(b"\r\n"))),
    Fault("74", "SSE", "CR", "T", lambda w: reply(_lines(b"\r"))),
    Fault("74", "SSE", "mixed", "T", lambda w: reply(_mixed())),
    Fault("74", "SSE", "CRLF in two reads", "T", lambda w: _split()),
    Fault("75", "SSE", "BOM", "T", lambda w: reply(b"\xef\xbb\xbf" + ALL, STOP)),
    Fault("75", "SSE", "BOM in three reads", "T", lambda w: reply(b"\xef", b"\xbb", b"\xbf", ALL, STOP)),
    Fault("75", "SSE", "comments and fields", "T", lambda w: reply(FIELDS, ALL, b": ping\n\n", STOP)),
    Fault("75", "SSE", "an upper-case decoy", "T", lambda w: reply(DECOY + b"\n", ALL, STOP)),
    Fault("75", "SSE", "many blank lines", "T", lambda w: reply(b"\n" * 500, ALL, b"\n" * 500, STOP)),
    Fault("75", "SSE", "no space", "T", lambda w: reply((ALL + STOP).replace(b"data: ", b"data:"))),
    Fault(
        "75",
        "SSE",
        "named events",
        "T",
        lambda w: reply((ALL + STOP).replace(b"data", b"event: message\ndata")),
    ),
    Fault("76", "SSE", "JSON over two lines", "T", lambda w: reply(OVER, STOP), text="over lines"),
    Fault("77", "SSE", "no blank line after the last event", "T", lambda w: reply(ALL, STOP[:-1])),
    Fault("77", "SSE", "no line end after it", "T", lambda w: reply(ALL, STOP[:-2])),
    Fault("77", "SSE", "the last event is cut", "P", lambda w: reply(w.half, STOP[:-6])),
    Fault("78", "SSE", "separators in text", "T", lambda w: reply(said(STRANGE), STOP), text=STRANGE),
)


def _cut_characters() -> Script:
    body = ALL + STOP
    return (streamed(*(body[n : n + 3] for n in range(0, len(body), 3))),)


def _text(row: str, name: str, promise: str, data: bytes, text: str) -> Fault:
    return Fault(row, "text", name, promise, lambda w: reply(data, STOP), text=text)


def _raw(value: bytes) -> bytes:
    return b'data: {"choices":[{"delta":{"content":"' + value + b'"}}]}\n\n'


KEPT: Final = " \t a\u0000b \n "
TEXTS: Final = (
    Fault("79", "text", "characters cut in three", "T", lambda w: _cut_characters()),
    _text("80", "invalid UTF-8", "T", _raw(b"a\xff\xfeb"), "a\ufffd\ufffdb"),
    _text("80", "an overlong form", "T", _raw(b"a\xc0\xafb"), "a\ufffd\ufffdb"),
    _text("81", "an escaped pair", "T", _raw(rb"\ud83d\ude42"), "🙂"),
    _text("81", "a lone surrogate", "T", _raw(rb"a\ud83db"), "a\ufffdb"),
    _text("81", "a pair over two tokens", "T", _raw(rb"a\ud83d") + _raw(rb"\ude42b"), "a🙂b"),
    _text("81", "half a pair at the end", "T", _raw(rb"a\ud83d"), "a\ufffd"),
    _text("82", "NUL and white space", "T", said(KEPT), KEPT),
    Fault(
        "80",
        "text",
        "invalid UTF-8 in raw text",
        "T",
        lambda w: (w.head + chunk(b"a\xffb") + LAST,),
        RAW,
        text="a\ufffdb",
    ),
)

USAGE: Final = event(
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
)
NEW: Final = event(
    {"choices": [{"delta": {"content": None, "new": {}}, "logprobs": None}], "x": [1], "object": "y"}
)
WRONG: Final[tuple[Any, ...]] = (
    [],
    "text",
    7,
    None,
    True,
    {"choices": {}},
    {"choices": [7]},
    {"choices": [{"delta": "x"}]},
    {"choices": [{"delta": {"content": 7}}]},
    {"choices": [{"delta": {"content": {"a": []}}}]},
    {"choices": [{"index": "x", "delta": {"content": "x"}}]},
    {"choices": [{"delta": {"tool_calls": "x"}}]},
)


def _wrong(number: int, value: Any) -> tuple[Fault, Fault]:
    data = event(value)
    return (
        Fault("86", "JSON", f"wrong type {number}, first", "T|F", lambda w: reply(data, ALL, STOP)),
        Fault(
            "86", "JSON", f"wrong type {number}, later", "T|P", lambda w: reply(w.half, data, *_rest(w), STOP)
        ),
    )


def _rest(wire: Wire) -> list[bytes]:
    return wire.pieces[3:]


def _deep(depth: int) -> bytes:
    return b'data: {"choices":' + b"[" * depth + b"]" * depth + b"}\n\n"


DIGITS: Final = b'data: {"choices":[{"delta":{"content":"x"},"index":' + b"9" * 100_000 + b"}]}\n\n"
JSON: Final = (
    Fault("83", "JSON", "a broken first chunk", "F", lambda w: reply(b'data: {"choices": [{\n\n', ALL, STOP)),
    Fault(
        "84",
        "JSON",
        "a broken chunk between",
        "T|P",
        lambda w: reply(w.half, b"data: {nope\n\n", *_rest(w), STOP),
    ),
    Fault(
        "85",
        "JSON",
        "usage, empty choices, nulls, new fields",
        "T",
        lambda w: reply(NEW, USAGE, ALL, NEW, STOP, USAGE, DONE),
    ),
    *(fault for number, value in enumerate(WRONG, 1) for fault in _wrong(number, value)),
    Fault("87", "JSON", "100 000 deep", "F", lambda w: reply(_deep(100_000), ALL, STOP)),
    Fault("87", "JSON", "900 deep", "F", lambda w: reply(_deep(900), ALL, STOP)),
    Fault("87", "JSON", "100 000 digits", "F", lambda w: reply(DIGITS, ALL, STOP)),
    Fault("87", "JSON", "a deep document", "F", lambda w: (whole(200, b'{"choices":' + b"[" * 100_000),)),
)

STREAM: Final = (*BODY, *EVENTS, *SSE, *TEXTS, *JSON)
