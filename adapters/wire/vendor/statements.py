"""The body of an error answer, taken apart, whatever shape it has. Pure.

Services agree that an error has a code and a sentence. Where these stand differs: in an object under
`error`, in the payload itself, in a list around it, as bare text, as JSON inside of a sentence, as a
page. Relays wrap the answer of the service that they asked into their own. So a body is a handful of
statements, the innermost first: the service that is nearest to the fault knows it best.

Only fields that are known to hold the service's own words are read. What the user sent and the service
gives back (`input`, `flagged_input`, `param`, `loc`) is never looked at.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 4000
"""Characters of one text that are read; the peer decides how many there are."""
_LONGEST_JSON: Final = 16_000  # characters of a text that may be JSON
_MOST: Final = 64  # objects that are opened
_ALL: Final = 12_000  # characters of all texts together
_DEEPEST: Final = 8  # objects within objects
_WIDEST: Final = 32  # items of one list, fields of one object

_SENTENCES: Final = frozenset({
    "body", "cause", "data", "description", "detail", "details", "error", "errordescription", "errormessage",
    "errormsg", "errors", "exception", "faultstring", "info", "message", "messages", "msg", "raw", "reason",
    "responsebody", "statusmessage", "statusmsg", "title", "upstreambody",
})  # fmt: skip
_CODES: Final = frozenset({
    "code", "type", "status", "reason", "errorcode", "errcode", "errortype", "errorclass", "statuscode",
    "httpstatus", "httpstatuscode", "httpcode", "quotaid", "__type", "limitsource", "name", "error",
})  # fmt: skip
_OPENED: Final = frozenset({
    "baseresp", "body", "cause", "data", "detail", "details", "error", "errors", "fault", "headers",
    "innererror", "message", "messages", "metadata", "msg", "quotadimensions", "raw", "responsebody",
    "upstreambody", "violations",
})  # fmt: skip
_NUMBERED: Final = frozenset(
    {"code", "status", "statuscode", "httpstatus", "httpstatuscode", "httpcode", "errorcode"}
)
_ONLY_IN: Final = {"data": {"raw", "error"}, "messages": {"raw", "error"}, "name": {"error", "innererror"}}
_AWAY: Final = re.compile(r"[_\-\s]")
_SPACE: Final = re.compile(r"\s+")
_TAG: Final = re.compile(r"<[^<>]{0,400}>")
_LEADING: Final = re.compile(
    r"(?:error code:?|http(?: error| status)?:?|status(?: code)?:?) {0,2}([45][0-9]{2})\b"
    r"|([45][0-9]{2})(?:$|[:;,]| -| (?:bad|unauthor|payment|forbid|not found|page|method|request|conflict"
    r"|gone|unprocess|too many|internal|service|gateway))"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one object of a body says, or one bare text.

    Attributes:
        texts: Its sentences, as they were sent, cut.
        codes: Its codes, types and states that were sent as text. A number in their place is a status, or
            means something else at each vendor.
        fields: All its scalar fields, their names in lower case without `_` and `-`.
        depth: How many objects stand around it.
    """

    texts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """A body, taken apart.

    Attributes:
        statements: What it says, the innermost first.
        number: The HTTP status that the body itself names.
        page: Whether it is a page for people and no answer of an API.
    """

    statements: tuple[Statement, ...]
    number: int | None
    page: bool


def read_body(error: object) -> ErrorBody:
    """Take an error body apart; it never raises.

    Args:
        error: The payload, decoded or not: an object, a list, text, bytes, whatever came.
    """
    reader = _Reader()
    reader.read(error)
    found = sorted(reader.statements, key=lambda statement: -statement.depth)
    return ErrorBody(tuple(found), reader.number(), reader.page)


def plain(text: str) -> str:
    """Return a text as phrases are looked for in it: in lower case, in one line, with plain apostrophes."""
    return _SPACE.sub(" ", text[:LONGEST].replace("’", "'").replace("‘", "'").lower()).strip()


class _Reader:
    """Opens one body, breadth first, within its limits."""

    __slots__ = ("_left", "_numbers", "_opened", "_said", "page", "statements")

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.page = False
        self._numbers: list[int] = []
        self._said: list[int] = []  # numbers that sentences begin with
        self._opened = 0
        self._left = _ALL

    def number(self) -> int | None:
        return next(iter(self._numbers or self._said), None)

    def read(self, error: object) -> None:
        waiting: list[tuple[object, int, str]] = [(error, 0, "error")]
        while waiting and self._opened < _MOST:
            value, depth, name = waiting.pop(0)
            self._opened += 1
            if isinstance(value, bytes | bytearray):
                value = bytes(value[:_LONGEST_JSON]).decode("utf-8", "replace")
            if isinstance(value, str):
                inner = self._text(value, depth)
                waiting += [(part, depth + 1, name) for part in inner if depth < _DEEPEST]
            elif isinstance(value, list | tuple):
                waiting += [(part, depth, name) for part in value[:_WIDEST] if depth < _DEEPEST]
            elif isinstance(value, Mapping):
                waiting += self._object(value, depth, name)

    def _object(self, value: Mapping[Any, Any], depth: int, parent: str) -> list[tuple[object, int, str]]:
        texts: list[str] = []
        late: list[str] = []
        codes: list[str] = []
        fields: dict[str, str | int | float] = {}
        waiting: list[tuple[object, int, str]] = []
        for key, item in _some(value):
            name = _AWAY.sub("", key).lower()
            if parent not in _ONLY_IN.get(name, {parent}):
                continue
            if isinstance(item, str | int | float) and not isinstance(item, bool):
                fields.setdefault(name, item[:LONGEST] if isinstance(item, str) else item)
                code = _code(item) if name in _CODES else ""
                if code:
                    codes += [code] if isinstance(item, str) else []
                    number = _number(code) if name in _NUMBERED else None
                    self._numbers += [number] if number else []
            if isinstance(item, str) and name in _CODES - _SENTENCES and " " in item:
                late += self._cut(item)  # some have a sentence for a code; the error beside it says more
            elif isinstance(item, str) and name in _SENTENCES:
                waiting += [
                    (part, depth + 1, name) for part in self._sentence(item, texts) if depth < _DEEPEST
                ]
            elif name in _OPENED and isinstance(item, Mapping | list | tuple) and depth < _DEEPEST:
                waiting.append((item, depth + 1, name))
        self.statements.append(Statement((*texts, *late), tuple(codes), fields, depth))
        return waiting

    def _text(self, text: str, depth: int) -> list[object]:
        texts: list[str] = []
        inner = self._sentence(text, texts)
        if texts:
            self.statements.append(Statement(tuple(texts), depth=depth))
        return inner

    def _sentence(self, text: str, texts: list[str]) -> list[object]:
        """Add a sentence to `texts`; return what it wraps, where it is or ends with JSON."""
        text = text.strip()
        if not text:
            return []
        if _is_page(text):
            self.page = True
            texts += self._cut(_of_page(text))
            return []
        start = text.find("{") if len(text) <= _LONGEST_JSON else -1
        if 0 <= start <= LONGEST:
            start = start - 1 if text[start - 1 : start] == "[" else start
            inner, end = _json(text[start:])
            if inner is not None:
                texts += self._cut(f"{text[:start]} {text[start + end :]}".strip())
                return [inner]
        texts += self._cut(text)
        leading = _LEADING.match(text[:40].lower())
        self._said += [int(leading[1] or leading[2])] if leading else []
        return []

    def _cut(self, text: str) -> list[str]:
        """Return a text as far as it is read, in a list; nothing once enough was read."""
        text = text[: min(LONGEST, self._left)]
        self._left -= len(text)
        return [text] if text else []


def _some(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for position, key in enumerate(value):
        if position == _WIDEST:
            return
        if isinstance(key, str) and len(key) <= 64:
            yield key, value[key]


def _code(value: str | float) -> str:
    """Return what may be a code as text; the number of a whole float, nothing for sentences."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < 1 << 53 else ""
    if isinstance(value, int):
        return str(value) if abs(value) < 1 << 63 else ""
    return value.strip() if len(value) <= 120 else ""


def _number(code: str) -> int | None:
    """Return the HTTP status that a code such as `429 TOO_MANY_REQUESTS` starts with."""
    start = code[:3]
    if start.isascii() and start.isdigit() and 400 <= int(start) <= 599 and not code[3:4].isdigit():
        return int(start)
    return None


def _json(text: str) -> tuple[object, int]:
    """Return the JSON object or list that a text begins with, and where it ends; else None."""
    if not text.startswith(("{", "[")):
        return None, 0
    try:
        found, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None, 0
    return found or None, end


def _is_page(text: str) -> bool:
    start = text[:400].lower().lstrip("\ufeff \t\r\n")
    return start.startswith(("<!doctype", "<html", "<?xml", "<head", "<body", "<title")) or "<html" in start


def _of_page(text: str) -> str:
    """Return what a reader sees of a page; scripts and styles are left out."""
    text = text[:_LONGEST_JSON]
    for name in ("script", "style"):
        text = _without(text, f"<{name}", f"</{name}")
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", text)))[:LONGEST].strip()


def _without(text: str, opens: str, closes: str) -> str:
    lower, kept, at = text.lower(), [], 0
    if len(lower) != len(text):
        return text
    while (start := lower.find(opens, at)) >= 0:
        kept.append(text[at:start])
        end = lower.find(closes, start)
        if end < 0:
            return "".join(kept)
        at = end
    return "".join([*kept, text[at:]])
