"""What a status means where the body has no better word, and how long to stay away. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    InvalidRequest,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AMBIGUOUS: Final = frozenset((403, 404, 405, 410, 451))
"""Statuses that alone do not tell whether they speak about the request or the service."""

_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{0,9})?")
_MEANING: Final[dict[int, type[AdapterError]]] = {
    **dict.fromkeys((400, 413, 414, 415, 418, 422, 501), InvalidRequest),
    **dict.fromkeys((401, 403, 407), AuthenticationFailed),
    **dict.fromkeys((404, 405, 410, 451), NotWorking),
    402: QuotaExhausted,
    429: RateLimited,
    **dict.fromkeys((408, 409, 425), ServiceFailed),
}


def error_for_status(status: int) -> type[AdapterError]:
    """Return the class of error that `status` stands for; 101, 204, 3xx and all unknown are BadReply."""
    if status in _MEANING:
        return _MEANING[status]
    if 400 <= status < 500:
        return InvalidRequest
    if 500 <= status < 600:
        return ServiceFailed
    return BadReply


def retry_after_seconds(header: Callable[[str], str | None]) -> float | None:
    """Return the seconds that Retry-After (RFC 9110, 10.2.3) or OpenAI's retry-after-ms asks for.

    A date is measured against the answer's own Date, so that our clock does not matter; without one against
    our clock. Anything unreadable, zero, negative or past counts as absent.

    Args:
        header: Returns a response header's value by lower-case name.
    """
    milliseconds = (header("retry-after-ms") or "").strip()
    if _SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000 or None
    value = (header("retry-after") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value) or None
    then = _date(value)
    if then is None:
        return None
    now = _date(header("date")) or datetime.now(UTC)
    seconds = (then - now).total_seconds()
    return seconds if seconds > 0 else None


def _date(value: str | None) -> datetime | None:
    if not value or len(value) > 64:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
