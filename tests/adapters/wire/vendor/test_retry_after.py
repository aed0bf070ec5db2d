"""How long a service asks to be left alone: every form, the longer of two, and nothing from nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.vendor.errors import error_from
from adapters.wire.vendor.retry_after import LONGEST_WAIT, wait_of_body, wait_of_headers
from tests.adapters.wire.documents import ANY_TEXT, JSON

NOW = datetime(2026, 11, 27, 3, 0, 0, tzinfo=UTC)


def epoch(seconds: float) -> float:
    return NOW.timestamp() + seconds


def limits(**told: tuple[str, str]) -> dict[str, str]:
    """Return the headers of limits: of each when it is whole again, and what remains of it."""
    resets = {f"x-ratelimit-reset-{of}": reset for of, (reset, _) in told.items()}
    return resets | {f"x-ratelimit-remaining-{of}": remaining for of, (_, remaining) in told.items()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"Retry-After": " 7.5 "}, 7.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90.0),
        ({"retry-after": "Fri, 27 Nov 2026 03:02:00 GMT", "date": "Fri, 27 Nov 2026 03:01:00 GMT"}, 60.0),
        ({"retry-after": str(int(epoch(30)))}, 30.0),
        ({"retry-after": "1m30s"}, 90.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        # Where two disagree the longer one holds; zero and nonsense hide nothing.
        ({"retry-after": "2", "retry-after-ms": "9000"}, 9.0),
        ({"retry-after": "20", "retry-after-ms": "9000"}, 20.0),
        ({"retry-after": "0", "retry-after-ms": "9000"}, 9.0),
        ({"retry-after": "soon", "retry-after-ms": "9000"}, 9.0),
        ({"retry-after": "20", "retry-after-ms": "0"}, 20.0),
        ({"retry-after": "999999999999", "retry-after-ms": "9000"}, 9.0),
        # A relay's prefix.
        ({"llm_provider-retry-after": "12"}, 12.0),
        ({"llm_provider-retry-after": "12", "retry-after": "3"}, 12.0),
        ({"llm_provider-retry-after": "3", "retry-after": "12"}, 12.0),
        ({"llm_provider-retry-after-ms": "1250"}, 1.25),
        ({"llm_provider-x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        # Limits: all forms.
        ({"x-ratelimit-reset-requests": "1s"}, 1.0),
        ({"x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1h2m"}, 3720.0),
        ({"x-ratelimit-reset-requests": "2m59.56s"}, 179.56),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-reset-requests": "1d"}, 86400.0),
        ({"x-ratelimit-reset-tokens-minute": "33.5"}, 33.5),
        ({"x-ratelimit-reset": "2026-11-27T03:01:00Z"}, 60.0),
        ({"anthropic-ratelimit-requests-reset": "2026-11-27T03:00:40Z"}, 40.0),
        ({"anthropic-ratelimit-input-tokens-reset": "2026-11-27T03:00:40+00:00"}, 40.0),
        ({"x-ratelimit-reset": str(int(epoch(45)))}, 45.0),
        ({"x-ratelimit-reset": str(int(epoch(45) * 1000))}, 45.0),
        ({"ratelimit-reset": "15"}, 15.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        # A limit that is not used up is not the reason.
        (limits(requests=("24h0m0s", "99"), tokens=("7s", "0")), 7.0),
        ({"anthropic-ratelimit-requests-reset": "2026-11-27T04:00:00Z",
          "anthropic-ratelimit-requests-remaining": "9",
          "anthropic-ratelimit-tokens-reset": "2026-11-27T03:00:30Z",
          "anthropic-ratelimit-tokens-remaining": "0"}, 30.0),
        ({**limits(requests=("1h", "99")), "retry-after": "2"}, 2.0),
        ({"x-ratelimit-reset-requests": "1h", "retry-after": "2"}, 2.0),
        ({**limits(requests=("1m", "0")), "retry-after": "2"}, 60.0),
        ({"x-ratelimit-reset-tokens": "9s", "x-ratelimit-remaining-tokens": "40"}, 9.0),
        # Nothing.
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "1, 2"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 01 Jan 1990 00:00:00 GMT"}, None),
        # Absurd, and nothing else is told: coming back is no use, for a month at most.
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_WAIT),
        ({"retry-after": "999999999999"}, LONGEST_WAIT),
        ({"retry-after": "99999999"}, LONGEST_WAIT),
        ({"retry-after": "99999999", "retry-after-ms": "0"}, LONGEST_WAIT),
        ({"x-ratelimit-reset-tokens": "9999d"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"x-ratelimit-reset": str(int(epoch(-5)))}, None),
        ({"x-ratelimit-limit-requests": "60"}, None),
    ],
)  # fmt: skip
def test_headers(headers: dict[str, str], expected: float | None) -> None:
    actual = wait_of_headers(headers, NOW)

    assert expected == (actual if actual is None else pytest.approx(actual, abs=1e-3))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-reset-tokens": "6m0s"}, None),
        ({**limits(requests=("1s", "59"), tokens=("6m0s", "149000"))}, None),
        (limits(requests=("1s", "59"), tokens=("6m0s", "0")), 360.0),
        ({"x-ratelimit-reset-tokens": "6m0s", "retry-after": "2"}, 2.0),
    ],
)
def test_the_limits_of_a_service_that_failed_ask_for_nothing_unless_used_up(
    headers: dict[str, str], expected: float | None
) -> None:
    assert expected == wait_of_headers(headers, NOW, limited=False)
    assert expected == error_from({"message": "boom"}, 500, headers=headers, now=NOW).retry_after


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Please try again in 20s.", 20.0),
        ("Please try again in 1m2.5s. Visit x", 62.5),
        ("Please try again in 500ms.", 0.5),
        ("Please try again in 7m12s", 432.0),
        ("Please try again in 6h0m0s", 21600.0),
        ("Please retry in 36.429760048s.", 36.429760048),
        ("Please retry after 22 seconds.", 22.0),
        ("Try again in 86400 seconds", 86400.0),
        ("try again in 3 minutes", 180.0),
        ("Try again in about 2 hours", 7200.0),
        ("Try again in 1 hour and 5 minutes", 3900.0),
        ("Try again in 1 hour, 5 minutes, 3 seconds", 3903.0),
        ("please try again after 1 seconds", 1.0),
        ("Please wait 75218 seconds before retrying.", 75218.0),
        ("wait for 3 seconds", 3.0),
        ("Your quota will reset after 2h15m.", 8100.0),
        ("Limit resets in 45 seconds", 45.0),
        ("available again in 10 min", 600.0),
        ("请在 20 秒后重试", 20.0),
        ("请 3分钟后再试", 180.0),
        ("resets at 2026-11-27T03:00:30Z", 30.0),
        ("You will regain access on 2026-11-28 at 03:00 UTC.", 86400.0),
        ("usage limit reached until 2026-11-27T04:00:00+00:00", 3600.0),
        ("Please try again in 5s. Or try again in 9s.", 9.0),
        ("Please try again later", None),
        ("Retry after 3 attempts", None),
        ("try again in 3 models", None),
        ("Rate limit of 50 per 86400s exceeded", None),
        ("try again in 0s", None),
        ("try again in 99999 days", None),
        ("Used 5034, Requested 1443 in 20s", None),
    ],
)
def test_sentences(message: str, expected: float | None) -> None:
    actual = wait_of_body({"error": {"message": message}}, NOW)

    assert expected == (actual if actual is None else pytest.approx(actual, abs=1e-6))


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"error": {"code": 429, "message": "Please retry in 38.2s.", "details": [RETRY_INFO]}}], 38.0),
        ({"error": {"message": "Please retry in 38.2s.", "details": [{"retryDelay": "0s"}]}}, 38.2),
        ({"error": {"details": [{"retryDelay": "1.500s"}, {"retryDelay": "38s"}]}}, 38.0),
        ({"error": "Model m is currently loading", "estimated_time": 20.5}, 20.5),
        ({"error": {"type": "usage_limit_reached", "resets_in_seconds": 7200}}, 7200.0),
        ({"error": {"resets_at": int(epoch(60))}}, 60.0),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int(epoch(60) * 1000))}}}}, 60.0),
        ({"error": {"metadata": {"retry_after_seconds": 5}}}, 5.0),
        ({"retry_after_ms": 1500}, 1.5),
        ({"retry_after": "nonsense", "message": "try again in 4s"}, 4.0),
        ({"error": {"message": '{"error": {"message": "try again in 4s"}}'}}, 4.0),
        ("try again in 4s", 4.0),
        ({"error": {"input": "try again in 4s"}}, None),
        (None, None),
    ],
)
def test_bodies(body: object, expected: float | None) -> None:
    actual = wait_of_body(body, NOW)

    assert expected == (actual if actual is None else pytest.approx(actual, abs=1e-3))


def test_without_a_clock_dates_are_not_read_and_all_else_is() -> None:
    assert None is wait_of_body({"message": "resets at 2026-11-27T03:00:30Z", "resets_at": epoch(60)})
    assert 4.0 == wait_of_body({"message": "try again in 4s"})


@pytest.mark.parametrize(
    ("header", "message", "expected"),
    [("2", "try again in 20s", 20.0), ("30", "try again in 20s", 30.0), ("0", "try again in 20s", 20.0),
     ("30", "slow down", 30.0), ("soon", "slow down", None)],
)  # fmt: skip
def test_of_header_and_body_the_longer_one_holds(header: str, message: str, expected: float | None) -> None:
    error = error_from({"message": message}, 429, headers={"retry-after": header}, now=NOW)

    assert expected == error.retry_after


NAMES = st.sampled_from(
    [
        "retry-after",
        "Retry-After-Ms",
        "llm_provider-retry-after",
        "x-ratelimit-reset-tokens",
        "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-tokens-reset",
        "ratelimit",
        "date",
        "x-ratelimit-reset",
    ]
)
VALUES = ANY_TEXT | st.sampled_from(
    ["0", "1", "1s", "6m0s", "9" * 30, "1e9", "Fri, 31 Dec 9999 23:59:59 GMT", "nan"]
)


@given(headers=st.dictionaries(NAMES | ANY_TEXT, VALUES, max_size=6), body=JSON)
def test_whatever_comes_is_a_sensible_wait_or_none(headers: dict[str, str], body: object) -> None:
    actual = error_from(body, 429, headers=headers, now=NOW).retry_after

    assert actual is None or 0 < actual <= LONGEST_WAIT


@given(seconds=st.floats(0.001, LONGEST_WAIT), more=st.floats(0.001, LONGEST_WAIT))
def test_a_second_wait_never_shortens_the_first(seconds: float, more: float) -> None:
    one = wait_of_headers({"retry-after": f"{seconds:.3f}"}, NOW)
    two = wait_of_headers({"retry-after": f"{seconds:.3f}", "retry-after-ms": f"{more * 1000:.0f}"}, NOW)

    assert one is None or (two is not None and two >= one)
