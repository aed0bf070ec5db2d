"""What a user sets about asking again, and what follows from an error."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import AdapterError, BadReply, ContentRefused, Disposition
from adapters.contract.errors import InvalidRequest, ReplyTooLarge
from router import RetryPolicy
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

NAMES = ("a", "b", "c")


@given(
    failures=st.integers(1, 5),
    backoff=st.floats(0, 10),
    cap=st.floats(0, 10),
    seed=st.integers(),
)
def test_a_pause_is_between_nothing_and_the_doubled_backoff_or_its_cap(failures, backoff, cap, seed):
    policy = RetryPolicy(backoff=backoff, backoff_cap=cap)
    pause = policy.pause(failures, random.Random(seed))

    assert 0 <= pause <= min(cap, backoff * 2 ** (failures - 1))


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (9, 5.0)])
def test_the_jitter_is_full_every_tenth_of_the_range_is_drawn_alike(failures, longest):
    source = random.Random(7)
    policy = RetryPolicy()
    drawn = [policy.pause(failures, source) for _ in range(10_000)]
    tenths = [0] * 10
    for pause in drawn:
        tenths[min(9, int(pause / longest * 10))] += 1

    assert min(tenths) > 850
    assert max(tenths) < 1150
    assert pytest.approx(longest / 2, rel=0.05) == sum(drawn) / len(drawn)


def test_the_same_seed_draws_the_same_pauses():
    policy = RetryPolicy()
    first, second = random.Random(3), random.Random(3)

    assert [policy.pause(n, first) for n in range(1, 9)] == [policy.pause(n, second) for n in range(1, 9)]


def test_the_nearest_class_that_the_user_changed_decides():
    policy = RetryPolicy(dispositions={BadReply: Disposition.RETRY, ReplyTooLarge: Disposition.ABORT})

    assert Disposition.RETRY is policy.disposition(BadReply("x"))
    assert Disposition.ABORT is policy.disposition(ReplyTooLarge("x"))
    assert Disposition.FAILOVER is policy.disposition(InvalidRequest("x"))
    assert Disposition.ABORT is policy.disposition(ContentRefused("x"))


def test_a_policy_keeps_a_copy_of_what_the_user_gave():
    given_ones: dict[type[AdapterError], Disposition] = {BadReply: Disposition.RETRY}
    policy = RetryPolicy(dispositions=given_ones)
    given_ones.clear()

    assert Disposition.RETRY is policy.disposition(BadReply("x"))
    with pytest.raises(TypeError):
        policy.dispositions[BadReply] = Disposition.ABORT  # type: ignore[index]  # that it cannot be set is what is tested


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"attempts": 0}, "attempts=0"),
        ({"attempts": 6}, "from 1 to 5"),
        ({"stay": 0}, "stay=0"),
        ({"stay": 3}, r"from 1 to attempts \(2\)"),
        ({"backoff": -1}, "backoff=-1"),
        ({"backoff_cap": math.nan}, "backoff_cap=nan"),
        ({"patience": -0.1}, "patience=-0.1"),
        ({"remember": -1}, "remember=-1"),
        ({"quota_pause": -1}, "quota_pause=-1"),
        ({"missing_model_pause": -1}, "missing_model_pause=-1"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(settings, says):
    with pytest.raises(ValueError, match=says):
        RetryPolicy(**settings)


@pytest.mark.parametrize(
    "dispositions", [{ValueError: Disposition.RETRY}, {"BadReply": Disposition.RETRY}, {BadReply: "retry"}]
)
def test_dispositions_are_of_error_classes_of_adapters(dispositions):
    with pytest.raises(TypeError, match=r"RetryPolicy\(dispositions=…\)"):
        RetryPolicy(dispositions=dispositions)
