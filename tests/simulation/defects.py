"""Defects to plant into the router one by one: each breaks a promise, and the simulated world has to notice.

Each puts something wrong around a function or a method, which it names and whose behaviour it knows from
outside. The names stand in one table; who renames a function mends them there, and nothing else here.
"""

from __future__ import annotations

import functools
import random
import sys
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import anyio

from adapters.contract import errors
from adapters.contract.errors import AdapterError, Disposition
from router import Interruption, RequestEnded, RetryPolicy, StreamInterrupted, Timeouts
from router.policy.timeouts import Deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from adapters import Delta
    from router import Event

# What is public.
ROUTER: Final = "router._router.Router.__init__"
STREAM: Final = "router._router.Router.stream"
RECEIVE: Final = "router.reply.stream.ReplyStream.receive"
INTERRUPTED: Final = "router.errors.StreamInterrupted.__init__"
REQUEST_STARTED: Final = "router.events.RequestStarted.__init__"
BACKOFF: Final = "router.policy.retry.RetryPolicy.pause"
BUDGET_EARNS: Final = "router.policy.budget.RetryBudget.deposit"
BUDGET_PAYS: Final = "router.policy.budget.RetryBudget.take"
# What is the router's own.
ALLOWS_ATTEMPT: Final = "router.policy.timeouts.Deadline.allows_attempt"
ATTEMPT_LIMIT: Final = "router.policy.timeouts.attempt_limit"
ATTEMPT: Final = "router.request.attempt.run_attempt"
CANDIDATE: Final = "router.request.candidate.Candidates._is_skipped"
LEDGER_ADD: Final = "router.request.ledger.Ledger.add"
ROUNDS: Final = "router.request.rounds.Rounds.__init__"
MAY_STAY: Final = "router.request.rounds.Rounds.may_stay"
MAY_REPEAT: Final = "router.request.rounds.Rounds.may_repeat"
RACE: Final = "router.request.race.race"
RELEASED: Final = "router.policy.breaker.Permit.released"
SLOT_TAKEN: Final = "router.provider.concurrency.Slots.acquire"
SLOT_GIVEN_BACK: Final = "router.provider.concurrency.Slots.release"
CONTENT_CLOCK: Final = "router.reply.clock.ContentClock.__init__"
OVERLAP: Final = "router.reply.overlap.Overlap.__init__"
SWITCHING: Final = "router.reply.stream.ReplyStream._taken_over"
CLOSE_GENERATOR: Final = "adapters.generator.close_generator"
CLOSE_STREAMS: Final = "router.request.in_flight.close_streams"
MASK: Final = "adapters.contract.peer_text.PeerText.__init__"
MASK_MORE: Final = "adapters.contract.peer_text.PeerText.hide"
ARRANGED: Final = "router.provider.chain.arranged"

NEVER: Final = Deadline(1e12)


class Defect(NamedTuple):
    """A change for the worse.

    Attributes:
        what: What goes wrong with it.
        wrong: Name -> returns what stands there instead of the right function, which it is given.
        seed: The first seed to play: that of a world that needs it.
        backend: Where to play; None for both.
    """

    what: str
    wrong: Mapping[str, Callable[[Any], Any]]
    seed: int = 0
    backend: str | None = "asyncio"


def instead(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return what puts `function` in the place of a right one, which is not called."""
    return lambda _: function


def around(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return what puts `function` around a right one, which is its first argument."""

    def wrong_of(right: Any) -> Callable[..., Any]:
        def wrong(*args: Any, **keywords: Any) -> Any:
            return function(right, *args, **keywords)

        return wrong

    return wrong_of


def configured(**settings: Callable[[Any], Any]) -> Mapping[str, Callable[[Any], Any]]:
    """Make every router with other settings: keyword -> returns another value of the one given."""

    def make(right: Any, router: Any, *args: Any, **keywords: Any) -> None:
        right(router, *args, **{**keywords, **{name: of(keywords[name]) for name, of in settings.items()}})

    return {ROUTER: around(make)}


def told(tell: Callable[[Callable[[Event], None], Event], None]) -> Mapping[str, Callable[[Any], Any]]:
    """Tell events to the observers in another way."""

    def bent(observers: list[Callable[[Event], None]]) -> list[Callable[[Event], None]]:
        return [functools.partial(tell, observer) for observer in observers]

    return configured(observers=bent)


def changed(kind: type, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Call the right function with each argument of this kind changed."""

    def of(argument: Any) -> Any:
        return value(argument) if isinstance(argument, kind) else argument

    def call(right: Any, *args: Any, **keywords: Any) -> Any:
        return right(*map(of, args), **{name: of(argument) for name, argument in keywords.items()})

    return around(call)


# -- delivery -----------------------------------------------------------------------------------


def first_twice_or_never(times: int) -> Callable[[Any], Any]:
    """Deliver the first content of each stream so often."""

    async def receive(right: Any, stream: Any) -> Delta:
        again: list[Delta] = vars(stream).setdefault("_again", [])
        if again:
            return again.pop()
        delta: Delta = await right(stream)
        if delta.has_content and not vars(stream).get("_begun"):
            vars(stream)["_begun"] = True
            if times == 0:
                return await receive(right, stream)
            again.append(delta)
        return delta

    return around(receive)


async def silent_end(right: Any, stream: Any) -> Delta:
    try:
        delta: Delta = await right(stream)
    except StreamInterrupted as error:
        if error.verdict == "truncated":
            raise anyio.EndOfStream from None
        raise
    return delta


async def misnamed_switch(right: Any, stream: Any) -> Delta:
    delta: Delta = await right(stream)
    if delta.switch is None:
        return delta
    return replace(delta, switch=replace(delta.switch, taken_by=delta.switch.left))


def without_partial(right: Any, error: Any, message: str, **keywords: Any) -> None:
    right(error, message, **{**keywords, "partial": ""})


def all_but_cancelled_ends(tell: Callable[[Event], None], event: Event) -> None:
    if not (isinstance(event, RequestEnded) and event.verdict == "cancelled" and event.provider is None):
        tell(event)


def ends_twice(tell: Callable[[Event], None], event: Event) -> None:
    tell(event)
    if isinstance(event, RequestEnded) and event.provider is not None:
        tell(event)


def all_but_cancelled_attempts(right: Any, ledger: Any, attempt: Any) -> None:
    if attempt.outcome != "cancelled":
        right(ledger, attempt)


DELIVERY: Final = (
    Defect(
        "another provider takes over unasked",
        configured(on_interruption=lambda given: Interruption("restart", given.times)),
    ),
    Defect("the first content is lost", {RECEIVE: first_twice_or_never(0)}),
    Defect("the first content comes twice", {RECEIVE: first_twice_or_never(2)}),
    Defect("an overlap is shown twice", {OVERLAP: changed(str, lambda _: "")}),
    Defect("a truncated reply ends in silence", {RECEIVE: around(silent_end)}),
    Defect("the partial text is forgotten", {INTERRUPTED: around(without_partial)}),
    Defect("a cancelled request has no end record", told(all_but_cancelled_ends)),
    Defect("a reply ends with two records", told(ends_twice)),
    Defect("a cancelled attempt is not in the ledger", {LEDGER_ADD: around(all_but_cancelled_attempts)}),
    Defect("who broke off is named as who answers", {RECEIVE: around(misnamed_switch)}),
)


# -- time ---------------------------------------------------------------------------------------


def half_limit(right: Any, *args: Any, limit: float, **keywords: Any) -> Any:
    return right(*args, limit=limit / 2, **keywords)


def patient(right: Any, generator: Any, seconds: float, report: Any) -> Any:
    return right(generator, seconds + 5, report)


TIME: Final = (
    Defect(
        "an attempt may outlive the deadline",
        {ATTEMPT_LIMIT: instead(lambda timeouts, *_: timeouts.first_content)},
    ),
    Defect(
        "an attempt starts in the last moment",
        {ALLOWS_ATTEMPT: instead(lambda deadline, now: deadline.at > now)},
    ),
    Defect("a reply may outlive the deadline", {CONTENT_CLOCK: changed(Deadline, lambda _: NEVER)}),
    Defect("a round waits beyond the deadline", {ROUNDS: changed(Deadline, lambda _: NEVER)}),
    Defect("patience has no end", configured(retry=lambda given: replace(given, patience=1e6))),
    Defect("a Retry-After is forgotten", configured(retry=lambda given: replace(given, remember=0.001))),
    Defect("an endless clean-up is waited for", {CLOSE_GENERATOR: around(patient)}, seed=180),
    Defect("the first content has half of its time", {ATTEMPT: around(half_limit)}),
    Defect(
        "a reply stalls at once",
        {CONTENT_CLOCK: changed(Timeouts, lambda given: replace(given, stall=0.2))},
    ),
    Defect(
        "jitter from a source of its own",
        {BACKOFF: changed(random.Random, lambda _: random.Random())},
        backend=None,
    ),
)


# -- load ---------------------------------------------------------------------------------------

_free: ContextVar[str] = ContextVar("free", default="")


def earns_too_much(right: Any, budget: Any, now: float) -> None:
    share, budget.share = budget.share, budget.share + 1
    right(budget, now)
    budget.share = share


def first_round_paid(right: Any, candidates: Any, plan: Any, *args: Any, **keywords: Any) -> Any:
    plan.paid = plan.paid or (plan.round == 1 and not plan.backs_up)
    return right(candidates, plan, *args, **keywords)


def hedge_free(right: Any, first: Any, second: Any, *args: Any, **keywords: Any) -> Any:
    async def free() -> Any:
        _free.set("hedge")
        return await second()

    return right(first, free, *args, **keywords)


def stay_free(right: Any, rounds: Any, name: str) -> Any:
    stays = right(rounds, name)
    if stays:
        _free.set("stay")
    return stays


def pays_unless_free(right: Any, budget: Any, now: float) -> Any:
    if not _free.get():
        return right(budget, now)
    _free.set("")
    return True


def in_vain(given: RetryPolicy) -> RetryPolicy:
    """Ask again after every error that says that asking again does not help."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AdapterError)
    ]
    again = {kind: Disposition.RETRY for kind in kinds if kind.disposition is Disposition.FAILOVER}
    same = {kind: kind.disposition for kind in kinds if kind not in again}
    return replace(given, dispositions={**again, **same, **given.dispositions})


def _is_cancelled() -> bool:
    return isinstance(sys.exc_info()[1], anyio.get_cancelled_exc_class())


def cancelled_counts(right: Any, permit: Any) -> None:
    if _is_cancelled():
        permit.failed(anyio.current_time())
    right(permit)


def callers_error_counts(right: Any, permit: Any) -> None:
    if not _is_cancelled():
        permit.failed(anyio.current_time())
    right(permit)


async def always_a_slot(*_: Any, **__: Any) -> bool:
    return True


LOAD: Final = (
    Defect("the budget is never empty", {BUDGET_PAYS: instead(lambda *_: True)}),
    Defect("requests earn too much", {BUDGET_EARNS: around(earns_too_much)}),
    Defect("a takeover is free", {CANDIDATE: around(first_round_paid)}),
    Defect("a hedge is free", {RACE: around(hedge_free), BUDGET_PAYS: around(pays_unless_free)}, seed=145),
    Defect("staying is free", {MAY_STAY: around(stay_free), BUDGET_PAYS: around(pays_unless_free)}),
    Defect(
        "one attempt too many",
        {ROUNDS: changed(RetryPolicy, lambda given: replace(given, attempts=given.attempts + 1))},
        seed=145,
    ),
    Defect("a lost connection is repeated for ever", {MAY_REPEAT: instead(lambda *_: True)}, seed=195),
    Defect("asked again though that cannot help", configured(retry=in_vain)),
    Defect("a cancellation counts as a failure", {RELEASED: around(cancelled_counts)}, seed=1700),
    Defect("the caller's errors count as failures", {RELEASED: around(callers_error_counts)}),
    Defect("a slot is never given back", {SLOT_GIVEN_BACK: instead(lambda _: None)}),
    Defect(
        "slots are not counted",
        {SLOT_TAKEN: instead(always_a_slot), SLOT_GIVEN_BACK: instead(lambda _: None)},
    ),
    Defect(
        "candidates get lost when they are ordered",
        {ARRANGED: around(lambda right, *args: right(*args)[:1])},
    ),
)


# -- what is left behind, and what is shown -----------------------------------------------------

_inside: ContextVar[str] = ContextVar("inside", default="a reply")


def inside(what: str) -> Callable[[Any], Any]:
    """Mark what runs inside of the right coroutine function."""

    async def run(right: Any, *args: Any, **keywords: Any) -> Any:
        token = _inside.set(what)
        try:
            return await right(*args, **keywords)
        finally:
            _inside.reset(token)

    return around(run)


def left_open(what: str) -> Mapping[str, Callable[[Any], Any]]:
    """Leave the generators open that are closed inside of this: an attempt, a takeover, or a reply."""

    async def close(right: Any, generator: Any, *args: Any) -> None:
        if _inside.get() != what:
            await right(generator, *args)

    return {
        ATTEMPT: inside("an attempt"),
        SWITCHING: inside("a takeover"),
        CLOSE_GENERATOR: around(close),
    }


def shielded(run: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    async def on() -> Any:
        with anyio.CancelScope(shield=True):
            return await run()

    return on


def loser_runs_on(right: Any, first: Any, second: Any, *args: Any, **keywords: Any) -> Any:
    return right(shielded(first), shielded(second), *args, **keywords)


def unreported(right: Any, generator: Any, seconds: float, report: Any) -> Any:
    return right(generator, seconds, lambda error: None)


async def nothing(*_: Any) -> None:
    pass


def shows_reply(right: Any, error: Any, message: str, **keywords: Any) -> None:
    right(error, f"{message}: {keywords['partial']}", **keywords)


_prompt: ContextVar[str] = ContextVar("prompt", default="")


def keeps_prompt(right: Any, router: Any, messages: Any, *args: Any, **keywords: Any) -> Any:
    _prompt.set(messages[0]["content"])
    return right(router, messages, *args, **keywords)


def shows_prompt(right: Any, event: Any, *args: Any, **keywords: Any) -> None:
    right(event, *args, **keywords)
    object.__setattr__(event, "model", _prompt.get())


LEFTOVERS: Final = (
    Defect("a failed generator is left open", left_open("an attempt")),
    Defect("a reply's generator is left open", left_open("a reply")),
    Defect("a takeover leaves the first open", left_open("a takeover")),
    Defect("a race leaves its loser running", {RACE: around(loser_runs_on)}),
    Defect("a failing clean-up is not told", {CLOSE_GENERATOR: around(unreported)}),
    Defect("a closed router lets its streams run", {CLOSE_STREAMS: instead(nothing)}, seed=490),
    Defect(
        "the key is shown",
        {MASK: around(lambda right, mask, *_: right(mask)), MASK_MORE: instead(lambda *_: None)},
    ),
    Defect("the reply is shown", {INTERRUPTED: around(shows_reply)}),
    Defect("the prompt is shown", {STREAM: around(keeps_prompt), REQUEST_STARTED: around(shows_prompt)}),
)

DEFECTS: Final = DELIVERY + TIME + LOAD + LEFTOVERS
