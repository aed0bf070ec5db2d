"""What a key may use: in no minute and on no day more than its limits, and it is told when to come back."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.gateway.admission.allowance import Allowance, Window
from router.gateway.failure import Failure, Refused
from router.gateway.settings import ClientKey

NOON = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
PAUSES = st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=60)


def key(**limits: Any) -> ClientKey:
    return ClientKey("team", "a-key-of-a-team", **limits)


def taken(
    allowance: Allowance, allowed: ClientKey, now: float, today: datetime.datetime = NOON
) -> Failure | None:
    try:
        allowance.take(allowed, now, today)
    except Refused as refused:
        return refused.failure
    return None


@given(PAUSES, st.integers(1, 5))
def test_in_no_minute_are_more_requests_than_allowed_and_waiting_as_told_helps(
    pauses: list[float], limit: int
) -> None:
    allowance, allowed, now = Allowance(), key(requests_per_minute=limit), 0.0
    granted: list[float] = []
    for pause in pauses:
        now += pause
        failure = taken(allowance, allowed, now)
        if failure is not None:
            assert failure.status == 429
            assert failure.retry_after is not None
            assert 0 <= failure.retry_after <= 61
            now += failure.retry_after
            assert taken(allowance, allowed, now) is None
        granted.append(now)

    for first, last in zip(granted, granted[limit:], strict=False):
        assert last - first >= 60 - 1e-6


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 1000)), max_size=40))
def test_a_window_never_counts_less_than_the_last_minute_nor_more_than_61_seconds(
    uses: list[tuple[float, int]],
) -> None:
    window, now, all_uses = Window(), 1000.0, []
    for pause, amount in uses:
        now += pause
        window.add(now, amount)
        all_uses.append((now, amount))

        used = window.used(now)
        assert used >= sum(amount for at, amount in all_uses if now - at < 60)
        assert used <= sum(amount for at, amount in all_uses if now - at <= 61)


def test_tokens_of_ended_replies_hold_the_next_request_back() -> None:
    allowance, allowed = Allowance(), key(tokens_per_minute=100)
    assert taken(allowance, allowed, 0.5) is None
    allowance.spend(0.5, NOON, 100, None)

    failure = taken(allowance, allowed, 1.0)
    assert failure is not None
    assert failure.retry_after == 60.0
    assert taken(allowance, allowed, 61.0) is None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"requests_per_day": 1}, "requests"),
        ({"tokens_per_day": 7}, "tokens"),
        ({"cost_per_day": 0.5}, "money"),
    ],
)
def test_a_daily_budget_lasts_until_midnight(limits: dict[str, float], code: str) -> None:
    allowance, allowed = Allowance(), key(**limits)
    assert taken(allowance, allowed, 0.0) is None
    allowance.spend(0.0, NOON, 7, 0.5)

    failure = taken(allowance, allowed, 500.0, NOON + datetime.timedelta(hours=11))
    assert failure is not None
    assert code in failure.message
    assert failure.code == "insufficient_quota"
    assert failure.retry_after == 3600
    assert ("x-should-retry", "false") in failure.headers
    assert taken(allowance, allowed, 501.0, NOON + datetime.timedelta(hours=12)) is None


def test_what_is_refused_is_not_counted() -> None:
    allowance, allowed = Allowance(), key(requests_per_minute=5, concurrency=1)
    allowance.running = 1
    assert all(taken(allowance, allowed, 0.0) is not None for _ in range(9))
    allowance.running = 0

    assert taken(allowance, allowed, 0.0) is None


def test_a_key_without_limits_keeps_a_minute_and_no_more() -> None:
    """It may be asked with for months; nobody asks then what was used."""
    allowance, window = Allowance(), Window()
    for second in range(3600):
        allowance.take(key(), second, NOON)
        allowance.spend(second, NOON, tokens=5, cost=None)
        window.add(second, 5)

    assert 61 * 5 == window.used(3599)
    assert 61 == len(window._buckets) == len(allowance._requests._buckets) == len(allowance._tokens._buckets)
