"""Rows 26 and 88 to 94: what would fill the memory, and encodings that nobody asked for."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.faults.fault import EVERY, STREAMS, Fault
from tests.faults.rows_http import begun
from tests.faults.rows_stream import ALL, STOP, said
from tests.faults.steps import CHUNKED, LAST, Repeat, Script, chunk, chunked, head, whole

if TYPE_CHECKING:
    from tests.faults.framings import Wire

BLOCK: Final = 64 << 10
A: Final = b"a" * BLOCK
HUGE: Final = 400 << 20
LINE: Final = Repeat(chunk(A))


def _memory(
    row: str,
    name: str,
    promise: str,
    script: Script,
    mib: float,
    *,
    framings: tuple[str, ...] = ("openai",),
    **more: Any,
) -> Fault:
    return Fault(row, "memory", name, promise, lambda w: script, framings, mib=mib, **more)


def _status_line(length: int, status: int = 500) -> bytes:
    return head(status, f"Content-Length: {length}", kind="text/plain")


BIG: Final = said("x" * BLOCK)
MEMORY: Final = (
    _memory("26", "a header of 64 MiB", "F", (b"HTTP/1.1 200 OK\r\nx: ", Repeat(A)), 8),
    _memory("26", "endless headers", "F", (b"HTTP/1.1 200 OK\r\n", Repeat(b"x-a: bbbbbbbb\r\n" * 500)), 8),
    _memory("26", "endless chunk extension", "F", (head(200, CHUNKED) + b"5;", Repeat(A)), 8),
    _memory("88", "an endless line", "F", (head(200, CHUNKED) + chunk(b"data: "), LINE), 8, framings=STREAMS),
    _memory("88", "an endless event", "F", (head(200, CHUNKED), Repeat(chunk(b"data: x\n" * 8000))), 16),
    _memory("88", "an endless comment", "F", (head(200, CHUNKED) + chunk(b": "), LINE), 8),
    _memory(
        "88", "empty events without end", "F", (head(200, CHUNKED), Repeat(chunk(b"data:\n\n" * 8000))), 16
    ),
    _memory("88", "comments without end", "F", (head(200, CHUNKED), Repeat(chunk(b": ping\n\n" * 8000))), 16),
    _memory("88", "blank lines without end", "F", (head(200, CHUNKED), Repeat(chunk(b"\n" * BLOCK))), 16),
    Fault(
        "89", "memory", "a line after text", "P", lambda w: begun(w, chunk(b"data: "), LINE), STREAMS, mib=8
    ),
    Fault(
        "89",
        "memory",
        "comments after text",
        "P",
        lambda w: begun(w, Repeat(chunk(w.comment() * 4000))),
        ("openai", "opchatgpts"),
        mib=32,
    ),
    Fault(
        "89",
        "memory",
        "an event after text",
        "P",
        lambda w: begun(w, Repeat(chunk(b"data: x\n" * 8000))),
        mib=16,
    ),
    Fault(
        "90",
        "memory",
        "an endless reply",
        "P",
        lambda w: begun(w, Repeat(chunk(BIG))),
        mib=96,
        text="One two three," + "x" * (20 << 20),
    ),
    Fault(
        "90",
        "memory",
        "an endless raw text",
        "P",
        lambda w: (w.head, Repeat(chunk(A))),
        ("chat_anywhere",),
        mib=96,
        text="a" * (20 << 20),
    ),
    _memory(
        "90",
        "an endless document",
        "F",
        (head(200, CHUNKED, kind="application/json") + chunk(b'{"a":"'), LINE),
        96,
    ),
    _memory("91", "an error body of 400 MiB", "R>F", (_status_line(HUGE), Repeat(A)), 8),
    _memory("91", "an endless error body", "R>F", (head(503, CHUNKED), LINE), 8),
    _memory(
        "91", "an error body that drips", "R>F", (_status_line(HUGE, 503), Repeat(b"x", 0.2)), 8, within=5
    ),
    _memory("91", "an endless redirect body", "F", (_status_line(HUGE, 302), Repeat(A)), 8),
)


@cache
def bomb() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(bytes(1 << 20)) for _ in range(64)]
    return b"".join([*parts, squeeze.flush()])


def _encoded(status: int, encoding: str, body: bytes) -> Script:
    return (whole(status, body, f"Content-Encoding: {encoding}", kind="text/event-stream"),)


def _raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


GOOD: Final = ALL + STOP
BROTLI: Final = b"\x8b\x03\x80data: x\n\n\x03"


def _coding(row: str, name: str, encoding: str, body: bytes) -> Fault:
    return Fault(row, "coding", name, "F", lambda w: _encoded(200, encoding, body), once=True)


def _decoded(row: str, name: str, encoding: str, body: bytes) -> Fault:
    return Fault(row, "coding", name, "T", lambda w: _encoded(200, encoding, body))


def _packed(wire: Wire) -> Script:
    return (
        head(200, CHUNKED, "Content-Encoding: gzip", kind=wire.kind)
        + chunked([gzip.compress(wire.body)])
        + LAST,
    )


CODINGS: Final = (
    Fault("92", "memory", "a gzip bomb", "F", lambda w: _encoded(200, "gzip", bomb()), mib=8),
    Fault("92", "memory", "a bomb in an error", "F|R>F", lambda w: _encoded(503, "gzip", bomb()), mib=8),
    Fault(
        "92",
        "memory",
        "a bomb in a bomb",
        "F",
        lambda w: _encoded(200, "gzip, gzip", gzip.compress(bomb())),
        mib=8,
    ),
    Fault("93", "coding", "gzip, by service", "T", lambda w: _packed(w), EVERY),
    _decoded("93", "gzip", "gzip", gzip.compress(GOOD)),
    _decoded("93", "deflate of zlib", "deflate", zlib.compress(GOOD)),
    _decoded("93", "raw deflate", "deflate", _raw_deflate(GOOD)),
    _coding("93", "br", "br", BROTLI),
    _coding("94", "an unknown encoding", "x-own", GOOD),
    _coding("94", "a false encoding", "gzip", GOOD),
    _coding("94", "a corrupt encoding", "gzip", gzip.compress(GOOD)[:20] + b"\xff" * 50),
    _coding("94", "a cut encoding", "gzip", gzip.compress(GOOD)[:30]),
    _decoded("94", "two encodings, one of which is none", "identity, gzip", gzip.compress(GOOD)),
    _coding("94", "two encodings", "gzip, gzip", gzip.compress(gzip.compress(GOOD))),
    Fault(
        "94",
        "coding",
        "identity said aloud",
        "T",
        lambda w: (w.full.replace(b"\r\n", b"\r\nContent-Encoding: identity\r\n", 1),),
    ),
)
ALL_MEMORY: Final = (*MEMORY, *CODINGS)
