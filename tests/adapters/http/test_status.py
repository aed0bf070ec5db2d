"""What a status means, and how long Retry-After asks to stay away."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from adapters.http import error_for_status, retry_after_seconds

DOCUMENTED: Final[dict[type[AdapterError], set[int]]] = {
    InvalidRequest: {400, 413, 414, 415, 418, 422, 501},
    AuthenticationFailed: {401, 403, 407},
    QuotaExhausted: {402},
    NotWorking: {404, 405, 410, 451},
    RateLimited: {429},
    ServiceFailed: {408, 409, 425, 500, 502, 503, 504, *range(520, 530), 599},
}


@pytest.mark.parametrize("status", range(100, 1000))
def test_every_status_has_its_documented_class(status: int) -> None:
    named = [kind for kind, statuses in DOCUMENTED.items() if status in statuses]
    if not named:
        named = [
            InvalidRequest if 400 <= status < 500 else ServiceFailed if 500 <= status < 600 else BadReply
        ]

    assert [error_for_status(status)] == named


def seconds(**headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return retry_after_seconds(named.get)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", 1.0),
        (" 120 ", 120.0),
        ("0.5", 0.5),
        ("7.", 7.0),
        ("999999999999", 999999999999.0),
        ("0", None),
        ("0.0", None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("1e400", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),
        ("1, 2", None),
        ("9" * 5000, None),
        ("soon", None),
        ("", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "far"),
        ("Mon, 01 Jan 1990 00:00:00 GMT", None),
        ("Mon, 99 Jan 2090 00:00:00 GMT", None),
        ("Mon, 01 Jan 2090 00:00:00 +9999", None),
    ],
)
def test_value_is_read_or_counts_as_absent(value: str, expected: float | str | None) -> None:
    found = seconds(retry_after=value)
    if expected == "far":
        assert found is not None
        assert found > 1e9
    else:
        assert found == expected


def test_date_is_measured_against_the_answers_own_clock() -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)

    assert seconds(retry_after=later, date=format_datetime(now, usegmt=True)) == 90.0
    assert seconds(retry_after=later, date="broken") is None  # long past by our clock


def test_milliseconds_of_openai_come_first() -> None:
    assert seconds(retry_after_ms="1500", retry_after="7") == 1.5
    assert seconds(retry_after_ms="x", retry_after="7") == 7.0
    assert seconds(retry_after_ms="0", retry_after="7") is None


@given(st.text(max_size=60), st.text(max_size=40), st.text(max_size=20))
def test_no_text_of_a_peer_raises_or_gives_nonsense(value: str, date: str, milliseconds: str) -> None:
    found = seconds(retry_after=value, date=date, retry_after_ms=milliseconds)

    assert found is None or (found > 0 and math.isfinite(found))


@given(st.integers(1, 250_000_000_000), st.integers(-(10**6), 10**6))
def test_dates_give_their_distance(moment: int, distance: int) -> None:
    now = datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    then = now + timedelta(seconds=distance)
    found = seconds(retry_after=format_datetime(then, usegmt=True), date=format_datetime(now, usegmt=True))

    assert found == (distance if distance > 0 else None)


@given(st.integers(1, 10**11))
def test_whole_seconds_are_taken_as_they_are(value: int) -> None:
    assert seconds(retry_after=str(value)) == value
