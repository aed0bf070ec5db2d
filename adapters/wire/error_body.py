"""What the body of a failed answer says in words, whatever its shape. Sans-I/O."""

from __future__ import annotations

from typing import Any, Final

from adapters.contract.errors import BadReply
from adapters.wire.json import decode

_KEYS: Final = ("message", "error", "detail", "msg", "title", "reason", "description")
_PAGE: Final = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")


def is_page(body: bytes) -> bool:
    """Whether a body begins as an HTML or XML page does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_PAGE)


def words(body: bytes) -> str:
    """Return the message of an error body: of JSON its message, of a page only that it is one, else the text.

    The result is text of the peer: mask, cut and escape it before showing it.
    """
    if is_page(body):
        return "an HTML page"
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return _message(decode(body)) or body.decode("utf-8", "replace")
        except BadReply:
            pass
    return body.decode("utf-8", "replace").strip()


def _message(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message(item, depth + 1) for item in value[:3])))
    if isinstance(value, dict):
        return next(filter(None, (_message(value.get(key), depth + 1) for key in _KEYS)), "")
    return ""
