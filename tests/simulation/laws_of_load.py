"""The promises about load: what a request may cost its providers, and when they must be left alone."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from adapters import AdapterError, NotWorking
from router import (
    Attempt,
    AttemptEnded,
    AttemptStarted,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    WaitStarted,
)
from router.provider.evidence import says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router import Event
    from tests.simulation.world import World

EPSILON: Final = 1e-6


def load(world: World) -> Iterator[str]:
    """R15, R12, R17: within the budget, never within a Retry-After, never without a reason skipped."""
    yield from _budget(world)
    yield from _push_back(world)
    yield from _skips(world)
    yield from _patience(world)
    yield from (f"R19: {text}" for text in world.book.overfull)


def _budget(world: World) -> Iterator[str]:
    """R15: over any stretch of time what is asked again, or beside another, is paid for."""
    extras = sorted(call.at for call in world.book.calls if call.number > 1 or call.beside)
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


def _patience(world: World) -> Iterator[str]:
    """R12, R13: nobody waits longer than the policy says, unless it is to wait for who is held back."""
    policy = world.plan.policy
    most = math.inf if policy.wait_for_held else max(policy.patience, policy.backoff_cap)
    for told in world.told:
        for _, event in told.events:
            if isinstance(event, WaitStarted) and event.seconds > most + EPSILON:
                yield f"R12: request {told.plan.number} waits for {event.seconds:.2f} s"


def _skips(world: World) -> Iterator[str]:
    """R17: nobody is skipped for a failure that never was; a cancellation is evidence of nothing."""
    failures = _failures(world)
    for told in world.told:
        for at, event in told.events:
            if isinstance(event, AttemptEnded) and event.attempt.outcome == "skipped":
                yield from _justified(world, event.attempt, at, failures[event.attempt.provider])
        yield from _half_a_second(told.events, told.began + told.plan.timeouts.total)


def _failures(world: World) -> dict[str, list[tuple[float, Exception]]]:
    """Return what each provider was seen to do wrong, before content and after it."""
    found: dict[str, list[tuple[float, Exception]]] = {provider.name: [] for provider in world.plan.providers}
    for told in world.told:
        for at, event in told.events:
            match event:
                case AttemptEnded(attempt=Attempt(error=AdapterError() as error)):
                    found[event.attempt.provider].append((at, error))
                case ReplySwitched(error=error):
                    found[event.switch.left].append((at, error))
                case RequestEnded(provider=str() as name, error=AdapterError() as error):
                    found[name].append((at, error))
    return found


def _excused(error: Exception) -> bool:
    """Whether no breaker counts a failure."""
    return isinstance(error, NotWorking) or (isinstance(error, AdapterError) and says_nothing(error))


def _justified(
    world: World, attempt: Attempt, at: float, failures: list[tuple[float, Exception]]
) -> Iterator[str]:
    if attempt.reason.startswith("all its"):
        calls = [call for call in world.book.calls if call.provider == attempt.provider]
        taken = sum(call.at <= at <= call.closed_at + EPSILON for call in calls)
        limit = next(p.places for p in world.plan.providers if p.name == attempt.provider)
        if limit is None or taken < limit:
            yield f"R21: {attempt.provider} had no place left with {taken} calls of {limit}"
    by_breaker = attempt.reason.startswith("circuit breaker")
    errors = [error for then, error in failures if then <= at]
    if by_breaker:
        errors = [error for error in errors if not _excused(error)]
    before = len(errors)
    breaker = world.plan.breaker
    least = 1.0
    if by_breaker and breaker.slow_call is None:
        share = math.inf if breaker.ratio is None else math.ceil(breaker.ratio * breaker.minimum)
        least = min(breaker.consecutive or math.inf, share)
    slow = by_breaker and breaker.slow_call is not None
    about_it = attempt.reason.startswith(("circuit breaker", "held back", "not working", "said lately"))
    if about_it and before < least and not slow:
        yield f"R17: {attempt.provider} was skipped ({attempt.reason}) after {before} failures"


def _half_a_second(events: list[tuple[float, Event]], deadline: float) -> Iterator[str]:
    for at, event in events:
        if isinstance(event, AttemptStarted) and deadline - at < 0.5 - EPSILON:
            yield f"R11: an attempt began {deadline - at:.2f} s before the deadline"
