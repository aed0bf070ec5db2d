"""Rows 43 to 62 and 110: statuses, push-back, redirects, cookies, and bodies that are no reply."""

from __future__ import annotations

import json
from typing import Final

from tests.faults.fault import EVERY, Fault, Plan
from tests.faults.framings import COOKIE, HEADER, KEY, Wire
from tests.faults.steps import Do, Script, streamed, whole

PAGE: Final = (
    b"<!DOCTYPE html>\n<html><title>Canary of the page</title><body>Checking your browser</body></html>"
)
SAID: Final = json.dumps({"error": {"message": "so it is", "type": "server_error"}}).encode()
PLAIN: Final = json.dumps({"error": {"message": "so it is"}}).encode()
TOO_LONG: Final = "9" * 5000
OTHERS: Final = ("openai", "chat_anywhere")
FOREIGN: Final = "canary-of-a-foreign-cookie"


def says(status: int, *fields: str, body: bytes = SAID) -> Script:
    return (whole(status, body, *fields),)


def _status(row: str, status: int, promise: str, *, once: bool = False) -> Fault:
    return Fault(row, "status", str(status), promise, lambda w: says(status, body=PLAIN), OTHERS, once=once)


def _other(status: bytes) -> Plan:
    """A good answer but for its status. What it says is a reply, so it is in no log."""
    return lambda wire: (wire.full.replace(b"200", status, 1),)


FATAL: Final = (401, 402, 403, 404, 405, 410, 451)
REFUSED: Final = (400, 413, 418, 422, 501)
PASSING: Final = (408, 409, 425, 429, 500, 502, 503, 504, 520, 529, 599)
STATUSES: Final = (
    *(_status("43", status, "F", once=True) for status in FATAL),
    *(_status("44", status, "F", once=True) for status in REFUSED),
    *(_status("45", status, "R>F") for status in PASSING),
    *(
        Fault("46", "status", f"{status.decode()} with a reply", "F", _other(status), OTHERS, once=True)
        for status in (b"202", b"206", b"207")
    ),
    Fault("46", "status", "201 with a reply", "F", _other(b"201"), ("chat_anywhere",), once=True),
    # Some OpenAI-compatible services answer a completion with Created.
    Fault("46", "status", "201 with a reply, as some send it", "T", _other(b"201"), ("openai",)),
    Fault("46", "status", "204", "F", lambda w: (b"HTTP/1.1 204 No\r\n\r\n",), once=True),
    Fault("46", "status", "304", "F", lambda w: (b"HTTP/1.1 304 Not\r\nETag: x\r\n\r\n",), once=True),
    *(
        Fault("47", "status", status, "F", lambda w, s=status: (_odd(s), Do.CLOSE), once=True)  # type: ignore[misc]  # a default cannot be typed in a lambda
        for status in ("000", "099", "600", "999", "1000", "20", "abc", "-1")
    ),
    Fault("48", "status", "503 once", "R", lambda w: [says(503), (w.full,)]),
    Fault("48", "status", "500 once", "R", lambda w: [says(500), (w.full,)]),
)


def _odd(status: str) -> bytes:
    return f"HTTP/1.1 {status} Odd\r\nContent-Length: 2\r\n\r\n{{}}".encode()


def _after(name: str, value: str, *more: str) -> Fault:
    return Fault("53", "push-back", name, "R>F", lambda w: says(503, f"Retry-After: {value}", *more))


NOW: Final = "Date: Fri, 20 Nov 2026 10:00:00 GMT"
PUSH_BACK: Final = (
    Fault("51", "push-back", "1 s", "R>F", lambda w: says(429, "Retry-After: 1"), gap=1.0),
    Fault(
        "51",
        "push-back",
        "a date 3 s on, our clock far off",
        "R>F",
        lambda w: says(503, NOW, "Retry-After: Fri, 20 Nov 2026 10:00:03 GMT"),
        gap=3.0,
    ),
    Fault("51", "push-back", "1500 ms", "R>F", lambda w: says(429, "Retry-After-Ms: 1500"), gap=1.5),
    Fault(
        "51", "push-back", "1 s, then fine", "R", lambda w: [says(429, "Retry-After: 1"), (w.full,)], gap=1.0
    ),
    Fault(
        "52", "push-back", "a day, 429", "F", lambda w: says(429, "Retry-After: 86400"), once=True, within=0.2
    ),
    Fault(
        "52", "push-back", "a day, 503", "F", lambda w: says(503, "Retry-After: 86400"), once=True, within=0.2
    ),
    Fault(
        "52",
        "push-back",
        "the year 9999",
        "F",
        lambda w: says(503, NOW, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
        once=True,
        within=0.2,
    ),
    _after("garbage", "soon, maybe"),
    _after("negative", "-5"),
    _after("zero", "0"),
    _after("NaN", "nan"),
    _after("1e400", "1e400"),
    _after("infinite", "inf"),
    _after("5000 digits", TOO_LONG),
    _after("a past date", "Fri, 20 Nov 2026 09:00:00 GMT", NOW),
    _after("a date that is none", "Fri, 99 Nov 2026 99:00:00 GMT"),
    _after("empty", ""),
)


def _to(place: str, status: int = 307) -> Script:
    return (whole(status, b"", f"Location: {place}"),)


REDIRECTS: Final = (
    Fault("54", "redirect", "same origin 307", "F", lambda w: _to("/v1/other"), OTHERS, once=True),
    Fault("55", "redirect", "other origin 307", "F", lambda w: _to("{trap}/v1/x"), OTHERS, once=True),
    Fault("55", "redirect", "other origin 303", "F", lambda w: _to("{trap}/v1/x", 303), OTHERS, once=True),
    Fault("55", "redirect", "user in Location", "F", lambda w: _to("http://u:p@{trap_host}/x"), once=True),
    Fault("55", "redirect", "a host of two slashes", "F", lambda w: _to("//{trap_host}/x"), once=True),
    Fault("56", "redirect", "loop", "F", lambda w: _to("/v1/chat/completions"), once=True),
    Fault("56", "redirect", "no Location", "F", lambda w: (whole(302),), once=True),
    Fault("56", "redirect", "file:", "F", lambda w: _to("file:///etc/passwd"), once=True),
    Fault("56", "redirect", "unreadable", "F", lambda w: _to("http://[:::"), once=True),
    Fault(
        "58",
        "cookie",
        "Set-Cookie, then the next provider",
        "R>F",
        lambda w: says(503, f"Set-Cookie: stolen={FOREIGN}; Path=/; Domain=127.0.0.1"),
        hidden=(FOREIGN,),
    ),
)


def _page(status: int, kind: str) -> Script:
    return (whole(status, PAGE, kind=kind),)


HIDDEN: Final = ("Canary of the page",)
BODIES: Final = (
    Fault("59", "body", "a page as text/html", "F", lambda w: _page(200, "text/html"), EVERY, hidden=HIDDEN),
    Fault("59", "body", "a page as a stream", "F", lambda w: (streamed(PAGE),), EVERY, hidden=HIDDEN),
    Fault("60", "body", "a page with 503", "R>F", lambda w: _page(503, "text/html"), OTHERS, hidden=HIDDEN),
    Fault("61", "body", "a JSON error with 200", "F", lambda w: says(200), EVERY),
    Fault("61", "body", "a JSON error as a stream", "F", lambda w: (streamed(SAID),), EVERY),
    Fault("61", "body", "a JSON error as an event", "F", lambda w: (streamed(b"data: " + SAID + b"\n\n"),)),
    Fault("62", "body", "detail with 200", "F", lambda w: says(200, body=b'{"detail": "Not found"}'), EVERY),
)


def _forged(body: bytes, status: int = 500) -> Script:
    return (whole(status, body, kind="text/plain"),)


LINES: Final = b"it broke\r\n2026-11-20 reply.completed forged=1\x1b[2J\x1b[31mred\x07\x00\x9b\xe2\x80\xae"
ECHO: Final = f"your key {KEY}, cookie {COOKIE}, header {HEADER} \x1b[31m\r\nlevel=info forged".encode()
LOG: Final = (
    Fault("110", "log", "control characters, forged lines", "R>F", lambda w: _forged(LINES), EVERY),
    Fault("110", "log", "the same in the reason", "R>F", lambda w: (_reason("a\x1b[31mb\x9bc"),)),
    Fault("111", "log", "the secrets in an error body", "F", lambda w: _forged(ECHO, 400), OTHERS),
    Fault("111", "log", "in an error object", "F", lambda w: (_object(),), OTHERS),
    Fault("111", "log", "in an error event", "R>F|F", lambda w: (streamed(_event(w)),)),
    Fault("111", "log", "in the reason phrase", "R>F", lambda w: (_reason(KEY),), ("openai", "aura")),
    Fault("111", "log", "in Location", "F", lambda w: _to(f"http://{KEY}/{COOKIE}")),
    Fault("111", "log", "in the encoding", "F", lambda w: (_coded(KEY),)),
    Fault("111", "log", "in a status line", "F", lambda w: (f"HTTP/1.1 {KEY} no\r\n\r\n".encode(), Do.CLOSE)),
    Fault("111", "log", "in a broken header", "F", lambda w: (_broken(KEY), Do.CLOSE), EVERY),
    Fault(
        "111", "log", "in a chunk's length", "F", lambda w: (w.head + f"{KEY}\r\n".encode(), Do.CLOSE), EVERY
    ),
    Fault("111", "log", "in a request id", "R>F", lambda w: says(503, f"x-request-id: {KEY}")),
)


def _broken(said: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{said} {COOKIE}\r\n\r\n".encode()


def _reason(said: str) -> bytes:
    return f"HTTP/1.1 500 {said}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


def _object() -> bytes:
    return whole(401, json.dumps({"error": {"message": ECHO.decode(), "type": "x"}}).encode())


def _event(wire: Wire) -> bytes:
    return b"data: " + json.dumps({"error": {"message": ECHO.decode(), "code": 500}}).encode() + b"\n\n"


def _coded(encoding: str) -> bytes:
    return whole(200, b"x", f"Content-Encoding: {encoding}")


STATUS: Final = (*STATUSES, *PUSH_BACK, *REDIRECTS, *BODIES, *LOG)
