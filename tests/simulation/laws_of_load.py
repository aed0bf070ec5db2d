"""The promises about load: what a request may cost its providers, and when they must be left alone."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from router import AttemptEnded, AttemptStarted, RequestStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router import Attempt, Event
    from tests.simulation.world import World

EPSILON: Final = 1e-6


def load(world: World) -> Iterator[str]:
    """R15, R12, R17: within the budget, never within a Retry-After, never without a reason skipped."""
    yield from _budget(world)
    yield from _push_back(world)
    yield from _skips(world)


def _budget(world: World) -> Iterator[str]:
    """R15: over any stretch of time the calls beyond the first of each request are paid for."""
    extras = sorted(call.at for call in world.book.calls if call.number > 1)
    starts = [at for told in world.told for at, event in told.events if isinstance(event, RequestStarted)]
    for first, begin in enumerate(extras):
        for last in range(first, len(extras)):
            seconds = extras[last] - begin
            requests = sum(begin - EPSILON <= at <= extras[last] + EPSILON for at in starts)
            if last - first + 1 > world.plan.budget.allows(requests, seconds) + EPSILON:
                yield (
                    f"R15: {last - first + 1} extra calls in {seconds:.2f} s with {requests} requests "
                    f"begun, though the budget is {world.plan.budget}"
                )
                return


def _push_back(world: World) -> Iterator[str]:
    """R12: who said Retry-After is not asked before, by no request."""
    for provider in world.plan.providers:
        calls = [call for call in world.book.calls if call.provider == provider.name]
        for earlier, later in itertools.permutations(calls, 2):
            wait, then = earlier.script.asks_to_stay_away, earlier.failed_at
            if wait is None or then is None:
                continue
            wait = min(wait, world.plan.policy.remember)
            if then + EPSILON < later.at < then + wait - EPSILON and _was_heard(world, earlier.request, then):
                yield (
                    f"R12: {provider.name} said at {then:.2f} to stay away for {wait:g} s "
                    f"and was asked at {later.at:.2f}"
                )


def _was_heard(world: World, request: int, then: float) -> bool:
    """Whether the attempt of the push-back ended as a failure: one cancelled over it taught nothing."""
    told = next(told for told in world.told if told.plan.number == request)
    ends = [(at, event.attempt) for at, event in told.events if isinstance(event, AttemptEnded)]
    return any(
        attempt.outcome == "failed"
        and getattr(attempt.error, "retry_after", None) is not None
        and abs(at - then) < EPSILON
        for at, attempt in ends
    )


def _skips(world: World) -> Iterator[str]:
    """R17: nobody is skipped for a failure that never was; a cancellation is evidence of nothing."""
    failures: dict[str, list[float]] = {provider.name: [] for provider in world.plan.providers}
    for told in world.told:
        for at, event in told.events:
            if isinstance(event, AttemptEnded) and event.attempt.error is not None:
                failures[event.attempt.provider].append(at)
    for told in world.told:
        for at, event in told.events:
            if isinstance(event, AttemptEnded) and event.attempt.outcome == "skipped":
                yield from _justified(world, event.attempt, at, failures[event.attempt.provider])
        yield from _half_a_second(told.events, told.began + told.plan.timeouts.total)


def _justified(world: World, attempt: Attempt, at: float, failures: list[float]) -> Iterator[str]:
    before = sum(then <= at for then in failures)
    breaker = world.plan.breaker
    least = 1.0
    if attempt.reason.startswith("circuit breaker") and breaker.slow_call is None:
        share = math.inf if breaker.ratio is None else math.ceil(breaker.ratio * breaker.minimum)
        least = min(breaker.consecutive or math.inf, share)
    slow = attempt.reason.startswith("circuit breaker") and breaker.slow_call is not None
    about_it = attempt.reason.startswith(("circuit breaker", "held back", "not working", "said lately"))
    if about_it and before < least and not slow:
        yield f"R17: {attempt.provider} was skipped ({attempt.reason}) after {before} failures"


def _half_a_second(events: list[tuple[float, Event]], deadline: float) -> Iterator[str]:
    for at, event in events:
        if isinstance(event, AttemptStarted) and deadline - at < 0.5 - EPSILON:
            yield f"R11: an attempt began {deadline - at:.2f} s before the deadline"
