"""Rows 8 and 14 to 42: what TCP and HTTP can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults.fault import EVERY, RAW, READS_BACK, STREAMS, Fault
from tests.faults.steps import CHUNKED, LAST, Do, Repeat, Script, Step, chunk, chunked, head, whole

if TYPE_CHECKING:
    from tests.faults.framings import Wire

SSH: Final = b"SSH-2.0-OpenSSH_9.6\r\n\x00\x01\xfe\xff\r\n\r\n"
UNFRAMED: Final = "Connection: close"
UNSEEN: Final = dict.fromkeys(RAW, "T")  # raw text has no end mark but the end of the body
CUT: Final = {**READS_BACK}
QUEUE: Final = {"open_assistant": "F|T"}  # silent, its event stream counts as lost; then the message is read


def begun(wire: Wire, *then: Step) -> Script:
    """An answer that began well, and what follows."""
    return (wire.head + chunked([wire.half]), *then)


def sized(wire: Wire, length: int, body: bytes) -> bytes:
    return wire.head_with(f"Content-Length: {length}") + body


def one_byte_chunks(wire: Wire) -> Script:
    body = wire.body
    return (wire.head + b"".join(chunk(body[n : n + 1]) for n in range(len(body))) + LAST,)


BEFORE: Final = (
    Fault("8", "TCP", "reset after accept", "R>F", lambda w: (), before=(Do.RESET,)),
    Fault("8", "TCP", "closed after accept", "R>F", lambda w: (), before=(Do.CLOSE,)),
    Fault("14", "HTTP", "reset before headers", "R>F", lambda w: (Do.RESET,), EVERY, READS_BACK),
    Fault("14", "HTTP", "closed before headers", "R>F", lambda w: (Do.CLOSE,), EVERY, READS_BACK),
    Fault("14", "HTTP", "cut in the status line", "R>F", lambda w: (b"HTTP/1.1 20", Do.CLOSE)),
    Fault("17", "HTTP", "silence before headers", "F", lambda w: (Do.SILENCE,), EVERY, QUEUE, within=31),
    Fault("18", "HTTP", "silence after headers", "F", lambda w: (w.head, Do.SILENCE), EVERY, QUEUE),
    Fault(
        "20",
        "HTTP",
        "header bytes drip for ever",
        "F",
        lambda w: (b"HTTP/1.1 200 OK\r\n", Repeat(b"x-a: b\r\n", 1.0)),
        EVERY,
        QUEUE,
        within=31,
    ),
    Fault(
        "20",
        "HTTP",
        "one header drips for ever",
        "F",
        lambda w: (b"HTTP/1.1 200 OK\r\nx:", Repeat(b"y", 1.0)),
    ),
    Fault(
        "21", "HTTP", "endless 102", "F", lambda w: (Repeat(b"HTTP/1.1 102 Wait\r\n\r\n", 0.5),), within=31
    ),
    Fault(
        "22",
        "HTTP",
        "103, then 200",
        "T",
        lambda w: (b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", w.full),
        EVERY,
    ),
    Fault(
        "23",
        "HTTP",
        "unasked 101",
        "F",
        lambda w: (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Do.SILENCE),
        EVERY,
        QUEUE,
    ),
    Fault("24", "HTTP", "an SSH banner", "F", lambda w: (SSH, Do.CLOSE), EVERY),
    Fault("24", "HTTP", "binary garbage", "F", lambda w: (bytes(range(256)) * 8, Do.CLOSE)),
    Fault("24", "HTTP", "HTTP/0.9, a bare body", "F", lambda w: (w.body, Do.CLOSE)),
    Fault("25", "HTTP", "HTTP/3.7", "F|T", lambda w: (w.full.replace(b"HTTP/1.1", b"HTTP/3.7"),)),
    Fault("25", "HTTP", "HTTP/1.0", "T", lambda w: (_old(w), Do.CLOSE)),
    Fault(
        "27", "HTTP", "NUL in a header", "F|T", lambda w: (w.full.replace(b"\r\n", b"\r\nx: a\0b\r\n", 1),)
    ),
    Fault(
        "28",
        "HTTP",
        "two lengths",
        "F",
        lambda w: (w.head_with("Content-Length: 5", "Content-Length: 900") + w.body, Do.CLOSE),
        EVERY,
    ),
    Fault(
        "29",
        "HTTP",
        "length and chunked",
        "T|F",
        lambda w: (w.full.replace(b"\r\n", b"\r\nContent-Length: 7\r\n", 1),),
    ),
)


def _old(wire: Wire) -> bytes:
    return wire.head_with().replace(b"HTTP/1.1", b"HTTP/1.0") + wire.body


WITHIN: Final = (
    Fault("19", "HTTP", "silence mid-stream", "P", lambda w: begun(w, Do.SILENCE), EVERY, within=31),
    Fault(
        "30",
        "HTTP",
        "length longer than the reply",
        "T",
        lambda w: (sized(w, len(w.body) + 100, w.body), Do.CLOSE),
        EVERY,
        dict.fromkeys(RAW, "P"),
    ),
    Fault(
        "30",
        "HTTP",
        "length longer, silence",
        "T",
        lambda w: (sized(w, len(w.body) + 100, w.body), Do.SILENCE),
        STREAMS,
        within=1,
    ),
    Fault(
        "30", "HTTP", "length longer than half", "P", lambda w: (sized(w, 9999, w.half), Do.CLOSE), EVERY, CUT
    ),
    Fault(
        "31", "HTTP", "length shorter", "P", lambda w: (sized(w, len(w.half), w.body), Do.CLOSE), STREAMS, CUT
    ),
    Fault("32", "HTTP", "a bad chunk first", "F", lambda w: (w.head + b"zz\r\n\r\n", Do.CLOSE), EVERY),
    Fault("32", "HTTP", "a bad chunk", "P", lambda w: begun(w, b"zz\r\n\r\n", Do.CLOSE), EVERY),
    Fault("32", "HTTP", "a huge chunk", "P", lambda w: begun(w, b"FFFFFFFFFFFFFFFFFFFFFFFF\r\n"), EVERY),
    Fault("32", "HTTP", "a chunk of 2 GiB", "P", lambda w: begun(w, b"7FFFFFFF\r\n", Do.CLOSE), STREAMS, CUT),
    Fault(
        "32",
        "HTTP",
        "a cut chunk",
        "P",
        lambda w: begun(w, b"100\r\n" + w.pieces[3][:2], Do.CLOSE),
        EVERY,
        CUT,
    ),
    Fault(
        "33",
        "HTTP",
        "no last chunk",
        "T",
        lambda w: (w.full.removesuffix(LAST), Do.CLOSE),
        EVERY,
        dict.fromkeys(RAW, "P"),
    ),
    Fault("33", "HTTP", "no last chunk, no end mark", "P", lambda w: begun(w, Do.CLOSE), EVERY, CUT),
    Fault(
        "34",
        "HTTP",
        "chunk extensions and trailers",
        "T",
        lambda w: (w.head + chunk(w.body, b";a=b") + b"0\r\nX-Trailer: yes\r\n\r\n",),
        EVERY,
    ),
    Fault("35", "HTTP", "reset after headers", "R>F", lambda w: (w.head, Do.RESET), EVERY, CUT),
    Fault("36", "HTTP", "reset mid-stream", "P", lambda w: begun(w, Do.RESET), EVERY, CUT),
    Fault("37", "HTTP", "half closed mid-stream", "P", lambda w: begun(w, Do.HALF_CLOSE), EVERY, CUT),
    Fault(
        "37",
        "HTTP",
        "an unframed body closes mid-stream",
        "P",
        lambda w: (w.head_with(UNFRAMED) + w.half, Do.CLOSE),
        STREAMS,
        CUT,
    ),
    Fault(
        "37",
        "HTTP",
        "the same in raw text, unseen",
        "T",
        lambda w: (w.head_with(UNFRAMED) + w.half, Do.CLOSE),
        RAW,
        text="One two three,",
    ),
)

FINE: Final = (
    Fault("16", "HTTP", "closed after the reply", "T", lambda w: (w.full, Do.CLOSE), EVERY),
    Fault("38", "HTTP", "half closed after the reply", "T", lambda w: (w.full, Do.HALF_CLOSE), EVERY),
    Fault(
        "39",
        "HTTP",
        "silence after the reply",
        "T",
        lambda w: (w.full, Do.SILENCE),
        (*RAW, "openai", "opchatgpts"),
        within=0.2,
    ),
    Fault(
        "39",
        "HTTP",
        "silence after the end mark",
        "T",
        lambda w: (w.full.removesuffix(LAST), Do.SILENCE),
        STREAMS,
        within=0.2,
    ),
    Fault("40", "HTTP", "byte by byte", "T", lambda w: tuple(bytes([b]) for b in w.full), EVERY),
    Fault("40", "HTTP", "one byte chunks", "T", one_byte_chunks, EVERY),
    Fault("40", "HTTP", "one packet", "T", lambda w: (w.full,), EVERY),
    Fault(
        "41",
        "HTTP",
        "slow within limits",
        "T",
        lambda w: (6.0, w.head, 6.0, *_paced(w, 6.0), chunk(w.end), LAST),
        EVERY,
    ),
    Fault(
        "42",
        "HTTP",
        "text drips for ever",
        "P",
        lambda w: begun(w, Repeat(chunk(w.pieces[1]), 5.0)),
        EVERY,
        text="One two three," + " two" * 100,
    ),
)


def _paced(wire: Wire, seconds: float) -> Script:
    steps: list[bytes | float] = []
    for piece in (wire.opening, *wire.pieces):
        steps += [seconds, chunk(piece)] if piece else []
    return tuple(steps)


DEAD: Final = (
    Fault(
        "16",
        "HTTP",
        "Connection: close with a length",
        "T",
        lambda w: (head(200, UNFRAMED, f"Content-Length: {len(w.body)}", kind=w.kind) + w.body, Do.CLOSE),
    ),
    Fault(
        "18", "HTTP", "headers of an error, then silence", "R>F", lambda w: (head(503, CHUNKED), Do.SILENCE)
    ),
    Fault(
        "39",
        "HTTP",
        "silence where the clean-up comes",
        "T",
        lambda w: (w.full, Do.SILENCE),
        ("h2o", "open_assistant"),
        reported=True,
        on_reuse=True,
        within=1.3,
    ),
    Fault("35", "HTTP", "an error body that is cut", "R>F", lambda w: (whole(503, b"{")[:-1], Do.CLOSE)),
)

HTTP: Final = (*BEFORE, *WITHIN, *FINE, *DEAD)
