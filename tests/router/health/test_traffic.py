"""What requests showed in the last hour: a list that forgets nothing must agree with the rings."""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.events import AttemptOutcome, Verdict
from router.health.traffic import MOST, ProviderTraffic
from router.health.traffic_summary import AttemptCounts, Percentiles, ReplyCounts, Traffic
from router.provider.evidence import WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence


class Seen(NamedTuple):
    at: float
    kind: str
    seconds: float
    evidence: bool = True


outcomes = st.sampled_from(get_args(AttemptOutcome))
verdicts = st.sampled_from(get_args(Verdict))
steps = st.lists(
    st.tuples(st.floats(0, 900), outcomes | verdicts.map(str.upper), st.floats(0, 60), st.booleans()),
    max_size=60,
)


def played(history: Sequence[tuple[float, str, float, bool]]) -> tuple[ProviderTraffic, list[Seen], float]:
    """The traffic of a provider that was told a history, the same as a plain list, and the time now."""
    traffic, kept, now = ProviderTraffic(), [], 0.0
    for pause, kind, seconds, evidence in history:
        now += pause
        if kind.isupper():
            traffic.replied(now, kind.lower(), seconds)  # type: ignore[arg-type]  # words, drawn
        else:
            traffic.attempted(now, kind, seconds, evidence=evidence)  # type: ignore[arg-type]  # as above
        kept.append(Seen(now, kind, seconds, evidence))
    return traffic, kept, now


@given(steps, st.floats(0, 7200))
def test_the_summary_is_that_of_a_list_of_the_last_hour(history, later):
    traffic, kept, now = played(history)
    now += later
    young = [seen for seen in kept if seen.at + WINDOW > now]
    told = traffic.traffic(now)

    for name, count in asdict(told.attempts).items():
        if name != "skipped":
            assert len([seen for seen in young if seen.kind == name]) == count
    for name, count in asdict(told.replies).items():
        assert sum(seen.kind == name.upper() for seen in young) == count
    good = told.attempts.committed
    judged = good + sum(seen.kind == "failed" and seen.evidence for seen in young)
    assert (judged, good / judged if judged else None) == (told.judged, told.success_ratio)
    assert Percentiles.of([seen.seconds for seen in young if seen.kind == "committed"]) == told.first_content
    assert Percentiles.of([seen.seconds for seen in young if seen.kind == "COMPLETE"]) == told.total


@given(steps, st.floats(0, 7200))
def test_skips_are_counted_by_the_minute(history, later):
    traffic, kept, now = played(history)
    now += later
    at_least = sum(seen.kind == "skipped" and seen.at + WINDOW > now for seen in kept)
    at_most = sum(seen.kind == "skipped" and seen.at + WINDOW + 60 > now for seen in kept)

    assert at_least <= traffic.traffic(now).attempts.skipped <= at_most


@given(steps)
def test_a_summary_that_nothing_changed_is_not_made_again(history):
    traffic, _, now = played(history)

    assert traffic.traffic(now) is traffic.traffic(now)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=600))
def test_percentiles_are_samples_that_the_share_reaches(seconds):
    found = Percentiles.of(seconds)

    assert len(seconds) == found.samples
    for share, value in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        assert value in seconds
        assert sum(s <= value for s in seconds) >= share * len(seconds) - 1e-9
        assert sum(s < value for s in seconds) < share * len(seconds)


def test_the_percentiles_of_a_hundred_are_what_everybody_expects():
    found = Percentiles.of([float(n) for n in range(100, 0, -1)])

    assert Percentiles(100, 50.0, 95.0, 99.0) == found
    assert statistics.median_low(range(1, 101)) == found.p50


def test_nothing_seen_is_a_summary_too():
    assert Traffic() == ProviderTraffic().traffic(0)
    assert (AttemptCounts(), ReplyCounts(), None) == (
        Traffic().attempts,
        Traffic().replies,
        Traffic().success_ratio,
    )


def test_the_memory_is_bounded_whatever_comes():
    """A provider that is down is skipped thousands of times a second."""
    traffic = ProviderTraffic()
    for number in range(20_000):
        now = number / 2
        traffic.attempted(now, "skipped")
        traffic.attempted(now, "failed")
        traffic.replied(now, "complete", 1.0)
    kept: list[object] = [*traffic._attempts.items, *traffic._replies.items, *traffic._skipped]
    held = sum(sys.getsizeof(item) for item in kept)

    assert [MOST, MOST] == [len(traffic._attempts), len(traffic._replies)]
    assert len(traffic._skipped) <= 62
    assert held < 150_000
    assert traffic.traffic(now).attempts.skipped > 7000


def test_skips_push_no_evidence_out():
    traffic = ProviderTraffic()
    traffic.attempted(0, "failed")
    for _ in range(2 * MOST):
        traffic.attempted(1, "skipped")

    assert AttemptCounts(failed=1, skipped=2 * MOST) == traffic.traffic(2).attempts


@pytest.mark.parametrize("back", [-5.0, -math.inf])
def test_time_that_goes_backwards_stands_still(back):
    traffic = ProviderTraffic()
    traffic.attempted(100, "committed", 1.0)
    traffic.attempted(back, "committed", 2.0)

    assert traffic.traffic(back).attempts.committed == 2
    assert traffic.traffic(100 + WINDOW).attempts.committed == 0


def test_a_failure_that_says_nothing_is_counted_but_not_judged():
    traffic = ProviderTraffic()
    traffic.attempted(0, "committed", 1.0)
    traffic.attempted(0, "failed", evidence=False)
    told = traffic.traffic(0)

    assert (1, 1, 1.0) == (told.attempts.failed, told.judged, told.success_ratio)


def test_numbers_are_told_to_the_millisecond():
    traffic = ProviderTraffic()
    traffic.attempted(0, "committed", 0.123456)

    assert {"samples": 1, "p50": 0.123, "p95": 0.123, "p99": 0.123} == traffic.traffic(0).as_dict()[
        "first_content"
    ]
    assert repr(traffic) == "<ProviderTraffic 1 attempts, 0 replies>"
