"""Rows 95 to 100: the steps around a reply, of the two services that keep conversations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.faults.fault import Fault
from tests.faults.steps import CHUNKED, Do, Repeat, Script, head, whole

if TYPE_CHECKING:
    from tests.faults.framings import Wire

CREATE: Final = {"h2o": "POST /conversation", "open_assistant": "POST /api/chat"}
DELETE: Final = {"h2o": "DELETE /conversation*", "open_assistant": "DELETE /api/chat*"}
LEAVE: Final = {**DELETE, "open_assistant": "PUT /api/chat"}
"""What cleans up behind a reply whose end was not seen."""
ID: Final = {"h2o": "conversationId", "open_assistant": "id"}
BOTH: Final = ("h2o", "open_assistant")
PAGE: Final = b"<!DOCTYPE html><html><body>Sign in</body></html>"
WRONG: Final = json.dumps({"message": "Something went wrong"}).encode()


def good(wire: Wire) -> Script:
    return (wire.full,)


def _each(row: str, name: str, promise: str, steps: dict[str, str], script: Any, **more: Any) -> list[Fault]:
    """The same fault at both services; `script` may depend on the name of the id."""
    return [
        Fault(
            row,
            "steps",
            name,
            promise,
            good,
            (service,),
            steps={steps[service]: script(ID[service]) if callable(script) else script},
            **more,
        )
        for service in BOTH
    ]


def _with_id(value: Any) -> Any:
    return lambda key: (whole(200, json.dumps({key: value}).encode()),)


def _fed(status: int, body: bytes = WRONG, *fields: str, kind: str = "application/json") -> Script:
    return (whole(status, body, *fields, kind=kind),)


IDS: Final[dict[str, Any]] = {
    "a number": 7,
    "null": None,
    "a list": ["x"],
    "empty": "",
    "of 100 000 characters": "x" * 100_000,
    "an object": {"id": "x"},
}
HOSTILE: Final = {
    "../../admin": "../../admin",
    "..": "..",
    "with CR LF": "a\r\nX-Forged: yes\r\n\r\n",
    "with a query": "a?b=c#d",
    "beyond Unicode": "ä\ud83d\u0000",
}


def _hostile(name: str, value: str) -> list[Fault]:
    """An id that is no id. Open-Assistant's travels in a query, where it is harmless, and is deleted, too."""
    script = _with_id(value)
    taken = value.isprintable()
    return [
        Fault(
            "96",
            "steps",
            f"create: id {name}",
            "F|T",
            good,
            (service,),
            steps={CREATE[service]: script(ID[service])},
            reported=service == "open_assistant" and taken,
        )
        for service in BOTH
    ]


CREATED: Final = [
    *_each("95", "create: 500", "F", CREATE, _fed(500)),
    *_each("95", "create: a page", "F", CREATE, _fed(200, PAGE, kind="text/html")),
    *_each("95", "create: no id", "F", CREATE, _fed(200, b"{}")),
    *_each("95", "create: no object", "F", CREATE, _fed(200, b"[1]")),
    *_each("95", "create: hangs", "F", CREATE, (Do.SILENCE,), within=32.0),
    *_each("95", "create: closed", "F", CREATE, (Do.CLOSE,)),
    *_each("95", "create: reset", "F", CREATE, (Do.RESET,)),
    *_each("95", "create: a cut body", "F", CREATE, (whole(200, b"{}" * 9)[:-4], Do.CLOSE)),
    *_each(
        "95",
        "create: 400 MiB",
        "F",
        CREATE,
        (head(200, CHUNKED), Repeat(b"10000\r\n" + b" " * 65536 + b"\r\n")),
        mib=64.0,
    ),
    *(
        fault
        for name, value in IDS.items()
        for fault in _each("95", f"create: id {name}", "F", CREATE, _with_id(value))
    ),
    *(fault for name, value in HOSTILE.items() for fault in _hostile(name, value)),
]

SETTINGS: Final = "POST /settings"
OLD: Final = {"generation": "G3"}
FIRST: Final = [
    Fault("97", "steps", "settings: 500", "F|T", good, ("h2o",), steps={SETTINGS: _fed(500)}, options=OLD),
    Fault("97", "steps", "settings: 302", "F|T", good, ("h2o",), steps={SETTINGS: _fed(302)}, options=OLD),
    Fault(
        "97", "steps", "settings: hangs", "F", good, ("h2o",), steps={SETTINGS: (Do.SILENCE,)}, options=OLD
    ),
]
ASKED: Final = {"open_assistant": "POST /api/chat/prompter_message"}
QUEUED: Final = {"open_assistant": "POST /api/chat/assistant_message"}


def _site(name: str, steps: dict[str, str], script: Script, promise: str = "F") -> Fault:
    path = steps["open_assistant"]
    return Fault("98", "steps", name, promise, good, ("open_assistant",), steps={path: script})


WITHIN: Final = [
    _site("prompter 500", ASKED, _fed(500)),
    _site("prompter hangs", ASKED, (Do.SILENCE,)),
    _site("prompter without id", ASKED, _fed(200, b"{}")),
    _site("queue full", QUEUED, _fed(503)),
    _site("queue full, in silence", QUEUED, (Do.SILENCE,)),
    _site("answer reset", QUEUED, (Do.RESET,)),
]
LEFT: Final = [
    *_each("99", "delete: 500", "T", DELETE, _fed(500), reported=True),
    *_each("99", "delete: 404", "T", DELETE, _fed(404), leaves=True),
    *_each("99", "delete: hangs", "T", DELETE, (Do.SILENCE,), reported=True, within=1.3),
    *_each("99", "delete: reset", "T", DELETE, (Do.RESET,), reported=True),
    *_each("99", "delete: a page", "T", DELETE, _fed(200, PAGE, kind="text/html"), leaves=True),
    *_each(
        "99",
        "delete: endless body",
        "T",
        DELETE,
        (head(200, CHUNKED), Repeat(b"1\r\nx\r\n", 0.01)),
        leaves=True,
        within=1.3,
    ),
]
TOKENS: Final = [
    Fault(
        "100",
        "steps",
        "queue notices and pings",
        "T",
        good,
        ("open_assistant",),
        options={"queue": 9, "pings": 9},
    ),
    *(
        Fault(
            "100",
            "steps",
            f"what {name} writes besides text",
            "T",
            good,
            ("h2o",),
            options={"generation": name},
        )
        for name in ("G1", "G2", "G3", "G4", "G5")
    ),
]
STEPS: Final = (*CREATED, *FIRST, *WITHIN, *LEFT, *TOKENS)
