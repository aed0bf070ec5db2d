"""The promises, as checks of a world that was played. Each returns sentences that begin with the promise."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import Disposition, FirstContentTimeout, Stalled
from router import Attempt, AttemptEnded, AttemptStarted, CleanUpFailed, RequestEnded, StreamInterrupted
from router.observers.structlog import _LINES
from tests.simulation.laws_of_load import load
from tests.simulation.plan import KEY, PROMPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.world import Told, World

GRACE: Final = 0.25
EPSILON: Final = 1e-6
__all__ = ["broken"]


def broken(world: World) -> list[str]:
    """Return what is wrong with a world; nothing where every promise held."""
    found: list[str] = []
    for told in world.told:
        for law in _LAWS:
            found += (f"{text} (request {told.plan.number})" for text in law(world, told))
    return found + list(load(world)) + list(_left_behind(world)) + list(_shown(world))


def _one_provider(world: World, told: Told) -> Iterator[str]:
    """R1, R2: what is delivered between two marks is a prefix of one call of this very request."""
    for place, segment in enumerate(told.segments):
        call = segment.call
        if call is None:
            yield f"R1: {segment.provider} is said to answer, but was never asked"
            continue
        others = [each for each in world.book.calls if each is not call and each.text]
        for other in others:
            if other.tag in segment.text:
                yield f"R1: text of {other.provider} for request {other.request} in that of {call.provider}"
        if not call.text.startswith(segment.text):
            yield f"R2: {segment.text!r} is no prefix of what {segment.provider} sent: {call.text!r}"
        if place and world.plan.interruption.action != segment.kind:
            yield f"R1: a second provider took over ({segment.kind}) though nobody asked for that"
    if len(told.segments) > 1 + world.plan.interruption.times:
        yield "R1: more providers took over than allowed"


def _nothing_swallowed(world: World, told: Told) -> Iterator[str]:
    """R2: what came before the fault of a provider is delivered; so is all of a complete reply."""
    if not told.segments or (call := told.segments[-1].call) is None:
        return
    text = told.segments[-1].text
    cause = told.error.__cause__ if told.error is not None else None
    if told.endings == ["complete"]:
        if text != call.text:
            yield f"R3: a complete reply lacks {call.text[len(text) :]!r} of {call.provider}"
        if not call.script.is_good:
            yield f"R3: a silent end: {call.provider} never proved the end ({call.script.ending.fault})"
        return
    by_fault = call.failed_at is not None and not isinstance(cause, Stalled)
    if by_fault and isinstance(told.error, StreamInterrupted) and text != call.text:
        yield f"R2: {call.text[len(text) :]!r} was swallowed with the fault behind it"


def _one_ending(world: World, told: Told) -> Iterator[str]:
    """R3: a request ends once, in one way, and the reader, the stream and the record agree on it."""
    if len(told.endings) != 1 or told.endings[0].startswith("foreign"):
        yield f"R3: it ended as {told.endings}"
        return
    ends = [event for _, event in told.events if isinstance(event, RequestEnded)]
    if not ends and told.endings == ["closed"] and not told.request_id:
        return  # the router was closed before
    if not ends and told.endings == ["cancelled"] and not told.request_id:
        return  # and it was cancelled before it began
    if len(ends) != 1:
        yield f"R3: {len(ends)} end records"
        return
    end, kind = ends[0], told.endings[0]
    allowed = _VERDICTS[kind]
    if end.verdict not in allowed:
        yield f"R3: the reader saw {kind}, the record says {end.verdict}"
    if told.segments and told.verdict != end.verdict:
        yield f"R3: the stream says {told.verdict}, the record {end.verdict}"
    if told.events[-1][1] is not end and not isinstance(told.events[-1][1], CleanUpFailed):
        yield f"R3: {type(told.events[-1][1]).__name__} came after the end record"
    if bool(told.segments) is not (end.provider is not None):
        yield "R3: the record does not name who answered"
    yield from _end_record(told, end)


_VERDICTS: Final = {
    "complete": ("complete",),
    "cancelled": ("cancelled", "closed", "complete", "truncated", "failed", "refused"),
    "closed": ("closed", "complete", "refused", "cancelled"),
    "AllProvidersFailed": ("failed",),
    "RequestAborted": ("failed", "refused"),
    "StreamInterrupted": ("truncated", "failed", "refused"),
}


def _end_record(told: Told, end: RequestEnded) -> Iterator[str]:
    if isinstance(told.error, StreamInterrupted):
        parts = [segment.text for segment in told.segments]
        kinds = [segment.kind for segment in told.segments]
        first = max((n for n, kind in enumerate(kinds) if kind == "restart"), default=0)
        if told.error.partial != "".join(parts[first:]):
            yield f"R3: the partial text is {told.error.partial!r}, delivered was {parts[first:]!r}"
        if told.error.verdict != end.verdict:
            yield f"R3: the error says {told.error.verdict}, the record {end.verdict}"
    elif told.error is not None and end.error is not told.error:
        yield "R3: the end record does not hold the error that was raised"
    ledger = [event.attempt for _, event in told.events if isinstance(event, AttemptEnded)]
    if list(end.attempts) != ledger:
        yield "R42: the end record's ledger is not what was told before"


def _in_time(world: World, told: Told) -> Iterator[str]:
    """R9: no call of the library outlives the deadline, the cancellation or the closing by more than g."""
    grace = world.plan.close + GRACE
    limit = told.began + told.plan.timeouts.total
    if told.plan.cancel_after is not None:
        limit = min(limit, told.began + told.plan.cancel_after)
    if world.closed_at is not None:
        limit = min(limit, world.closed_at)
    for began, ended in told.waits:
        if ended > max(began, limit) + grace:
            yield f"R9: a call that began at {began:.2f} ended at {ended:.2f}, the limit was {limit:.2f}"
    for _, event in told.events:
        most = told.plan.timeouts.first_content + EPSILON
        if isinstance(event, AttemptStarted) and not 0 < event.limit <= most:
            yield f"R11: an attempt had {event.limit} s"


def _no_false_alarm(world: World, told: Told) -> Iterator[str]:
    """R14, R10: nobody fails for want of content before the time for it is over."""
    limits = {e.number: e.limit for _, e in told.events if isinstance(e, AttemptStarted)}
    for _, event in told.events:
        if isinstance(event, AttemptEnded) and isinstance(event.attempt.error, FirstContentTimeout):
            limit, took = limits[event.attempt.number], event.attempt.seconds
            if took < limit - EPSILON:
                yield f"R14: {event.attempt.provider} had {limit} s, and failed after {took} s"
    if told.error is not None and isinstance(cause := told.error.__cause__, Stalled):
        least = min(told.plan.timeouts.stall, told.plan.timeouts.drip_window)
        waited = sum(ended - began for began, ended in told.waits[1:])
        if "Timeouts.total" not in str(cause) and waited < least - EPSILON:
            yield f"R14: {told.segments[-1].provider} stalled after {waited:.2f} s of waiting"


def _the_ledger(world: World, told: Told) -> Iterator[str]:
    """R42, R16, R7: the ledger is what the providers saw, within the attempts of the policy."""
    ledger = [event.attempt for _, event in told.events if isinstance(event, AttemptEnded)]
    calls = world.book.of(told.plan.number)
    for provider in world.plan.providers:
        mine = [a for a in ledger if a.provider == provider.name and a.outcome != "skipped"]
        seen = [call for call in calls if call.provider == provider.name]
        begun = [a for a in mine if not (a.outcome == "cancelled" and a.seconds < EPSILON)]
        if not len(begun) <= len(seen) <= len(mine):
            yield f"R42: {provider.name} saw {len(seen)} calls, the ledger has {len(mine)}"
        repeats = sum(a.repeat for a in mine)
        interruption = world.plan.interruption
        passes = 1 if interruption.action == "raise" else 1 + interruption.times  # each counts anew
        if repeats > passes:
            yield f"R16: {provider.name} was repeated {repeats} times"
        if len(mine) > world.plan.policy.attempts * passes + repeats:
            yield f"R16: {provider.name} was asked {len(mine)} times"
        yield from _again(world, mine)
    if told.segments and [a.outcome for a in ledger].count("committed") != len(told.segments):
        yield "R42: the ledger does not show who committed"


def _again(world: World, mine: list[Attempt]) -> Iterator[str]:
    for earlier, later in itertools.pairwise(mine):
        error = earlier.error
        if error is None or earlier.outcome != "failed":
            continue
        if later.repeat or world.plan.interruption.action != "raise":
            continue
        if world.plan.policy.disposition(error) is not Disposition.RETRY:
            yield f"R7: {later.provider} was asked again after {type(error).__name__}"


def _succeeds(world: World, told: Told) -> Iterator[str]:
    """Liveness: who is always good, and was never seen to fail, answers a request that reaches it."""
    if "AllProvidersFailed" not in told.endings:
        return
    wanted = told.plan.providers or tuple(p.name for p in world.plan.providers)
    good = {p.name for p in world.plan.providers if p.always_good and p.places is None} & set(wanted)
    ample = told.plan.timeouts.total >= 290 and world.plan.policy.attempts * len(wanted) < 12
    if not good or not ample:
        return
    failed = {
        event.attempt.provider
        for each in world.told
        for _, event in each.events
        if isinstance(event, AttemptEnded) and event.attempt.error is not None
    }
    if good - failed:
        yield f"liveness: {sorted(good - failed)} can answer, and did not"


def _hedged(world: World, told: Told) -> Iterator[str]:
    """R19, R21: at a commit one call is open, and none when the end is told."""
    if (told.open_at_commit or 0) > 1:
        yield f"R19: {told.open_at_commit} calls were open when the stream was returned"
    if told.open_at_switch > 1:
        yield f"R21: {told.open_at_switch} calls were open when another took over"
    ended = [(at, event.attempt) for at, event in told.events if isinstance(event, AttemptEnded)]
    committed = next((at for at, attempt in ended if attempt.outcome == "committed"), math.inf)
    if told.segments and told.waits[0][1] > committed + 2 * world.plan.close + GRACE:
        yield f"R19: the stream was returned {told.waits[0][1] - committed:.2f} s after its commit"
    if told.open_at_end:
        yield f"R21: {told.open_at_end} calls were open when the end was told"


_LAWS: Final[tuple[Callable[[World, Told], Iterator[str]], ...]] = (
    _one_provider,
    _nothing_swallowed,
    _one_ending,
    _in_time,
    _no_false_alarm,
    _the_ledger,
    _succeeds,
    _hedged,
)


def _left_behind(world: World) -> Iterator[str]:
    """R21, R22: nothing is left: no task, no generator, no conversation that was not reported."""
    if world.tasks_left:
        yield f"R21: {world.tasks_left} tasks were left"
    for call in world.book.calls:
        if call.open:
            yield f"R21: a call of {call.provider} for request {call.request} was left open"
        end = math.inf if world.closed_at is None else world.closed_at + world.plan.close + GRACE
        if math.isfinite(call.closed_at) and call.at < end < call.closed_at:
            yield f"R25: a call of {call.provider} outlived the router by {call.closed_at - end:.2f} s"
    book = world.book
    lost = book.created - book.deleted - book.given_up
    if lost:
        yield f"R22: conversations were neither deleted nor given up: {sorted(lost)}"
    events = [event for told in world.told for _, event in told.events] + world.stray
    for name in (provider.name for provider in world.plan.providers):
        given_up = sum(conversation.startswith(name) for conversation in book.given_up)
        reports = sum(isinstance(event, CleanUpFailed) and event.provider == name for event in events)
        if reports < given_up:
            yield f"R22: {given_up} conversations of {name} were given up, {reports} reports were made"


def _shown(world: World) -> Iterator[str]:
    """R35, R40: no key, prompt or reply in anything that is shown."""
    texts = list(world.shown)
    for told in world.told:
        texts += told.shown
        texts += [repr(event) for _, event in told.events]
        texts += [repr(_LINES[type(event)](event)) for _, event in told.events]
    tags = [call.tag for call in world.book.calls if call.text]
    for text in texts:
        if KEY in text:
            yield f"R35: the key is shown: {text[:200]!r}"
        if PROMPT in text:
            yield f"R40: the prompt is shown: {text[:200]!r}"
        if any(tag in text for tag in tags):
            yield f"R40: a reply is shown: {text[:200]!r}"
