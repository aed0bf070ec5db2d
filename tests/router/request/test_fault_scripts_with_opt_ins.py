"""Random chains of broken providers, with everything on that a user can switch on: what must hold even so.

Hedges, take-overs of each kind, strategies, breakers and small budgets, over several requests to one router,
one after the other or side by side. Every provider's text is of an alphabet of its own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace

import anyio
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters import AdapterError, ContentRefused, LocalFailure
from router import (
    AllProvidersFailed,
    AttemptEnded,
    AttemptStarted,
    BreakerPolicy,
    Event,
    Fastest,
    HedgePolicy,
    Interruption,
    Priority,
    ReplySwitched,
    RequestAborted,
    RequestEnded,
    RetryBudget,
    RetryPolicy,
    Router,
    RouterError,
    Strategy,
    StreamInterrupted,
    Timeouts,
    Weighted,
)
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.reply.test_overlap import expected
from tests.router.request.test_fault_scripts import CLEAN_UPS, FEW_GOOD, GRACE, TIGHT, Fault, faults
from tests.router.striking import Kept, all_places_free, consistent
from tests.virtual_time import BACKENDS, run_virtual

HEDGES = st.sampled_from([None, HedgePolicy(delay=0), HedgePolicy(delay=0.5), HedgePolicy(fallback=2)])
BREAKERS = st.sampled_from([
    *(BreakerPolicy(), BreakerPolicy.off()),
    *(BreakerPolicy(consecutive=1, open_for=1), BreakerPolicy(consecutive=2)),
])  # fmt: skip
INTERRUPTIONS = st.builds(
    Interruption, st.sampled_from(["raise", "restart", "continue", "continue"]), st.integers(1, 5)
)
KINDS = (*FEW_GOOD, "cut", "cut", "good")


@dataclass(frozen=True)
class Setting:
    """One example."""

    scripts: dict[str, tuple[Fault, ...]]
    cleanups: dict[str, float]
    places: dict[str, int | None]
    policy: RetryPolicy
    numbers: tuple[float, float, float]
    clocks: Timeouts
    breaker: BreakerPolicy
    strategy: Strategy
    interruption: Interruption
    gaps: list[float]
    seed: int


@st.composite
def examples(draw: st.DrawFn) -> Setting:
    names = "abcde"[: draw(st.integers(1, 4))]
    attempts = draw(st.integers(1, 4))
    numbers = draw(st.tuples(*map(st.sampled_from, ([0.0, 0.2], [0.0, 1.0], [0.0, 1.0, 3.0, 10.0]))))
    policy = RetryPolicy(
        attempts=attempts,
        stay=draw(st.integers(1, attempts)),
        hedge=draw(HEDGES),
        wait_for_held=draw(st.booleans()),
    )
    strategies: list[Strategy] = [Priority(), Fastest(explore=0.3), Weighted(dict.fromkeys(names, 1.0))]
    return Setting(
        {name: tuple(draw(st.lists(faults(name, KINDS), min_size=1, max_size=4))) for name in names},
        {name: draw(CLEAN_UPS) for name in names},
        {name: draw(st.sampled_from([None, None, 1, 2])) for name in names},
        policy,
        numbers,
        draw(TIGHT),
        draw(BREAKERS),
        draw(st.sampled_from(strategies)),
        draw(INTERRUPTIONS),
        draw(st.lists(st.sampled_from([0.0, 0.0, 0.3, 2.0, 30.0]), min_size=1, max_size=6)),
        draw(st.integers(0, 2**32)),
    )


class Log(Recorder):
    """Keeps the events, and when each was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[float, Event]] = []

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        self.told.append((anyio.current_time(), event))

    def only(self, request_id: str) -> Recorder:
        one = Recorder()
        one.events = [each for each in self.events if getattr(each, "request_id", None) == request_id]
        return one


@dataclass
class Told:
    """What one request came to."""

    request_id: str | None = None
    parts: list[tuple[str, str]] = field(default_factory=list)  # who, and the text between two marks
    result: str | None = None
    error: RouterError | None = None
    seconds: float = 0.0


async def ask(router: Router) -> Told:
    """Make a request; keep what was delivered between two marks."""
    told, begun = Told(), anyio.current_time()
    try:
        async with await router.stream(HELLO) as reply:
            told.request_id = reply.request_id
            told.parts.append((reply.provider, ""))
            async for delta in reply:
                if delta.switch is not None:
                    assert delta.switch.left == told.parts[-1][0]
                    assert str(delta) == ""
                    told.parts.append((delta.switch.taken_by, ""))
                who, text = told.parts[-1]
                told.parts[-1] = (who, text + str(delta))
            assert reply.provider == told.parts[-1][0]
            told.result = await reply.read_text()
    except RouterError as error:
        told.error = error
    told.seconds = anyio.current_time() - begun
    return told


async def play(it: Setting) -> None:
    adapters = {
        name: Kept.each(
            name,
            [fault.steps for fault in scripts],
            cleanup_seconds=it.cleanups[name],
            cleanup_timeout=it.clocks.close,
        )
        for name, scripts in it.scripts.items()
    }
    for name, adapter in adapters.items():
        adapter.concurrency = it.places[name]
    log = Log()
    router = router_of(
        *adapters.values(),
        seen=log,
        seed=it.seed,
        retry=replace(it.policy, budget=RetryBudget(*it.numbers)),
        timeouts=it.clocks,
        breaker=it.breaker,
        strategy=it.strategy,
        on_interruption=it.interruption,
    )
    runs: list[Told] = []

    async def one() -> None:
        runs.append(await ask(router))

    async with router, anyio.create_task_group() as tasks:
        for gap in it.gaps:
            await anyio.sleep(gap)
            tasks.start_soon(one)
    all_places_free(router)
    ends = log.of(RequestEnded)
    assert len(ends) == len(runs) == len(it.gaps)
    for run in runs:
        (end,) = [e for e in ends if e.request_id == run.request_id or (run.error and e.error is run.error)]
        check_request(it, run, end, log.only(end.request_id))
    check_providers(it, adapters, log, anyio.current_time())
    for run in runs:
        event(f"{type(run.error).__name__}, {len(run.parts)} parts")


def check_request(it: Setting, run: Told, end: RequestEnded, seen: Recorder) -> None:
    """What holds for each request."""
    consistent(seen)
    hedged = it.policy.hedge is not None
    # The clean-up of a loser may reach over the deadline, and then the winner has to be closed as well.
    assert run.seconds <= it.clocks.total + (1 + hedged) * it.clocks.close + GRACE
    steps = [isinstance(e, AttemptStarted) - _was_asked(e) for e in seen.events]
    assert max(itertools.accumulate(steps), default=0) <= 1 + hedged

    # Text of two providers is never joined unmarked, and nothing is delivered that was not sent.
    shown = ""
    for who, text in run.parts:
        sent = {fault.text[:end] for fault in it.scripts[who] for end in range(len(fault.text) + 1)}
        if shown and it.interruption.action == "continue":
            sent = {expected(shown, each) for each in sent}
        assert text in sent, (who, text)
        shown = text if it.interruption.action == "restart" else shown + text
    assert end.characters == len(shown)

    # Who takes over does so in the open, so many times, and never after what forbids it.
    switched = seen.of(ReplySwitched)
    assert len(switched) == max(0, len(run.parts) - 1) <= it.interruption.times
    assert not switched or it.interruption.action != "raise"
    for told in switched:
        assert isinstance(told.error, AdapterError)
        assert told.error.disposition != "abort"

    match run.error:
        case None:
            assert (end.verdict, end.error, run.result) == ("complete", None, shown)
            assert any(shown.endswith(fault.text[-1]) for fault in it.scripts[run.parts[-1][0]] if fault.text)
        case StreamInterrupted():
            assert end.verdict == run.error.verdict in ("truncated", "failed", "refused")
            assert (run.error.partial, run.error.provider) == (shown, run.parts[-1][0])
            assert list(run.error.attempts) == seen.ledger
        case RequestAborted():
            assert isinstance(run.error.__cause__, ContentRefused | LocalFailure)
            assert not run.parts
        case AllProvidersFailed():
            assert not run.parts
        case _:
            raise AssertionError(run.error)

    tried = Counter(a.provider for a in seen.ledger if a.outcome != "skipped" and not a.repeat)
    assert all(tries <= it.policy.attempts * (1 + it.interruption.times) for tries in tried.values())
    outcomes = Counter(attempt.outcome for attempt in seen.ledger)
    assert outcomes["committed"] >= len(run.parts)
    assert outcomes["cancelled"] == 0 or hedged


def check_providers(it: Setting, adapters: dict[str, Kept], log: Log, seconds: float) -> None:
    """What holds for each provider, over all requests."""
    share, per_second, capacity = it.numbers
    extra = capacity + share * len(it.gaps) + per_second * seconds
    first = sum(
        len({a.provider for a in end.attempts if a.outcome != "skipped"}) for end in log.of(RequestEnded)
    )
    assert sum(a.opened for a in adapters.values()) <= first + extra + 1e-6
    for name, adapter in adapters.items():
        assert adapter.opened == adapter.closed
        assert adapter.opened <= len(it.gaps) + extra + 1e-6
        if it.cleanups[name] < it.clocks.close:
            assert adapter.created == adapter.deleted
    # Whoever asked to be left alone is left alone, by hedges and take-overs too.
    until = dict.fromkeys(it.scripts, 0.0)
    for now, told in log.told:
        match told:
            case AttemptStarted():
                assert now >= until[told.provider] - 1e-6
            case AttemptEnded() if told.attempt.outcome == "failed" and told.attempt.error is not None:
                wait = it.policy.push_back(told.attempt.error)
                if wait is not None:
                    until[told.attempt.provider] = now + min(wait, it.policy.remember)


def _was_asked(told: object) -> bool:
    return isinstance(told, AttemptEnded) and told.attempt.outcome != "skipped"


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=how_many(200), suppress_health_check=[HealthCheck.too_slow])
@given(it=examples())
def test_whatever_is_switched_on_the_laws_hold(backend, it):
    run_virtual(play, backend, it)
