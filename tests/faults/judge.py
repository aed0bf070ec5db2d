"""What is checked of every run, whatever the fault: the outcome, the time, the counts, the secrets, the rest.

The numbers of all runs are kept in `tally.NUMBERS`, and printed at the end.
"""

from __future__ import annotations

import gc
import itertools
import tracemalloc
import warnings
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from adapters import AdapterError
from router import AdapterBroke, AttemptEnded, AttemptStarted, CleanUpFailed, RequestEnded, RouterError
from tests.faults import words
from tests.faults.framings import COOKIE, HEADER, KEY
from tests.faults.tally import NUMBERS, Numbers
from tests.faults.world import BEHIND, GRACE, SECOND_KEY, TIMEOUTS, Seen, World, world_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.faults.fault import Case

LINGER: Final = 30.0
SHOWN_MOST: Final = 900  # characters of a line that has one peer's text of 300 in it


@dataclass
class Measured:
    """Memory over the start, in MiB."""

    peak: float = 0.0


async def run(
    case: Case,
    client: Callable[[World], Awaitable[Seen]],
    around: Callable[[World], AbstractContextManager[None]] = lambda _: nullcontext(),
    numbers: Numbers = NUMBERS,
) -> list[str]:
    """Run a case with a client, inside of `around`, and return what is wrong with it."""
    with warnings.catch_warnings(record=True) as warned, words.recorded() as logged:
        warnings.simplefilter("always")
        async with world_of(case) as world:
            with around(world), _memory(measuring=case.fault.mib is not None) as memory:
                seen = await client(world)
            wrong = await _left_over(world)
            wrong += _outcome(world, seen) + _times(world, seen, numbers) + _counts(world, seen, numbers)
            wrong += _classes(case, seen) + _isolation(world)
        gc.collect()
    shown = [str(warning.message) for warning in warned]
    wrong += [f"a warning: {text}" for text in shown]
    wrong += _secrets(case, seen, [*logged, *shown], numbers)
    if case.fault.mib is not None and memory.peak > case.fault.mib:
        wrong.append(f"{memory.peak:.1f} MiB at the peak; {case.fault.mib} are allowed")
    numbers.runs += 1
    numbers.peak = max(numbers.peak, memory.peak)
    return wrong


@contextmanager
def _memory(*, measuring: bool) -> Iterator[Measured]:
    measured = Measured()
    if not measuring:
        yield measured
        return
    gc.collect()
    tracemalloc.start()
    try:
        yield measured
        measured.peak = tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()


async def _left_over(world: World) -> list[str]:
    wrong = []
    for server in (world.faulty, world.good, world.trap):
        try:
            await server.drained(LINGER)
        except TimeoutError as error:
            wrong.append(f"{server.service}: {error}")
    await anyio.wait_all_tasks_blocked()
    if left := world.left_tasks():
        wrong.append(f"{left} tasks are left")
    if left := world.open_sockets():
        wrong.append(f"{left} sockets are left")
    created: set[str] = getattr(world.faulty, "created", set())
    excused = world.case.fault.reported or world.case.fault.leaves
    cleaned: set[str] = getattr(world.faulty, "deleted", set()) | getattr(world.faulty, "hidden", set())
    if created != cleaned and not excused:
        wrong.append(f"{len(created)} conversations were created and not all deleted or hidden")
    if getattr(world.faulty, "crashes", 0):
        wrong.append("a conversation was deleted while its answer ran")
    return wrong


def outcome_of(world: World, seen: Seen) -> str:
    """Return the class of outcome."""
    if seen.cancelled:
        return "C"
    if seen.error is not None:
        return "P" if seen.text else "X"
    if seen.provider == "second":
        return "F"
    return "R" if world.requests > 1 else "T"


def _outcome(world: World, seen: Seen) -> list[str]:
    fault, outcome = world.case.fault, outcome_of(world, seen)
    wrong = []
    if outcome not in world.case.outcomes:
        wrong.append(f"the outcome is {outcome}, promised is {'|'.join(world.case.outcomes)}: {seen.error!r}")
    elif outcome == "F" and seen.text != BEHIND:
        wrong.append(f"texts are mixed: {seen.text!r}")
    elif outcome in ("T", "R") and seen.text != fault.text:
        wrong.append(f"the text is {seen.text[:200]!r}, sent was {fault.text[:200]!r}")
    elif outcome in ("P", "C") and not fault.text.startswith(seen.text):
        wrong.append(f"{seen.text[:200]!r} is no prefix of what was sent")
    if getattr(seen.error, "partial", seen.text) != seen.text:
        wrong.append("`partial` is not what was delivered")
    try:
        seen.text.encode()
    except UnicodeEncodeError:
        wrong.append("the text cannot be encoded")
    return wrong


def _times(world: World, seen: Seen, numbers: Numbers) -> list[str]:
    wrong = []
    numbers.overshoot = max(numbers.overshoot, seen.took - TIMEOUTS.total)
    if seen.took > TIMEOUTS.total + GRACE:
        wrong.append(f"it took {seen.took:.1f} s; the deadline is {TIMEOUTS.total} s")
    within = world.case.fault.within
    if within is not None and not world.alone and seen.took > within:
        wrong.append(f"it took {seen.took:.2f} s; promised are {within} s")
    limits = {e.number: e.limit for e in seen.events if isinstance(e, AttemptStarted)}
    for event in seen.events:
        if isinstance(event, AttemptEnded) and event.attempt.number in limits:
            over = event.attempt.seconds - limits[event.attempt.number]
            numbers.overshoot = max(numbers.overshoot, over)
            if over > GRACE:
                wrong.append(f"{event.attempt} outlived its limit by {over:.2f} s")
    times = getattr(world.faulty, "times", [])
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    if gaps and min(gaps) < world.case.fault.gap:
        wrong.append(f"it came back after {min(gaps):.2f} s; asked for were {world.case.fault.gap} s")
    return wrong


def _counts(world: World, seen: Seen, numbers: Numbers) -> list[str]:
    case, wrong = world.case, []
    if case.fault.most is None:
        numbers.requests = max(numbers.requests, world.requests)
    most = case.most_requests + _repeats(seen)
    if not (case.least_requests <= world.requests or case.fault.before) or world.requests > most:
        wrong.append(f"{world.requests} upstream requests; promised are {case.least_requests} to {most}")
    if seen.events:
        ends = [event for event in seen.events if isinstance(event, RequestEnded)]
        if len(ends) != 1:
            wrong.append(f"{len(ends)} end records instead of one")
        attempts = [e.attempt for e in seen.events if isinstance(e, AttemptEnded)]
        tried = [a for a in attempts if a.provider == "first" and a.outcome != "skipped"]
        came = world.faulty.connections if case.fault.before else world.requests
        came -= seen.earlier
        exact = case.framing == "openai" and not (case.fault.before or case.fault.tls or world.url)
        if len(tried) < came or (exact and len(tried) != came):
            wrong.append(f"the ledger has {len(tried)} attempts, the server saw {came}")
    return wrong


def _repeats(seen: Seen) -> int:
    """Return how often a lost kept-alive connection was made good: once per provider and request."""
    attempts = [event.attempt for event in seen.events if isinstance(event, AttemptEnded)]
    return min(1, sum(attempt.repeat for attempt in attempts))


def _classes(case: Case, seen: Seen) -> list[str]:
    wrong = []
    if seen.error is not None and not isinstance(seen.error, RouterError):
        wrong.append(f"a foreign exception: {seen.error!r}")
    wrong.extend(
        f"a foreign exception within: {error!r}"
        for error in words.errors_of(seen)
        if not isinstance(error, RouterError | AdapterError)
    )
    for event in seen.events:
        if isinstance(event, AdapterBroke):
            wrong.append(f"a bug in the adapter: {event.error!r}")
        if isinstance(event, CleanUpFailed) and not case.fault.reported:
            wrong.append(f"the clean-up failed: {event.error!r}")
    if case.fault.reported and not any(isinstance(event, CleanUpFailed) for event in seen.events):
        wrong.append("the failed clean-up was not reported")
    return wrong


def _isolation(world: World) -> list[str]:
    wrong = [f"{len(world.trap.heads)} requests were sent to another origin"] if world.trap.heads else []
    for received in world.good.requests:
        everything = repr(received)
        leaked = [s for s in (KEY, COOKIE, HEADER, "canary-of-a-foreign-cookie") if s in everything]
        wrong += [f"{secret!r} was sent to the second provider" for secret in leaked]
    for received in world.faulty.requests:
        if {"admin", "..", "."} & set(received.target.partition("?")[0].split("/")):
            wrong.append(f"{received.target!r} was asked for, as an id of the peer wanted it")
        if SECOND_KEY in repr(received):
            wrong.append("the second provider's key was sent to the first one")
    return wrong


def _secrets(case: Case, seen: Seen, logged: list[str], numbers: Numbers) -> list[str]:
    logged = logged + words.rendered(seen)
    errors = words.errors_of(seen)
    objects = [*words.of_objects(seen.said), *words.of_objects(seen.events), *words.of_errors(errors)]
    hidden = dict.fromkeys(case.fault.hidden, "")
    secrets = words.SECRETS | words.PROMPTS | {word: word for word in hidden}
    wrong: list[str] = []
    for where, strings, banned in (
        ("a log", logged, secrets | words.REPLIES),
        ("an object or error", objects, secrets),
        ("the locals of a traceback", words.locals_of(errors), words.SECRETS),
    ):
        found, count = words.leaks(where, strings, banned)
        wrong += found
        numbers.strings += count
    for error in errors:
        lines = str(error).splitlines()
        if any(not line.isprintable() or len(line) > SHOWN_MOST for line in lines):
            wrong.append(f"control characters, or too long, in {str(error)!r}")
    return wrong
