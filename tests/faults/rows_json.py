"""Rows 80 to 88 in the notations of the other services: JSON of wrong types, depths and lengths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.faults.fault import Fault
from tests.faults.rows_http import begun
from tests.faults.steps import CHUNKED, LAST, Repeat, Script, chunk, chunked, head

if TYPE_CHECKING:
    from tests.faults.framings import Wire

SERVICES: Final = ("opchatgpts", "h2o", "open_assistant")
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "h2o": (
        {"type": 7},
        {"type": None, "token": "x"},
        {"type": "stream"},
        {"type": "stream", "token": 7},
        {"type": "stream", "token": {"a": []}},
        {"type": "finalAnswer", "text": {}},
        {"type": "finalAnswer", "text": None},
        {"type": "status", "status": []},
        {"type": "status", "status": "error", "message": [7]},
        {"type": "title", "title": 7},
        {"token": 7, "generated_text": {}},
        {"error": {"message": 7}},
    ),
    "opchatgpts": (
        {"type": 7},
        {"type": "live"},
        {"type": "live", "data": 7},
        {"type": "live", "data": {}},
        {"type": "end"},
        {"type": "end", "data": 7},
        {"type": "end", "data": "{"},
        {"type": "end", "data": "[]"},
        {"type": "end", "data": '{"success": 7, "reply": []}'},
        {"type": "error", "data": {}},
        {"type": "error"},
        {"success": "x", "reply": 7},
    ),
    "open_assistant": (
        {"event_type": 7},
        {"event_type": "token"},
        {"event_type": "token", "text": 7},
        {"event_type": "token", "text": {}},
        {"event_type": "message"},
        {"event_type": "message", "message": 7},
        {"event_type": "message", "message": {"state": 7, "content": []}},
        {"event_type": "message", "message": {"id": 7, "content": "x"}},
        {"event_type": "error"},
        {"event_type": "error", "error": {}, "message": []},
        {"event_type": "pending", "queue_position": "x"},
        {"event_type": "plugin_intermediate", "text": 7},
    ),
}
COMMON: Final[tuple[Any, ...]] = ([], "text", 7, None, {}, {"type": "x", "event_type": "x", "data": []})
LONG: Final = b"9" * 100_000
DEEP: Final = b"[" * 100_000


def written(wire: Wire, value: bytes) -> bytes:
    """Return one piece of JSON as this service writes its pieces."""
    return value + b"\n" if "jsonl" in (wire.kind or "") else b"data: " + value + b"\r\n\r\n"


def first(wire: Wire, data: bytes) -> Script:
    return (wire.head + chunked([data, wire.opening, *wire.pieces, wire.end]) + LAST,)


def later(wire: Wire, data: bytes) -> Script:
    return (*begun(wire), chunked([data, *wire.pieces[3:], wire.end]) + LAST)


def _both(row: str, name: str, service: str, data: bytes) -> list[Fault]:
    """At the beginning it is passed over, or another provider answers; later the reply may break off."""
    return [
        Fault(row, "JSON", f"{name}, first", "T|F", lambda w: first(w, written(w, data)), (service,)),
        Fault(row, "JSON", f"{name}, later", "T|P", lambda w: later(w, written(w, data)), (service,)),
    ]


def _faults_of(service: str) -> list[Fault]:
    values = [*VALUES[service], *COMMON]
    found = [
        fault
        for number, value in enumerate(values, 1)
        for fault in _both("86", f"wrong type {number}", service, json.dumps(value).encode())
    ]
    found += _both("84", "broken JSON", service, b'{"type": "live", "data": [{')
    found += _both("87", "100 000 deep", service, b'{"type": ' + DEEP)
    found += _both("87", "100 000 digits", service, b'{"type": "x", "data": ' + LONG + b"}")
    found += _both("81", "a lone surrogate", service, rb'{"type": "\ud83d", "event_type": "\ud83d"}')
    return found


def _endless(wire: Wire) -> Script:
    return (head(200, CHUNKED, kind=wire.kind) + chunk(b"data: "), Repeat(chunk(b"a" * 65536)))


def _comments(wire: Wire) -> Script:
    return (wire.head, Repeat(chunk(wire.comment() * 4000)))


JSONS: Final = (
    *(fault for service in SERVICES for fault in _faults_of(service)),
    Fault("88", "memory", "an endless line", "F", _endless, ("open_assistant",), mib=16),
    Fault("88", "memory", "comments without end", "F", _comments, SERVICES, mib=64),
)
