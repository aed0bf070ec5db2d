"""Limits that several replicas keep together: never more than the limit, and no more caution than needed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router import RetryPolicy
from router.policy.limits import DAY, DayBucket, WindowBucket
from router.replicas.agreement import Agreement
from router.replicas.buckets import SharedBucket
from router.replicas.limits import HOLD, IDLE, LOOK, Span
from router.replicas.scripts import Keys
from router.replicas.state import StoreState
from router.replicas.tallies import SharedTally
from router.replicas.writing import Writing
from tests.depth import how_many
from tests.router.replicas.model_store import ModelStore

if TYPE_CHECKING:
    from router.policy.limits import Bucket

AHEAD = 20_000 * DAY
"""The store's clock minus that of the replicas: it shows the time of day."""


class Replica:
    """What speaks to the store for one process."""

    def __init__(self, model: ModelStore, count: int = 1) -> None:
        self.model = model
        self.store = StoreState(away=False, replicas=count, tried=True)
        self.now = 1000.0
        self.woken = 0
        agreement = Agreement({}, RetryPolicy(), self.store, lambda low, _: low, self.wake)
        self.writing = Writing(agreement, Keys("test"), self.store, lambda low, _: low)

    def wake(self) -> None:
        self.woken += 1

    def bucket(self, limit: float, window: float = 60, own: Bucket | None = None) -> SharedBucket:
        own = own or WindowBucket(limit, window)
        span = Span.day() if isinstance(own, DayBucket) else Span.rolling(window)
        made = SharedBucket("it", own, span, self.store, self.wake)
        self.writing.limits.append(made)
        return made

    def tally(self, own: Bucket) -> SharedTally:
        span = Span.day() if isinstance(own, DayBucket) else Span.rolling(60)
        made = SharedTally("it", own, span, self.store, lambda: self.now)
        self.writing.limits.append(made)
        return made

    def exchange(self, now: float, *, lost: bool = False) -> int:
        """Send what waits; return how many commands about limits that were."""
        self.now = now
        count = 0
        for command in self.writing.commands(now):
            if not is_of_limit(command.words):
                continue
            count += 1
            reply = self.model.run(command.words, now + AHEAD)
            if lost:
                command.failed()
            else:
                command.reply(reply)
        return count


def is_of_limit(words: tuple[object, ...]) -> bool:
    return len(words) > 3 and "limit:" in str(words[3])


def of_one_store(count: int) -> list[Replica]:
    model = ModelStore()
    return [Replica(model, count) for _ in range(count)]


def test_a_first_request_finds_a_block_at_hand() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    one.exchange(0.0)

    assert 0 == bucket.wait(1, 0.1)
    assert 0 == one.woken


def test_what_a_request_lacks_is_asked_for_at_once_and_all_or_nothing() -> None:
    one, other = of_one_store(2)
    mine, theirs = one.bucket(10_000), other.bucket(10_000)
    for each in (one, other):
        each.exchange(0.0)

    assert LOOK == mine.wait(4000, 1.0)
    assert LOOK == mine.wait(5000, 1.0)
    assert 1 == one.woken
    one.exchange(1.001)
    assert 0 == mine.wait(4000, 1.01)
    mine.take(4000, 1.01)

    theirs.wait(7000, 1.1)
    other.exchange(1.1)
    assert theirs.wait(7000, 1.2) == pytest.approx(62, abs=2)  # until the other's have passed
    assert LOOK == theirs.wait(300, 1.2)
    other.exchange(1.4)
    assert 0 == theirs.wait(300, 1.5)


def test_all_of_the_limit_can_be_used_and_no_more() -> None:
    replicas = of_one_store(4)
    buckets = [each.bucket(50) for each in replicas]
    taken, now = 0, 0.0
    while now < 30:
        now += 0.05
        for replica, bucket in zip(replicas, buckets, strict=True):
            replica.exchange(now)
            if bucket.wait(1, now) == 0:
                bucket.take(1, now)
                taken += 1

    assert 50 == taken


def test_what_was_too_much_comes_back_to_all() -> None:
    one, other = of_one_store(2)
    mine, theirs = one.bucket(1000), other.bucket(1000)
    one.exchange(0.0)
    mine.wait(900, 0.1)
    one.exchange(0.1)
    mine.take(900, 0.2)
    mine.correct(-800, 0.2, 0.3)
    one.exchange(0.3)

    theirs.wait(600, 0.4)
    other.exchange(0.4)
    assert 0 == theirs.wait(600, 0.5)


def test_a_minute_of_busy_traffic_gets_all_back_that_was_estimated_too_high() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100_000)
    under_way: list[float] = []
    counted = 0.0
    for step in range(4000):
        now = 0.01 * step
        one.exchange(now)
        if bucket.wait(100, now) == 0:
            bucket.take(100, now)
            under_way.append(now)
            counted += 20
        if len(under_way) > 300:  # each reply takes 3 s
            bucket.correct(-80, under_way.pop(0), now)
    for at in under_way:
        bucket.correct(-80, at, 40.0)
    for now in (40.0, 40.1, 40.2, 43.0, 43.1):
        one.exchange(now)

    assert counted > 50_000
    left_over = float(one.model.run(_look("it"), AHEAD + 44)[3]) - bucket._at_hand(43.2)
    assert counted <= left_over + 1e-6 < 1.02 * counted


def test_what_was_too_little_is_taken_from_all() -> None:
    one, other = of_one_store(2)
    mine, theirs = one.bucket(1000), other.bucket(1000)
    one.exchange(0.0)
    mine.take(10, 0.1)
    mine.correct(+900, 0.1, 0.2)
    one.exchange(0.3)

    theirs.wait(200, 0.4)
    other.exchange(0.4)
    assert theirs.wait(200, 0.5) > 50


def test_a_block_that_is_not_used_goes_back_and_an_idle_replica_keeps_one_only_while_there_is_plenty() -> (
    None
):
    one, other = of_one_store(2)
    mine, theirs = one.bucket(10), other.bucket(10)
    one.exchange(0.0)
    other.exchange(0.0)
    for number in range(8):
        now = 1 + 0.1 * number
        one.exchange(now)
        assert 0 == mine.wait(1, now)
        mine.take(1, now)
    other.exchange(HOLD + 0.1)  # it has not used it, and the first half of the limit is used
    one.exchange(HOLD + 0.2)

    assert 0 == mine.wait(2, HOLD + 0.3)
    assert theirs.wait(1, HOLD + 0.3) > 0


def test_a_request_that_needs_the_whole_limit_gets_it_though_others_keep_some_for_later() -> None:
    replicas = of_one_store(3)
    buckets = [each.bucket(1000) for each in replicas]
    now, waited = 0.0, 0
    for each in replicas:
        each.exchange(now)
    while buckets[0].wait(5000, now) > 0:
        now += 0.3
        waited += 1
        for each in replicas:
            each.exchange(now)
        assert waited < 20

    assert now < 2 * HOLD


@pytest.mark.parametrize("reply", [None, [], [1], [1, 2, 3, b"x", b"1"], [1, 2, 3, b"nan", b"1"], b"OK", 7])
def test_a_foreign_answer_changes_nothing(reply: object) -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    for command in one.writing.commands(0.0):
        if is_of_limit(command.words):
            command.reply(reply)

    assert bucket.wait(1, 0.0) > 0
    one.exchange(0.1)
    assert 0 == bucket.wait(1, 0.1)


def test_after_a_long_time_without_use_nothing_is_asked_any_more() -> None:
    (one,) = of_one_store(1)
    one.bucket(100)
    for now in (0.0, 3.0, IDLE - 10):
        assert 1 == one.exchange(now)
    one.exchange(IDLE + 10)

    assert 0 == one.exchange(IDLE + 20)


def test_without_the_store_there_is_one_part_of_the_limit() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    one.store.away, one.store.replicas = True, 10
    taken = 0
    while bucket.wait(1, float(taken)) == 0:
        bucket.take(1, float(taken))
        taken += 1

    assert 10 == taken
    assert bucket.wait(1, 10.0) == pytest.approx(50.5, abs=0.5)
    one.store.away = False
    one.exchange(11.0)
    assert 10 <= float(one.model.run(_look("it"), AHEAD + 11)[3]) <= 13


def test_a_slow_store_is_not_waited_for_and_what_was_used_meanwhile_is_paid_from_its_answer() -> None:
    (one,) = of_one_store(4)[:1]
    bucket = one.bucket(100)
    one.exchange(0.0)
    bucket.take(2, 0.1)
    assert LOOK == bucket.wait(5, 0.2)
    asked = [each for each in one.writing.commands(0.21) if is_of_limit(each.words)]
    assert 0 == bucket.wait(5, 0.3)
    bucket.take(5, 0.3)
    for command in asked:
        command.reply(one.model.run(command.words, AHEAD + 0.4))

    for now in (0.4, 0.5, HOLD + 1):
        if now > 0.4:
            one.exchange(now)
        assert 7 == float(one.model.run(_look("it"), AHEAD + now)[3]) - bucket._at_hand(now)


def test_a_process_that_has_not_reached_the_store_yet_uses_a_tenth() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    one.store.away, one.store.tried = True, False
    taken = 0
    while bucket.wait(1, 0.0) == 0:
        bucket.take(1, 0.0)
        taken += 1
    assert 10 == taken

    one.store.tried = True  # and it was away
    assert 0 == bucket.wait(1, 0.1)


def test_right_after_the_store_went_away_only_a_part_of_what_was_left_is_used() -> None:
    one, other = of_one_store(2)
    mine, theirs = one.bucket(100), other.bucket(100)
    one.exchange(0.0)
    mine.wait(90, 0.1)
    one.exchange(0.1)
    mine.take(90, 0.2)
    other.exchange(0.3)
    other.store.away = True

    taken = 0
    while theirs.wait(1, 0.4) == 0:
        theirs.take(1, 0.4)
        taken += 1
    assert taken <= 5
    assert theirs.wait(1, 30.0) > 30
    assert 0 == theirs.wait(1, 64.0)


def test_a_part_of_less_than_one_request_counts_as_one() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(10)
    one.store.away, one.store.replicas = True, 100
    assert 0 == bucket.wait(1, 0.0)
    bucket.take(1, 0.0)

    assert bucket.wait(1, 1.0) > 50


def test_a_store_that_lost_its_counts_is_told_what_each_used() -> None:
    one, other = of_one_store(2)
    mine, theirs = one.bucket(100), other.bucket(100)
    for replica, bucket in ((one, mine), (other, theirs)):
        replica.exchange(0.0)
        bucket.wait(40, 0.1)
        replica.exchange(0.1)
        bucket.take(40, 0.2)
    one.model.empty()
    for now in (5.0, 5.1, 5.2):
        for each in (one, other):
            each.writing.soon()
            each.exchange(now)

    assert 80 <= float(one.model.run(_look("it"), AHEAD + 6)[3]) <= 130  # and a block of 25 each


def test_a_reply_that_is_lost_costs_its_block_and_never_counts_too_little() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(10)
    one.exchange(0.0, lost=True)
    one.exchange(0.1)
    bucket.take(1, 0.2)
    bucket.take(1, 0.2)
    one.exchange(0.3, lost=True)
    one.exchange(0.4)

    assert float(one.model.run(_look("it"), AHEAD + 1)[3]) >= 2
    assert float(one.model.run(_look("it"), AHEAD + 63)[3]) == 0


def test_a_day_ends_at_midnight_for_all() -> None:
    one, other = of_one_store(2)
    clock = [AHEAD]
    mine, theirs = (each.bucket(10, own=DayBucket(10, lambda: clock[0])) for each in (one, other))
    one.exchange(0.0)
    mine.wait(10, 0.0)
    one.exchange(0.1)
    mine.take(10, 0.2)
    theirs.wait(1, 0.2)
    other.exchange(0.2)

    assert theirs.wait(1, 0.3) == pytest.approx(DAY, abs=2)
    clock[0] += DAY
    other.exchange(DAY)
    assert 0 == theirs.wait(1, DAY + 0.1)


def test_what_a_history_knows_is_told_only_to_a_store_that_knows_less() -> None:
    one, other = of_one_store(2)
    clock = [AHEAD]
    for each in (one, other):
        bucket = each.bucket(100, own=DayBucket(100, lambda: clock[0]))
        bucket.restore(30)
    for now in (0.0, 0.1, 0.2):
        for each in (one, other):
            each.exchange(now)

    assert 30 <= float(one.model.run(_look("it", day=True), AHEAD + 1)[3]) <= 34

    clock[0] += DAY
    for each in (one, other):
        each.exchange(DAY + 1)
    assert float(one.model.run(_look("it", day=True), AHEAD + DAY + 1)[3]) <= 4  # blocks at hand alone


def test_a_tally_stops_all_once_the_sum_is_reached() -> None:
    one, other = of_one_store(2)
    mine, theirs = (each.tally(DayBucket(5.0, lambda: AHEAD)) for each in (one, other))
    for each in (one, other):
        each.exchange(0.0)
    mine.add(3.25)
    theirs.add(1.5)
    for now in (0.1, 1.2):  # a sum that requests ask for is heard each second
        for each in (one, other):
            each.exchange(now)
        assert (0, 0) == (mine.wait(), theirs.wait())

    mine.add(0.5)
    assert mine.wait() > 0
    one.exchange(1.3)
    other.exchange(2.5)
    assert theirs.wait() == pytest.approx(DAY, abs=5)


def test_without_the_store_a_tally_is_one_part_of_what_was_left() -> None:
    (one,) = of_one_store(1)
    tally = one.tally(DayBucket(8.0, lambda: AHEAD))
    tally.add(4.0)
    one.exchange(0.0)
    one.store.away, one.store.replicas = True, 4
    tally.add(0.9)
    assert 0 == tally.wait()
    tally.add(0.2)

    assert tally.wait() == pytest.approx(DAY, abs=5)


def test_what_was_fetched_is_not_used_by_a_forked_process_too() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    one.exchange(0.0)
    assert 0 == bucket.wait(1, 0.1)
    one.writing.forked()

    assert bucket.wait(1, 0.1) > 0


def test_what_is_at_hand_goes_back_at_the_end() -> None:
    (one,) = of_one_store(1)
    bucket = one.bucket(100)
    one.exchange(0.0)
    bucket.take(1, 0.1)
    for command in one.writing.farewell(0.2):
        if is_of_limit(command.words):
            command.reply(one.model.run(command.words, AHEAD + 0.2))

    assert 1 == float(one.model.run(_look("it"), AHEAD + 1)[3])


@settings(max_examples=how_many(60), deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_no_window_sees_more_than_the_limit_whatever_is_given_back(seed: int, is_slow: bool) -> None:
    chance = random.Random(seed)
    replicas = of_one_store(3)
    limit, window = 100.0, 6.0
    buckets = [each.bucket(limit, window) for each in replicas]
    sent: list[list[float]] = []
    open_ones: list[tuple[int, list[float]]] = []
    now = 0.0
    for _ in range(300):
        now += chance.choice([0.001, 0.02, 0.045])
        for each in replicas:
            if not is_slow or chance.random() < 0.3:
                each.exchange(now, lost=is_slow and chance.random() < 0.1)
        number, amount = chance.randrange(3), chance.choice([1.0, 5.0, 30.0, 90.0])
        if buckets[number].wait(amount, now) == 0:
            buckets[number].take(amount, now)
            sent.append([now, amount])
            open_ones.append((number, sent[-1]))
        if open_ones and chance.random() < 0.5:
            whose, taken = open_ones.pop(chance.randrange(len(open_ones)))
            less = chance.uniform(0, taken[1])
            buckets[whose].correct(-less, taken[0], now)
            taken[1] -= less

        # A slow store is not waited for: two of three have their part of what was left on top, at most.
        bound = limit * (1 + 2 / 3) if is_slow else limit
        assert sum(amount for at, amount in sent if at > now - window) <= bound + 1e-6


def _look(name: str, *, day: bool = False) -> tuple[object, ...]:
    from router.replicas import scripts

    span = Span.day() if day else Span.rolling(60)
    return "EVAL", scripts.LIMIT, 1, Keys("test").of("limit", name), *span, 1e9, 0, 0, 0, 0, 0
