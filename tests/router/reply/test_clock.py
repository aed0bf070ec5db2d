"""The clock of content, by the piece: waits count, what the reader does between them does not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters import Delta, ToolCallFragment
from router import Timeouts
from router.policy.timeouts import Deadline
from router.reply.clock import ContentClock

FAR = Deadline(10_000.0)
DRIPPING = Timeouts(stall=30, drip_rate=2, drip_window=10)
CALL = Delta(tool_calls=(ToolCallFragment(0, name="look", arguments="x" * 36),))


def clock(timeouts: Timeouts = DRIPPING, deadline: Deadline = FAR) -> ContentClock:
    made = ContentClock(timeouts, deadline)
    made.restart()
    return made


def test_without_content_only_the_stall_limits_a_wait():
    it = clock()

    assert it.limit(100.0) == 130.0
    it.waited(12)
    it.heard(Delta())
    it.heard(Delta(model="big"))
    assert it.limit(500.0) == 518.0


def test_content_starts_the_stall_anew_and_the_rate_has_its_window():
    it = clock()
    it.waited(5)
    it.heard(Delta("x"))

    assert it.limit(100.0) == 110.0
    it.heard(Delta("x" * 19))
    assert it.limit(100.0) == 110.0
    it.waited(9)
    it.heard(Delta("x"))
    assert it.limit(200.0) == 201.0


@pytest.mark.parametrize("delta", [Delta("x" * 40), Delta(reasoning="x" * 40), CALL, Delta("x" * 39, "x")])
def test_text_reasoning_and_tool_calls_count_alike(delta):
    it = clock()
    it.heard(Delta("x"))
    for _ in range(20):
        it.waited(10)
        it.heard(delta)

    assert it.limit(1000.0) == 1010.0


@given(st.lists(st.floats(0, 5), max_size=8), st.lists(st.floats(0, 1e6), min_size=8, max_size=8))
def test_a_slow_reader_is_not_blamed(waits, pauses):
    """However long it takes to come back, a wait that then begins has the same limit from its beginning."""
    patient, slow, now = clock(), clock(), 0.0
    for it in (patient, slow):
        it.heard(Delta("x"))
    for wait, pause in zip(waits, pauses, strict=False):
        now += pause
        assert slow.limit(now) - now == pytest.approx(patient.limit(0.0), abs=1e-6) or now > 9_000
        for it in (patient, slow):
            it.waited(wait)
            it.heard(Delta("xxx"))


def test_the_deadline_is_over_all():
    it = clock(deadline=Deadline(104.0))

    assert it.limit(100.0) == 104.0
    assert "Timeouts.total" in str(it.ran_out(104.0))


def test_another_provider_has_the_whole_time_again():
    it = clock()
    it.heard(Delta("x"))
    it.waited(9)
    it.restart()

    assert it.limit(100.0) == 130.0
    it.heard(Delta("x"))
    assert it.limit(100.0) == 110.0


@given(
    st.lists(st.tuples(st.floats(0.01, 9), st.integers(0, 30)), min_size=1, max_size=12),
    st.sampled_from([0.1, 3.3, 10.0, 30.0]),
    st.sampled_from([None, 0.7, 2.0]),
)
@example([(1.2883529511186955, 0), (3.0, 0)], 3.3, 0.7)  # where the times are rounded
def test_the_error_names_the_limit_that_ran_out(pieces, stall, rate):
    it = clock(Timeouts(stall=stall, drip_rate=rate, drip_window=10))
    without_rate = clock(Timeouts(stall=stall))
    now = 0.1
    for wait, characters in pieces:
        limit = it.limit(now)
        by_stall = without_rate.limit(now)
        if now + wait > limit:
            it.waited(limit - now)
            named = str(it.ran_out(limit))
            assert ("Timeouts.stall" in named) == (limit == by_stall), (limit, by_stall)
            assert ("Timeouts.drip_rate" in named) == (limit < by_stall)
            return
        now += wait
        for each in (it, without_rate):
            each.waited(wait)
            each.heard(Delta("x" * characters))
