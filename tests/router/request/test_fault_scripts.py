"""Random chains of broken providers, on virtual time: what must hold whatever they do.

Each example is a chain of one to five providers with a script for each of their attempts, a policy, clocks
and a seed. It is run on both backends. Every provider's text is of an alphabet of its own, so that text of
two cannot be mistaken for text of one.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import anyio
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters import (
    AuthenticationFailed,
    BadReply,
    Busy,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    Delta,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
    Unreachable,
)
from adapters.scripted import Forever, ScriptedAdapter, Step, Unfinished
from router import (
    AllProvidersFailed,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    RequestAborted,
    RequestEnded,
    RequestStarted,
    RetryPolicy,
    RouterError,
    StreamInterrupted,
    Timeouts,
    WaitStarted,
)
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from router.events import Event

GRACE = 0.25
Steps: TypeAlias = st.SearchStrategy[Step]
Runs: TypeAlias = st.SearchStrategy[list[Step]]
Kind = Literal["good", "cut", "failing", "abort"]


@dataclass(frozen=True)
class Fault:
    """A script for one attempt, and what it comes to where time is no matter."""

    kind: Kind
    steps: tuple[Step, ...]
    text: str = ""


def texts_of(name: str) -> st.SearchStrategy[list[str]]:
    """Pieces of text that only this provider sends."""
    return st.lists(st.text(alphabet=name.upper() + name, min_size=1, max_size=4), min_size=1, max_size=4)


PAUSES: Steps = st.sampled_from([0.0, 0.001, 0.5, 3.0])
EMPTY_DELTAS: Steps = st.sampled_from([Delta(), Delta(model="big")])
DEAD: Steps = st.sampled_from([
    *(ConnectFailed, ConnectionLost, ServiceFailed, Busy, Unreachable, BadReply, InvalidRequest),
    *(AuthenticationFailed, QuotaExhausted, ModelNotFound),
    ConnectionLost("lost", reused=True),
])  # fmt: skip
PUSHED_BACK: Steps = st.builds(
    lambda kind, wait: kind("later", retry_after=wait),
    st.sampled_from([RateLimited, ServiceFailed, QuotaExhausted]),
    st.sampled_from([0.0, 0.5, 2.0, 9.0, 11.0, 1e9, -1.0, float("nan"), float("inf")]),
)
BUGS: Steps = st.sampled_from(
    [TypeError("bug"), ExceptionGroup("bug", [ServiceFailed()]), TimeoutError(), KeyError]
)
STOPS: Steps = st.sampled_from([Unfinished, Delta(finish_reason="stop"), Delta(ends=True), Forever])
ABORTS: Steps = st.sampled_from([ContentRefused, LocalFailure, Delta(finish_reason="content_filter")])
CUTS: Steps = st.sampled_from([
    *(Unfinished, Forever, ServiceFailed, ConnectionLost, BadReply, ContentRefused, TypeError("bug")),
    Delta(finish_reason="content_filter"),
])  # fmt: skip


@st.composite
def faults(draw: st.DrawFn, name: str, kinds: tuple[Kind, ...]) -> Fault:
    before: list[Step] = [draw(PAUSES), *draw(st.lists(EMPTY_DELTAS, max_size=2))]
    kind = draw(st.sampled_from(kinds))
    if kind == "failing":
        return Fault(kind, (*before, draw(DEAD | PUSHED_BACK | BUGS | STOPS)))
    if kind == "abort":
        return Fault(kind, (*before, draw(ABORTS)))
    pieces = draw(texts_of(name))
    spoken: list[Step] = [step for piece in pieces for step in (piece, draw(PAUSES), *draw(QUIET))]
    ends: list[Step] = [draw(CUTS)] if kind == "cut" else draw(ENDS)
    return Fault(kind, (*before, *spoken, *ends), "".join(pieces))


QUIET: Runs = st.sampled_from([[], [], [Delta()], [Delta(), 0.5, Delta(model="big")]])
ENDS: Runs = st.sampled_from(
    [[], [Delta(ends=True)], [Delta(finish_reason="length"), "behind the end", ServiceFailed]]
)
FEW_GOOD: tuple[Kind, ...] = ("failing", "failing", "failing", "good", "cut", "abort")


@dataclass(frozen=True)
class Chain:
    """One example."""

    scripts: dict[str, tuple[Fault, ...]]
    cleanups: dict[str, float]
    policy: RetryPolicy
    clocks: Timeouts
    seed: int


CLEAN_UPS = st.sampled_from([0.0, 0.0, 0.2, 100.0])
POLICIES = st.integers(1, 5).flatmap(
    lambda attempts: st.builds(RetryPolicy, attempts=st.just(attempts), stay=st.integers(1, attempts))
)
TIGHT = st.builds(
    Timeouts,
    first_content=st.sampled_from([0.7, 5.0, 30.0]),
    stall=st.sampled_from([1.0, 30.0]),
    total=st.sampled_from([0.5, 1.0, 4.0, 12.0, 60.0]),
    reserve=st.sampled_from([0.1, 1.0, 5.0]),
    close=st.sampled_from([0.3, 1.0]),
)
AMPLE = st.just(Timeouts(total=10_000))


@st.composite
def chains(draw: st.DrawFn, clocks: st.SearchStrategy[Timeouts], most_scripts: int) -> Chain:
    names = "abcde"[: draw(st.integers(1, 5))]
    scripts = {
        name: tuple(draw(st.lists(faults(name, FEW_GOOD), min_size=1, max_size=most_scripts)))
        for name in names
    }
    cleanups = {name: draw(CLEAN_UPS) for name in names}
    return Chain(scripts, cleanups, draw(POLICIES), draw(clocks), draw(st.integers(0, 2**32)))


@dataclass
class History:
    """What one run of an example came to."""

    adapters: dict[str, ScriptedAdapter]
    events: list[Event]
    provider: str | None
    text: str
    error: RouterError | None
    seconds: float
    calls: Counter[str]

    @property
    def end(self) -> RequestEnded:
        (end,) = [e for e in self.events if isinstance(e, RequestEnded)]
        return end

    @property
    def ledger(self) -> list[Attempt]:
        return [e.attempt for e in self.events if isinstance(e, AttemptEnded)]

    def told(self) -> list[Any]:
        """Everything that happened, as plain values, to be compared between runs."""
        plain: list[Any] = [(self.provider, self.text, type(self.error), round(self.seconds, 5))]
        for told in self.events:
            match told:
                case AttemptEnded():
                    a = told.attempt
                    plain.append((
                        *(a.provider, a.number, a.round, a.phase, a.outcome, type(a.error), a.reason),
                        *(round(a.started, 5), round(a.seconds, 5), a.repeat),
                    ))  # fmt: skip
                case AttemptStarted():
                    plain.append((told.request_id, told.provider, told.number, round(told.limit, 5)))
                case WaitStarted():
                    plain.append((told.request_id, told.round, round(told.seconds, 5)))
                case RequestEnded():
                    plain.append((told.verdict, told.deltas, told.characters, round(told.seconds, 5)))
                case _:
                    plain.append(type(told))
        return plain


async def play(chain: Chain) -> History:
    seen = Recorder()
    adapters = {
        name: ScriptedAdapter.each(
            name,
            [fault.steps for fault in scripts],
            cleanup_seconds=chain.cleanups[name],
            cleanup_timeout=chain.clocks.close,
        )
        for name, scripts in chain.scripts.items()
    }
    text, provider, error = "", None, None
    router = router_of(
        *adapters.values(), seen=seen, seed=chain.seed, retry=chain.policy, timeouts=chain.clocks
    )
    async with router:
        try:
            async with await router.stream(HELLO) as reply:
                provider = reply.provider
                async for delta in reply:
                    text += str(delta)
        except RouterError as raised:
            error = raised
        seconds = anyio.current_time()
    calls = Counter({name: adapter.opened for name, adapter in adapters.items()})
    return History(adapters, seen.events, provider, text, error, seconds, calls)


def both(chain: Chain) -> History:
    """Play on both backends; the histories are the same."""
    first, second = (run_virtual(play, backend, chain) for backend in BACKENDS)

    assert first.told() == second.told()
    return first


def check(chain: Chain, history: History) -> None:
    """What holds for every chain."""
    end, ledger, error = history.end, history.ledger, history.error
    tried = [attempt for attempt in ledger if attempt.outcome != "skipped"]

    # Text of one provider only, and nothing that it did not send.
    if history.provider is None:
        assert history.text == ""
    else:
        mine = chain.scripts[history.provider]
        script = mine[min(history.calls[history.provider], len(mine)) - 1]
        assert script.text.startswith(history.text)
        assert (end.provider, end.characters) == (history.provider, len(history.text))
        assert tried[-1].provider == history.provider
        assert [a.outcome for a in tried].count("committed") == 1

    # In time.
    assert history.seconds <= chain.clocks.total + chain.clocks.close + GRACE
    for started in history.events:
        if isinstance(started, AttemptStarted):
            assert 0 < started.limit <= chain.clocks.first_content

    # One verdict.
    assert [type(e) for e in history.events].count(RequestStarted) == 1
    match error:
        case None:
            assert (end.verdict, end.error) == ("complete", None)
            assert history.text == script.text
        case StreamInterrupted():
            assert end.verdict == error.verdict in ("truncated", "failed", "refused")
            assert error.partial == history.text != ""
            assert error.provider == history.provider
        case RequestAborted():
            assert end.error is error
            assert isinstance(error.__cause__, ContentRefused | LocalFailure)
            assert (end.verdict == "refused") is isinstance(error.__cause__, ContentRefused)
        case AllProvidersFailed():
            assert (end.verdict, end.error) == ("failed", error)
            assert len(str(error).splitlines()) == 1 + len(ledger)
            assert error.retry_after is None or error.retryable
            assert error.retry_after is None or 0 < error.retry_after <= chain.policy.remember
        case _:
            raise AssertionError(error)

    # The ledger is what happened.
    assert list(end.attempts) == ledger
    assert [a.number for a in ledger] == list(range(1, len(ledger) + 1))
    assert Counter(a.provider for a in tried) == +history.calls
    assert [a.round for a in ledger] == sorted(a.round for a in ledger)
    for earlier, later in itertools.pairwise(ledger):
        assert later.started >= earlier.started + earlier.seconds - 1e-6
    for name, tries in history.calls.items():
        repeats = sum(a.repeat for a in tried if a.provider == name)
        assert repeats <= 1
        assert tries <= chain.policy.attempts + repeats
    check_waits(chain, tried)

    # Nothing is left.
    for name, adapter in history.adapters.items():
        assert adapter.opened == adapter.closed
        if chain.cleanups[name] < chain.clocks.close:
            assert adapter.created == adapter.deleted


def check_waits(chain: Chain, tried: list[Attempt]) -> None:
    """A push-back is never undercut, and nobody is tried again after an error that does not pass."""
    policy = chain.policy
    for name in chain.scripts:
        mine = [a for a in tried if a.provider == name]
        for earlier, later in itertools.pairwise(mine):
            assert earlier.error is not None
            lost = isinstance(earlier.error, ConnectionLost) and earlier.error.reused
            if later.repeat:
                assert lost
                continue
            assert earlier.error.disposition == "retry"
            pause = later.started - (earlier.started + earlier.seconds)
            asked = earlier.error.retry_after
            if asked is not None and asked >= 0:
                assert asked <= policy.patience
                assert pause >= asked - 1e-6


@settings(max_examples=how_many(300), suppress_health_check=[HealthCheck.too_slow])
@given(chains(TIGHT | AMPLE, most_scripts=3))
def test_whatever_providers_do_the_laws_hold(chain):
    history = both(chain)
    event(f"{history.end.verdict} with {len(chain.scripts)} providers")
    check(chain, history)


@settings(max_examples=how_many(200), suppress_health_check=[HealthCheck.too_slow])
@given(chains(AMPLE, most_scripts=1))
def test_given_time_the_first_provider_that_can_answer_answers(chain):
    """Scripts that do not change: the first of the chain that delivers content, or aborts, decides."""
    history = both(chain)
    check(chain, history)
    deciding = next((n for n, (f,) in chain.scripts.items() if f.kind != "failing"), None)
    kind = "nobody" if deciding is None else chain.scripts[deciding][0].kind
    event(kind)
    match kind:
        case "good":
            assert deciding == history.provider
            assert chain.scripts[deciding][0].text == history.text
            assert history.error is None
        case "cut":
            assert deciding == history.provider
            assert chain.scripts[deciding][0].text == history.text
            assert isinstance(history.error, StreamInterrupted)
        case "abort":
            assert isinstance(history.error, RequestAborted)
            assert history.ledger[-1].provider == deciding
        case _:
            assert isinstance(history.error, AllProvidersFailed)
            assert {a.provider for a in history.ledger} == set(chain.scripts)


@settings(max_examples=how_many(200), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(["silent", "dead", "empty"]), min_size=0, max_size=4),
    st.sampled_from([1.0, 2.0, 6.0, 25.0, 100.0]),
    st.sampled_from([0.1, 0.5, 1.0, 5.0]),
    st.integers(0, 99),
)
def test_a_good_provider_gets_its_turn_whoever_is_silent_before_it(before, total, reserve, seed):
    """Where at least half a second is there for each, the deadline formula leaves one for the last, too."""
    scripts: dict[str, tuple[Fault, ...]] = {}
    for name, kind in zip("abcd", before, strict=False):
        steps: dict[str, Step] = {"silent": Forever, "dead": Unreachable, "empty": Unfinished}
        scripts[name] = (Fault("failing", (steps[kind],)),)
    scripts["e"] = (Fault("good", ("eee", 0.1, "EE"), "eeeEE"),)
    clocks = Timeouts(total=max(total, 0.5 * len(scripts) + 0.2), reserve=reserve)
    chain = Chain(scripts, dict.fromkeys(scripts, 0.0), RetryPolicy(), clocks, seed)
    history = both(chain)

    check(chain, history)
    assert ("e", "eeeEE", None) == (history.provider, history.text, history.error)


def test_the_same_seed_gives_the_same_history_and_another_one_another():
    always: tuple[Fault, ...] = (Fault("failing", (ServiceFailed,)),)
    scripts = dict.fromkeys("abc", always)

    def history(seed: int) -> list[Any]:
        chain = Chain(scripts, dict.fromkeys(scripts, 0.0), RetryPolicy(attempts=4), Timeouts(), seed)
        return both(chain).told()

    seeds = [random.Random(1).randrange(1000) for _ in range(3)]
    assert [history(seed) for seed in seeds] == [history(seed) for seed in seeds]
    assert history(1) != history(2)
