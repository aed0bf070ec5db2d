"""When a provider is asked again is pure; tenacity only drives the rounds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters import AdapterError, BadReply, ConnectFailed, ContentRefused, Disposition, RateLimited
from adapters.contract.errors import InvalidRequest, ReplyTooLarge, ServiceFailed
from router import RetryPolicy
from router.policy.retry import Rounds, in_rounds
from router.policy.timeouts import MINIMUM, Deadline
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
        policy.dispositions[BadReply] = Disposition.ABORT  # type: ignore[index]


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


@pytest.mark.parametrize("nonsense", [math.nan, -1.0, -math.inf])
def test_a_retry_after_that_makes_no_sense_counts_as_none(nonsense):
    rounds = Rounds(NAMES, RetryPolicy(), Deadline(100), random.Random(1))
    earliest = rounds.failed("a", RateLimited(retry_after=nonsense), 10)

    assert earliest is not None
    assert 10 <= earliest <= 10.25


def test_an_endless_retry_after_takes_the_candidate_out():
    rounds = Rounds(NAMES, RetryPolicy(), Deadline(100), random.Random(1))

    assert rounds.failed("a", RateLimited(retry_after=math.inf), 10) is None


@dataclass
class Line:
    failures: int = 0
    earliest: float | None = None
    repeated: bool = False


class RoundsAgainstAModel(RuleBasedStateMachine):
    """Rounds against what the house plan says of them, in as few words."""

    @initialize(
        attempts=st.integers(1, 5),
        stay=st.integers(1, 5),
        patience=st.floats(0, 20),
        total=st.floats(MINIMUM, 60),
        seed=st.integers(),
    )
    def start(self, attempts, stay, patience, total, seed):
        self.policy = RetryPolicy(attempts=attempts, stay=min(stay, attempts), patience=patience)
        self.rounds = Rounds(NAMES, self.policy, Deadline(total), random.Random(seed))
        self.source = random.Random(seed)
        self.total = total
        self.now = 0.0
        self.lines = {name: Line() for name in NAMES}

    @rule(seconds=st.floats(0, 10))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(
        name=st.sampled_from(NAMES),
        kind=st.sampled_from([ServiceFailed, ConnectFailed, BadReply, InvalidRequest, RateLimited]),
        retry_after=st.none() | st.floats(0, 30),
    )
    def one_fails(self, name, kind, retry_after):
        error: AdapterError = kind("as told", retry_after=retry_after)
        line = self.lines[name]
        line.failures += 1
        line.earliest = None
        if error.disposition is Disposition.RETRY and line.failures < self.policy.attempts:
            longest = min(5.0, 0.25 * 2 ** (line.failures - 1))
            wait = self.source.uniform(0, longest) if retry_after is None else retry_after
            if (retry_after is None or wait <= self.policy.patience) and (
                self.now + wait + MINIMUM <= self.total
            ):
                line.earliest = self.now + wait

        assert line.earliest == self.rounds.failed(name, error, self.now)
        assert (line.earliest is not None and line.failures < self.policy.stay) is self.rounds.may_stay(name)

    @rule(name=st.sampled_from(NAMES))
    def one_is_repeated(self, name):
        assert (not self.lines[name].repeated) is self.rounds.may_repeat(name)
        self.lines[name].repeated = True

    @rule()
    def a_round_starts(self):
        due = [n for n, line in self.lines.items() if line.earliest is not None and line.earliest <= self.now]

        assert due == self.rounds.due(self.now)
        for name in due:
            self.lines[name].earliest = None
        assert self.rounds.due(self.now) == []

    @invariant()
    def the_next_round_is_at_the_earliest_time(self):
        if hasattr(self, "rounds"):
            times = [line.earliest for line in self.lines.values() if line.earliest is not None]

            assert min(times, default=None) == self.rounds.next_at()


TestRoundsAgainstAModel = RoundsAgainstAModel.TestCase


def rounds_of(attempts: int = 5, total: float = 600) -> Rounds:
    return Rounds(NAMES, RetryPolicy(attempts=attempts), Deadline(total), random.Random(1))


@pytest.mark.anyio
async def test_a_first_round_with_a_result_is_the_only_one():
    played = []

    async def play(number: int) -> str | None:
        played.append(number)
        return "text"

    assert await in_rounds(play, rounds_of(), anyio.current_time) == "text"
    assert played == [1]


@pytest.mark.anyio
async def test_a_first_round_after_which_nobody_is_left_is_the_only_one():
    played = []

    async def play(number: int) -> str | None:
        played.append(number)
        return None

    assert await in_rounds(play, rounds_of(), anyio.current_time) is None
    assert played == [1]


@pytest.mark.anyio
async def test_rounds_are_numbered_and_start_at_the_earliest_times():
    rounds = rounds_of(attempts=4)
    played = []

    async def play(number: int) -> str | None:
        played.append((number, round(anyio.current_time(), 6), rounds.due(anyio.current_time())))
        rounds.failed("a", RateLimited(retry_after=2 * number), anyio.current_time())
        return None

    assert await in_rounds(play, rounds, anyio.current_time) is None
    assert played == [(1, 0, []), (2, 2, ["a"]), (3, 6, ["a"]), (4, 12, ["a"])]


@pytest.mark.anyio
async def test_a_later_round_with_a_result_ends_them():
    rounds = rounds_of()

    async def play(number: int) -> str | None:
        rounds.failed("a", RateLimited(retry_after=1), anyio.current_time())
        return "text" if number == 3 else None

    assert await in_rounds(play, rounds, anyio.current_time) == "text"
    assert pytest.approx(2) == anyio.current_time()


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_what_a_round_raises_ends_them_at_once(kind, at):
    rounds = rounds_of()
    played = []

    async def play(number: int) -> str | None:
        played.append(number)
        if number == at:
            raise kind("as told")
        rounds.failed("a", ServiceFailed(), anyio.current_time())
        return None

    with pytest.raises(kind, match="as told"):
        await in_rounds(play, rounds, anyio.current_time)

    assert list(range(1, at + 1)) == played
