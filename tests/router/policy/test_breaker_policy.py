"""The numbers of a breaker are checked by name, and have the documented defaults."""

from __future__ import annotations

import dataclasses
import math

import pytest

from router.policy.breaker import BreakerPolicy

BAD_NUMBERS: dict[str, list[float | None]] = {
    "consecutive": [0, -1, 1.5, True],
    "minimum": [0, 2.5, None, True],
    "ratio": [0, -0.1, 1.1, math.nan],
    "slow_ratio": [0, 1.1, math.nan],
    "window": [0, -1, math.inf, math.nan],
    "open_for": [0, -1, math.inf, math.nan],
    "open_cap": [0, 14.9, math.inf, math.nan],
    "slow_call": [0, -1, math.inf, math.nan],
    "trial_limit": [0, -1, math.inf, math.nan],
    "growth": [0.9, -2, math.inf, math.nan],
    "jitter": [-0.1, 1, math.nan],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD_NUMBERS.items() for v in values])
def test_a_number_out_of_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError) as raised:
        BreakerPolicy(**{name: value})

    assert str(raised.value).startswith(f"BreakerPolicy({name}={value!r}): it must be ")


def test_every_number_has_its_bad_values_here():
    assert {each.name for each in dataclasses.fields(BreakerPolicy)} == set(BAD_NUMBERS)


def test_the_defaults_are_the_documented_ones():
    policy = BreakerPolicy()

    assert (5, 0.5, 10, 60) == (policy.consecutive, policy.ratio, policy.minimum, policy.window)
    assert (15, 2, 300, 0.2) == (policy.open_for, policy.growth, policy.open_cap, policy.jitter)
    assert (None, 0.5, 60) == (policy.slow_call, policy.slow_ratio, policy.trial_limit)
