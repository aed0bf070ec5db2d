"""The judgement of a soak."""

from __future__ import annotations

import random

import pytest

from benchmarks.soak.judging import ALLOWANCES, judge


def samples(**growth: float) -> list[dict[str, float]]:
    source = random.Random(1)
    flat = {"memory": 40.0, "blocks": 200_000.0, "sockets": 14.0, "tasks": 3.0}
    return [
        {
            "time": 5.0 * number,
            **{
                name: value + growth.get(name, 0.0) * number / 100 + source.choice((0, 0, 0, 0.3, 0.6))
                for name, value in flat.items()
            },
        }
        for number in range(100)
    ]


def test_what_only_swings_is_flat() -> None:
    assert all(each.flat for each in judge(samples()))


def test_bursts_are_no_growth() -> None:
    some = samples()
    for number in (40, 70, 97, 99):
        some[number]["tasks"] += 200
        some[number]["sockets"] += 200

    assert all(each.flat for each in judge(some))


@pytest.mark.parametrize(
    ("figure", "growth"), [("memory", 4.0), ("blocks", 9000.0), ("sockets", 6.0), ("tasks", 6.0)]
)
def test_what_grows_is_named_with_what_is_allowed(figure: str, growth: float) -> None:
    judged = judge(samples(**{figure: growth}))
    names = {allowance.figure: allowance.name for allowance in ALLOWANCES}
    (grown,) = [each for each in judged if not each.flat]

    assert names[figure] == grown.name
    assert f"{grown.allowed:.1f} is allowed" in grown.complaint


def test_growth_in_the_warm_up_is_forgiven() -> None:
    some = samples()
    for number in range(20):
        some[number]["memory"] -= 20 - number

    assert all(each.flat for each in judge(some))


def test_shrinking_is_fine() -> None:
    assert all(each.flat for each in judge(samples(memory=-20.0)))


def test_too_few_samples_are_not_judged() -> None:
    with pytest.raises(ValueError, match="too few"):
        judge(samples()[:5])
