"""What a status means where the body has no better word, and the clock that waits are measured against."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

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
from adapters.wire.error_body import is_page, words

AMBIGUOUS: Final = frozenset((403, 404, 405, 410, 451))
"""Statuses that alone do not tell whether they speak about the request or the service."""

_TOO_LARGE: Final = 413
_OF_BYTES: Final = re.compile(
    r"\b(?:entity|payload|content|body) too large|body exceeds|maximum size", re.IGNORECASE
)
_MEANING: Final[dict[int, type[AdapterError]]] = {
    **dict.fromkeys((400, 413, 414, 415, 418, 422, 501), InvalidRequest),
    **dict.fromkeys((401, 403, 407), AuthenticationFailed),
    **dict.fromkeys((404, 405, 410, 451), NotWorking),
    402: QuotaExhausted,
    429: RateLimited,
    **dict.fromkeys((408, 409, 425), ServiceFailed),
}


def error_for_status(status: int) -> type[AdapterError]:
    """Return the class of error that `status` stands for; 101, 204, 3xx and all unknown are BadReply.

    Args:
        status: Of an answer whose body has no better word.
    """
    if status in _MEANING:
        return _MEANING[status]
    if 400 <= status < 500:
        return InvalidRequest
    if 500 <= status < 600:
        return ServiceFailed
    return BadReply


def limits_bytes(status: int, body: bytes) -> bool:
    """Whether an answer is the 413 of a front server, which limits the bytes of a body and knows no tokens.

    Args:
        status: Of the answer.
        body: Of the answer: nothing, a page, or words about the body.
    """
    if status != _TOO_LARGE:
        return False
    said = words(body)
    return not said or is_page(body) or (_OF_BYTES.search(said) is not None and "token" not in said.lower())


def wall_clock() -> datetime:
    """Return the time that dates are measured against, in answers without a `Date` of their own."""
    return datetime.now(UTC)
