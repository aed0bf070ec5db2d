"""When a provider is asked again is pure; tenacity only drives the rounds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import anyio
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters import AdapterError, BadReply, ConnectFailed, Disposition, RateLimited
from adapters.contract.errors import InvalidRequest, ServiceFailed
from router import RetryPolicy
from router.policy.timeouts import MINIMUM, Deadline
from router.request.rounds import Rounds, later_rounds
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

NAMES = ("a", "b", "c")


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
class Course:
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
        self.courses = {name: Course() for name in NAMES}

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
        course = self.courses[name]
        course.failures += 1
        course.earliest = None
        if error.disposition is Disposition.RETRY and course.failures < self.policy.attempts:
            longest = min(5.0, 0.25 * 2 ** (course.failures - 1))
            wait = self.source.uniform(0, longest) if retry_after is None else retry_after
            if (retry_after is None or wait <= self.policy.patience) and (
                self.now + wait + MINIMUM <= self.total
            ):
                course.earliest = self.now + wait

        assert course.earliest == self.rounds.failed(name, error, self.now)
        assert (course.earliest is not None and course.failures < self.policy.stay) is self.rounds.may_stay(
            name
        )

    @rule(name=st.sampled_from(NAMES))
    def one_is_repeated(self, name):
        assert (not self.courses[name].repeated) is self.rounds.may_repeat(name)
        self.courses[name].repeated = True

    @rule()
    def a_round_starts(self):
        due = [
            n
            for n, course in self.courses.items()
            if course.earliest is not None and course.earliest <= self.now
        ]

        assert due == self.rounds.due(self.now)
        for name in due:
            self.courses[name].earliest = None
        assert self.rounds.due(self.now) == []

    @invariant()
    def the_next_round_is_at_the_earliest_time(self):
        if hasattr(self, "rounds"):
            times = [course.earliest for course in self.courses.values() if course.earliest is not None]

            assert min(times, default=None) == self.rounds.next_at()


TestRoundsAgainstAModel = RoundsAgainstAModel.TestCase


def rounds_of(attempts: int = 5, total: float = 600) -> Rounds:
    return Rounds(NAMES, RetryPolicy(attempts=attempts), Deadline(total), random.Random(1))


@pytest.mark.anyio
async def test_a_first_round_after_which_nobody_is_left_is_the_only_one():
    played = []

    async def play(number: int) -> str | None:
        played.append(number)
        return None

    assert await later_rounds(play, rounds_of(), anyio.current_time) is None
    assert played == []


@pytest.mark.anyio
async def test_rounds_are_numbered_and_start_at_the_earliest_times():
    rounds = rounds_of(attempts=4)
    played = []

    async def play(number: int) -> str | None:
        played.append((number, round(anyio.current_time(), 6), rounds.due(anyio.current_time())))
        rounds.failed("a", RateLimited(retry_after=2 * number), anyio.current_time())
        return None

    assert await play(1) is None
    assert await later_rounds(play, rounds, anyio.current_time) is None
    assert played == [(1, 0, []), (2, 2, ["a"]), (3, 6, ["a"]), (4, 12, ["a"])]


@pytest.mark.anyio
async def test_a_later_round_with_a_result_ends_them():
    rounds = rounds_of()

    async def play(number: int) -> str | None:
        rounds.failed("a", RateLimited(retry_after=1), anyio.current_time())
        return "text" if number == 3 else None

    assert await play(1) is None
    assert await later_rounds(play, rounds, anyio.current_time) == "text"
    assert pytest.approx(2) == anyio.current_time()


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at", [2, 3])
async def test_what_a_round_raises_ends_them_at_once(kind, at):
    rounds = rounds_of()
    played = []

    async def play(number: int) -> str | None:
        played.append(number)
        if number == at:
            raise kind("as told")
        rounds.failed("a", ServiceFailed(), anyio.current_time())
        return None

    await play(1)
    with pytest.raises(kind, match="as told"):
        await later_rounds(play, rounds, anyio.current_time)

    assert list(range(1, at + 1)) == played
