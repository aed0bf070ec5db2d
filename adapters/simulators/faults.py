"""What can be made to go wrong, by name: one table for the command line, its help, and the simulators.

A fault strikes the request that asks for generation, called the turn; everything before it stays healthy,
unless a service adds faults of its own. Where it strikes:

    before HTTP      refuse
    instead of it    reset, close, stall, garbage
    as an answer     the statuses, html, json_error, redirect
    in the reply     the rest: see `adapters.simulators.reply_streams`
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "refuse": "nothing listens on the port: the connection is refused",
        "reset": "the connection is reset (TCP RST) when the request was read",
        "close": "the connection is closed before any byte of an answer",
        "stall": "nothing comes after the request was read, not even headers",
        "stall_headers": "headers come, then silence",
        "stall_after": "some content comes, then silence",
        "401": "status 401: the key or session is not accepted",
        "403": "status 403: access denied",
        "404": "status 404: no such thing",
        "429": "status 429 with Retry-After: too many requests",
        "500": "status 500: the service failed",
        "503": "status 503, with Retry-After where one is given: overloaded",
        "html": "an HTML page with status 200",
        "json_error": "a JSON error object with status 200",
        "empty": "a correct reply without content",
        "cut": "the connection is closed mid-stream, without end mark and without last chunk",
        "cut_clean": "the body ends cleanly mid-stream, but without the protocol's end mark",
        "reset_after": "the connection is reset (TCP RST) mid-stream",
        "error_event": "the protocol's own error event comes first, with status 200",
        "error_after": "the protocol's own error event comes after some content",
        "slow": "at least 50 ms pass before each delta",
        "redirect": "status 307 to another origin",
        "gzip": "the reply comes gzipped (Content-Encoding: gzip), though nobody asked",
        "garbage": "bytes that are not HTTP, then the connection is closed",
        "endless_comments": "what carries no content (comments, keep-alive lines) comes without end",
    }
)
"""The faults that are the same everywhere: name -> what happens on the wire."""

RAW_TEXT_LACKS: Final = frozenset({"error_event", "error_after", "endless_comments"})
"""Faults for which raw text has no words: it has neither events nor comments."""


def check_fault(fault: str | None, supported: Collection[str], service: str) -> None:
    """Refuse a fault that the service does not have.

    Raises:
        ValueError: Says which there are, and the nearest one.
    """
    if fault is not None and fault not in supported:
        raise ValueError(
            f"the {service} simulator has no fault {fault!r}; "
            f"there are: {', '.join(sorted(supported))}{nearest(fault, supported)}"
        )
