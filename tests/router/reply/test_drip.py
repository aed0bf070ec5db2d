"""The guard against dripping: exact where it can be, and lenient by a 64th of the window where it cannot."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.reply.clock import PARTS, DripGuard

PAUSES = st.one_of(st.floats(0, 0.3), st.floats(0, 20))
CONTENT = st.lists(st.tuples(PAUSES, st.integers(0, 50)), min_size=1, max_size=60)


def fed(guard: DripGuard, pieces: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Give it content after each pause; return it with its times."""
    now, told = 100.0, []
    for pause, characters in pieces:
        now += pause
        guard.content(now, characters)
        told.append((now, characters))
    return told


@given(CONTENT, st.floats(0.1, 20), st.floats(0, 60))
def test_the_deadline_is_where_it_becomes_too_slow_if_nothing_more_comes(pieces, rate, later):
    guard = DripGuard(rate, 10)
    now = fed(guard, pieces)[-1][0]
    deadline = guard.deadline(now)

    assert now <= deadline < math.inf
    assert guard.too_slow(deadline)
    assert (now + later >= deadline) is guard.too_slow(now + later)
    assert guard.deadline(now + later) == max(deadline, now + later)


@given(CONTENT, st.floats(0.1, 20), st.floats(0, 30))
def test_it_agrees_with_a_count_of_the_window_to_its_precision(pieces, rate, later):
    guard, window = DripGuard(rate, 10), 10
    told = fed(guard, pieces)
    now = told[-1][0] + later
    slack = window / PARTS + 1e-9
    at_least = sum(characters for at, characters in told if at > now - window + 1e-9)
    at_most = sum(characters for at, characters in told if at > now - window - slack)
    judged = now >= told[0][0] + window

    if guard.too_slow(now):
        assert judged
        assert at_least < rate * window
    elif judged:
        assert at_most >= rate * window


def test_nothing_is_judged_before_content_came_and_a_window_has_passed():
    guard = DripGuard(rate=10, window=5)

    assert (False, math.inf) == (guard.too_slow(1e9), guard.deadline(1e9))

    guard.content(100, 1)

    assert (False, 105) == (guard.too_slow(104.9), guard.deadline(100))
    assert guard.too_slow(105)


def test_enough_at_once_lasts_a_window_and_enough_in_parts_until_a_needed_one_leaves_it():
    guard = DripGuard(rate=2, window=10)
    guard.content(0, 5)
    guard.content(8, 15)
    guard.content(9, 5)

    assert 18 == guard.deadline(9)

    guard.content(12, 14)

    assert 18 == guard.deadline(12)

    guard.content(13, 1)

    assert 19 == guard.deadline(13)


def test_content_kept_as_one_counts_as_long_as_the_newest_of_it():
    guard = DripGuard(rate=1, window=64)
    guard.content(0, 30)
    guard.content(0.9, 34)

    assert 64.9 == guard.deadline(1)

    guard.content(1, 1)

    assert 64.9 == guard.deadline(1)


def test_one_character_now_and_then_is_too_slow_and_a_steady_reply_never():
    drip, steady = DripGuard(rate=1, window=10), DripGuard(rate=1, window=10)
    slow = []
    for now in range(0, 40, 4):
        drip.content(now, 1)
        slow.append(drip.too_slow(now))
    for now in range(1000):
        steady.content(now, 1)

        assert not steady.too_slow(now)
    assert [False] * 3 + [True] * 7 == slow


def test_a_reply_that_comes_back_to_its_rate_is_not_too_slow_any_more():
    guard = DripGuard(rate=1, window=10)
    guard.content(0, 1)

    assert guard.too_slow(20)

    guard.content(21, 10)

    assert (False, 31) == (guard.too_slow(21), guard.deadline(21))


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10))), st.floats(0, 1e9))
def test_off_by_default_it_is_never_too_slow_and_keeps_nothing(pieces, later):
    guard = DripGuard()
    fed(guard, pieces)

    assert (False, math.inf) == (guard.too_slow(later), guard.deadline(later))
    assert not guard._stretches


def test_its_memory_does_not_grow_with_the_deltas():
    guard = DripGuard(rate=1, window=10)
    for number in range(100_000):
        guard.content(number / 1000, 1)

        assert len(guard._stretches) <= PARTS + 1


def test_time_that_goes_backwards_takes_nothing_away():
    guard = DripGuard(rate=1, window=10)
    guard.content(100, 5)
    guard.content(50, 5)

    assert 110 == guard.deadline(100)


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
@pytest.mark.parametrize("name", ["rate", "window"])
def test_a_number_out_of_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError) as raised:
        DripGuard(**{name: value})

    assert str(raised.value).startswith(f"DripGuard({name}={value!r}): it must be ")
