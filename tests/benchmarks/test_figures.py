"""Medians, ratios, and slopes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cases import messages_of, text_of
from benchmarks.figures import Measured, Spread, added, against, ratio, ratios, rounded, slope


def run(**figures: Any) -> dict[str, Any]:
    return {"cpu": 1.0, "first": 1.0, "replies": 1, "wrong": 0, "errors": {}, "at": {}, **figures}


def measured(case: str, subject: str, *cpu: float, first: float = 1.0) -> Measured:
    return Measured(case, subject, tuple(run(cpu=value, first=first * value) for value in cpu), 0.1)


def test_a_ratio_is_of_the_medians_and_its_range_of_the_rounds() -> None:
    found = [measured("a", "httpx", 2.0, 4.0, 3.0), measured("a", "ours", 1.0, 1.0, 6.0)]

    assert 1 / 3 == ratio(found, "a", "ours")
    assert Spread(1 / 3, 0.25, 2.0) == ratios(found, "a", "ours")
    assert ratio(found, "b", "ours") is None
    assert ratios(found, "a", "nobody") is None


def test_a_ratio_to_nothing_is_none() -> None:
    found = [measured("a", "limit", 0.0), measured("a", "ours", 1.0), measured("a", "broken", math.nan)]

    assert against(found, "a", "ours", "limit") is None
    assert against(found, "a", "ours", "broken") is None


def test_what_a_failure_adds_is_taken_round_by_round() -> None:
    found = [measured("none", "ours", 1.0, 2.0, 3.0), measured("a 500", "ours", 1.5, 2.25, 4.0)]

    assert Spread(0.5, 0.25, 1.0) == added(found, "a 500", "none", "ours")
    assert added(found, "a 429", "none", "ours") is None


@given(
    st.floats(-5, 5),
    st.floats(-100, 100),
    st.integers(5, 40),
)
def test_the_slope_of_a_line_is_found_though_a_sample_stands_out(
    rise: float, start: float, count: int
) -> None:
    values = [start + rise * time for time in range(count)]
    values[count // 2] += 1e6

    assert slope(range(count), values) == pytest.approx(rise, abs=1e-6) or count < 8


def test_one_sample_has_no_slope() -> None:
    assert 0.0 == slope([1.0], [5.0])
    assert 0.0 == slope([1.0, 1.0], [5.0, 9.0])


def test_numbers_are_rounded_everywhere_and_nothing_else_is() -> None:
    assert {"a": [1.235e-05, 3], "b": "1.23456", "c": True} == rounded(
        {"a": [1.23456e-05, 3], "b": "1.23456", "c": True}
    )


@given(st.integers(1, 30))
def test_the_user_has_the_last_word(count: int) -> None:
    messages = messages_of(count)

    assert count == len(messages)
    assert "user" == messages[-1]["role"]
    assert all(one["role"] != other["role"] for one, other in pairwise(messages))


def test_the_text_of_a_reply_is_its_deltas() -> None:
    assert "word0 word1 " == text_of(2)
