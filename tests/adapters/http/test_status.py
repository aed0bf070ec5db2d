"""What a status means."""

from __future__ import annotations

from typing import Final

import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    InvalidRequest,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.http import error_for_status
from tests.depth import sampled

DOCUMENTED: Final[dict[type[AdapterError], set[int]]] = {
    InvalidRequest: {400, 413, 414, 415, 418, 422, 501},
    AuthenticationFailed: {401, 403, 407},
    QuotaExhausted: {402},
    NotWorking: {404, 405, 410, 451},
    RateLimited: {429},
    ServiceFailed: {408, 409, 425, 500, 502, 503, 504, *range(520, 530), 599},
}


NAMED: Final = frozenset().union(*DOCUMENTED.values())
SAMPLE: Final = sampled(
    range(100, 1000), 0.15, "statuses", lambda status: status if status in NAMED else status // 100
)


@pytest.mark.parametrize("status", SAMPLE)
def test_every_status_has_its_documented_class(status: int) -> None:
    named = [kind for kind, statuses in DOCUMENTED.items() if status in statuses]
    if not named:
        named = [
            InvalidRequest if 400 <= status < 500 else ServiceFailed if 500 <= status < 600 else BadReply
        ]

    assert [error_for_status(status)] == named
