"""A breaker against an independent model of its table, told in plain lists."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.policy.breaker import BreakerPolicy, CircuitBreaker

if TYPE_CHECKING:
    from router.policy.breaker import Permit


class Model:
    """The table, told with plain lists: a call is (time, failed, slow); a permit is (phase, trial or not)."""

    def __init__(self, policy: BreakerPolicy, source: random.Random) -> None:
        self.policy, self.source, self.phase = policy, source, 0
        self.close()

    def close(self) -> None:
        self.calls: list[tuple[float, bool, bool]] = []
        self.due: float | None = None
        self.trial: int | None = None
        self.phase, self.breaks, self.isolated = self.phase + 1, 0, False
        self.open_calls: dict[int, float] = {}  # not told of: name -> when it began
        self.row: list[float] = []  # when each failure of the row was told
        self.since_success = 0

    def permit(self, now: float, name: int) -> int | None:
        if self.isolated or (self.due is not None and now < self.due):
            return None
        if self.due is not None:
            self.trial, self.due = name, now + self.policy.trial_limit
        self.open_calls[name] = now
        return self.phase

    def released(self, now: float, name: int) -> None:
        self.open_calls.pop(name, None)
        if self.trial == name:
            self.trial, self.due = None, now

    def told(
        self, now: float, name: int, phase: int, began: float, failed: bool, slow: bool, after: float
    ) -> None:
        is_trial = self.trial == name
        self.open_calls.pop(name, None)
        if phase != self.phase:
            return
        if not failed:
            self.row, self.since_success = [], 0
        else:
            self.since_success += 1
            if not self.row or began >= self.row[-1]:
                self.row.append(now)
        self.calls.append((now, failed, slow))
        recent = [call for call in self.calls if call[0] > now - self.policy.window]
        undecided = sum(now - self.policy.window < at <= began for at in self.open_calls.values())
        in_a_row = failed and len(self.row) >= (self.policy.consecutive or 0)
        bad = (in_a_row and self.since_success >= undecided) or (
            len(recent) >= self.policy.minimum
            and (
                sum(call[1] for call in recent) / (len(recent) + undecided) >= (self.policy.ratio or 0)
                or sum(call[2] for call in recent) / len(recent) >= self.policy.slow_ratio
            )
        )
        if is_trial and not failed and not slow:
            self.close()
        elif is_trial or (self.due is None and not self.isolated and (failed or slow) and bad):
            length = min(self.policy.open_for * self.policy.growth**self.breaks, self.policy.open_cap)
            jitter = self.source.uniform(1 - self.policy.jitter, 1 + self.policy.jitter)
            self.trial, self.breaks = None, self.breaks + 1
            self.due = now + max(length * jitter, after)


class BreakerAgainstAModel(RuleBasedStateMachine):
    """Time moves in whole buckets, so that the window of the model, a list of all calls, is exact."""

    @initialize(
        consecutive=st.integers(1, 4),
        minimum=st.integers(1, 5),
        ratio=st.sampled_from([0.25, 0.5, 1.0]),
        slow_ratio=st.sampled_from([0.5, 1.0]),
        growth=st.sampled_from([1.0, 2.0, 3.0]),
        jitter=st.sampled_from([0.0, 0.2, 0.9]),
        seed=st.integers(0, 1000),
    )
    def start(self, seed, **numbers):
        policy = BreakerPolicy(window=60, open_for=10, open_cap=70, slow_call=5, trial_limit=30, **numbers)
        self.now = 0.0
        self.breaker = CircuitBreaker(policy, random.Random(seed))
        self.model = Model(policy, random.Random(seed))
        self.permits: dict[int, tuple[Permit, int, float]] = {}
        self.taken = 0
        self.trials: dict[int, float] = {}  # not yet told of: name -> when taken

    @rule(steps=st.sampled_from([1, 1, 2, 3, 5, 13, 60]))
    def wait(self, steps):
        self.now += 5 * steps

    @rule()
    def wait_for_the_next_permit(self):
        """Reaches half-open often; rounded up to whole buckets."""
        wait = self.breaker.permit_in(self.now)
        self.now += 5 * math.ceil((wait or 0) / 5)

    @rule()
    def take(self):
        half_open = self.breaker.state(self.now) == "half-open"
        permit, phase = self.breaker.permit(self.now), self.model.permit(self.now, self.taken)

        assert (phase is None) == (permit is None)
        if permit is not None and phase is not None:
            self.permits[self.taken] = (permit, phase, self.now)
            if half_open:
                assert all(self.now - taken >= 30 for taken in self.trials.values())
                self.trials[self.taken] = self.now
        self.taken += 1

    @precondition(lambda self: self.permits)
    @rule(
        data=st.data(),
        how=st.sampled_from(["failed", "failed", "failed", "succeeded", "slow", "released"]),
        retry_after=st.sampled_from([None, None, 3, 100]),
    )
    def tell(self, data, how, retry_after):
        """Any permit, so also late ones; told twice, since the second word must not count."""
        name = data.draw(st.sampled_from(sorted(self.permits)))
        permit, phase, began = self.permits.pop(name)
        if how == "released":
            self.model.released(self.now, name)
            permit.released()
        else:
            after = (retry_after or 0) if how == "failed" else 0
            self.model.told(self.now, name, phase, began, how == "failed", how == "slow", after)
        if how == "failed":
            permit.failed(self.now, retry_after)
        elif how != "released":
            permit.succeeded(self.now, 6 if how == "slow" else 5)
        permit.failed(self.now, 1000)
        permit.succeeded(self.now, 0)
        permit.released()
        self.trials.pop(name, None)

    @rule()
    def end_break(self):
        if self.breaker.state(self.now) == "open":
            self.model.due = self.now
        self.breaker.end_break(self.now)

    @rule()
    def isolate(self):
        self.breaker.isolate()
        self.trials.clear()
        self.model.isolated, self.model.trial = True, None

    @rule()
    def reset(self):
        self.breaker.reset()
        self.trials.clear()
        self.model.close()

    @invariant()
    def they_agree(self):
        known, model = self.breaker.snapshot(self.now), self.model
        wait = None if model.isolated else max(0.0, (model.due or 0) - self.now)
        recent = [call for call in model.calls if call[0] > self.now - model.policy.window]
        state = "isolated" if model.isolated else "closed" if model.due is None else known.state

        assert (state, len(model.row), wait) == (known.state, known.failures_in_a_row, known.permit_in)
        assert len(recent) == known.calls
        assert (sum(c[1] for c in recent), sum(c[2] for c in recent)) == (known.failures, known.slow)
        assert max(0, model.breaks - 1) == known.repetitions
        last_told = self.breaker.state(self.breaker._seen)  # a question tells it nothing
        assert repr(self.breaker).startswith(f"<CircuitBreaker {last_told}")

    @invariant()
    def open_lets_nothing_through(self):
        if self.breaker.state(self.now) in {"open", "isolated"}:
            assert self.breaker.permit(self.now) is None


TestBreakerAgainstAModel = BreakerAgainstAModel.TestCase
