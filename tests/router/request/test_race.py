"""A race of two attempts: one result, the other gone before it is returned, whatever strikes meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import anyio
import pytest

from adapters import ContentRefused, LocalFailure, ServiceFailed
from adapters.scripted import Forever, Step
from router import AttemptStarted, HedgePolicy, RequestAborted, RetryPolicy, Timeouts
from router.request.race import race
from tests.depth import sampled
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import STEPS, Kept, Struck, all_places_free, clean, consistent, struck
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


class Fatal(BaseException):
    """What nobody may swallow or wrap."""


@dataclass
class Runner:
    """An attempt that takes its time, comes to its result or error, and cleans up for a while."""

    seconds: float
    outcome: object = None
    tidying: float = 0.5
    log: list[str] = field(default_factory=list)

    async def __call__(self) -> object:
        self.log.append("began")
        try:
            await anyio.sleep(self.seconds)
            if isinstance(self.outcome, BaseException):
                raise self.outcome
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.sleep(self.tidying)
            self.log.append("cleaned up")
            raise
        self.log.append("done")
        return self.outcome


async def nothing_lost(result: object) -> None:
    raise AssertionError(f"{result!r} was let go of")


CASES = [
    # first, second, the result, when it is there, what became of each
    (Runner(0.5, "a"), Runner(0, "b"), "a", 0.5, ["began", "done"], []),
    (Runner(0.5, None), Runner(0, "b"), None, 0.5, ["began", "done"], []),
    (Runner(0, "a"), Runner(0, "b"), "a", 0.0, ["began", "done"], []),
    (Runner(9, "a"), Runner(1, "b"), "b", 2.5, ["began", "cleaned up"], ["began", "done"]),
    (Runner(2, "a"), Runner(9, "b"), "a", 2.5, ["began", "done"], ["began", "cleaned up"]),
    (Runner(3, "a"), Runner(1, None), "a", 3.0, ["began", "done"], ["began", "done"]),
    (Runner(2, None), Runner(3, "b"), "b", 4.0, ["began", "done"], ["began", "done"]),
    (Runner(2, None), Runner(3, None), None, 4.0, ["began", "done"], ["began", "done"]),
]


@pytest.mark.parametrize("case", CASES)
async def test_the_first_result_ends_a_race_and_the_other_has_cleaned_up_by_then(case):
    first, second, result, seconds, of_first, of_second = case
    first, second = (Runner(each.seconds, each.outcome) for each in (first, second))

    assert result == await race(first, second, 1.0, nothing_lost)
    assert anyio.current_time() == pytest.approx(seconds)
    assert (first.log, second.log) == (of_first, of_second)


@pytest.mark.parametrize("error", [ServiceFailed("as told"), TypeError("a bug"), Fatal(), SystemExit(3)])
@pytest.mark.parametrize("loser", ["first", "second"])
async def test_what_an_attempt_raises_comes_out_as_itself_and_cancels_the_other(error, loser):
    raises, waits = Runner(2, error), Runner(9, "never")
    first, second = (raises, waits) if loser == "first" else (waits, raises)
    with pytest.raises(type(error)) as caught:
        await race(first, second, 1.0, nothing_lost)

    assert caught.value is error
    assert waits.log == ["began", "cleaned up"]
    assert anyio.current_time() == pytest.approx(2.5 if loser == "first" else 3.5)


async def test_an_error_before_the_delay_ends_it_without_the_second():
    second = Runner(0, "b")
    with pytest.raises(Fatal):
        await race(Runner(0.5, Fatal()), second, 1.0, nothing_lost)

    assert second.log == []


@pytest.mark.parametrize("attempt", range(5))  # trio draws who goes first
async def test_without_a_delay_the_first_one_begins_first(attempt):
    began: list[str] = []

    async def first() -> str | None:
        began.append("first")
        await anyio.sleep(0.5)
        return None

    async def second() -> str | None:
        began.append("second")
        return "b"

    assert await race(first, second, 0.0, nothing_lost) == "b"
    assert began == ["first", "second"]


async def at_once() -> str | None:
    return "a"


async def test_a_first_one_that_never_waits_needs_no_second():
    assert await race(at_once, Runner(0, "b"), 0.0, nothing_lost) == "a"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tidying", [0.0, 0.5])
def test_a_race_cancelled_at_any_moment_loses_no_result(backend, tidying):
    """What came to a result was returned, or let go of; never both, never neither."""
    fates: Counter[str] = Counter()

    async def one(moment: float, steps: int) -> None:
        first, second = Runner(9, "a", tidying), Runner(1, "b", tidying)
        let_go: list[object] = []

        async def abandon(result: object) -> None:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.1)
                let_go.append(result)

        async def use(run: Struck) -> None:
            run.result = str(await race(first, second, 1.0, abandon))

        async def cancel(scope: anyio.CancelScope) -> None:
            scope.cancel()

        run = await struck(use, moment, steps, cancel)
        returned = [] if run.result is None else [run.result]
        assert returned + let_go == (["b"] if "done" in second.log else [])
        for runner in (first, second):
            assert runner.log in ([], ["began", "done"], ["began", "cleaned up"])
        assert run.seconds <= moment + tidying + 0.1 + 1e-6
        fates["returned" if returned else "let go of" if let_go else "cancelled"] += 1

    for moment in [n / 8 for n in range(24)]:
        for steps in STEPS:
            run_virtual(one, backend, moment, steps)

    assert {"returned", "cancelled", *(["let go of"] if tidying else [])} <= set(fates)


HEDGED = RetryPolicy(hedge=HedgePolicy(delay=1))
RACES: dict[str, tuple[list[Step], list[Step]]] = {
    "the hedge wins": ([Forever], [0.5, "B", 0.5, "b"]),
    "the first wins": ([1.5, "A", 0.5, "a"], [Forever]),
    "both at the same instant": ([1.5, "A", 0.5, "a"], [0.5, "B", 0.5, "b"]),
    "the hedge fails": ([2, "A", 0.5, "a"], [0.25, ServiceFailed]),
    "the first fails": ([1.25, ServiceFailed], [1, "B", 0.5, "b"]),
    "one aborts": ([1.5, ContentRefused], [1, "B", 0.5, "b"]),
}


WAYS = [
    (how, name, backend) for how in ("cancel", "close the router") for name in RACES for backend in BACKENDS
]


@pytest.mark.parametrize(
    ("how", "name", "backend"), sampled(WAYS, 0.5, "races that are left", lambda way: way[:2])
)
def test_a_request_may_be_left_at_any_moment_of_a_race(backend, name, how):
    left = 0

    async def one(moment: float, steps: int) -> None:
        nonlocal left
        first, second = RACES[name]
        adapters = [
            Kept("a", first, cleanup_seconds=0.25),
            Kept("b", second, cleanup_seconds=0.25),
        ]
        for adapter in adapters:
            adapter.concurrency = 1
        seen = Recorder()
        router = router_of(*adapters, seen=seen, retry=HEDGED, timeouts=Timeouts(total=20))

        async def use(run: Struck) -> None:
            try:
                run.result = (await router.complete(HELLO)).text
            except (RequestAborted, anyio.ClosedResourceError) as error:
                run.error = error

        async def act(scope: anyio.CancelScope) -> None:
            if how == "cancel":
                scope.cancel()
            else:
                await router.aclose()

        run = await struck(use, moment, steps, act)
        assert run.seconds <= moment + 2 * 0.25 + 1e-6
        clean(adapters)
        consistent(seen)
        all_places_free(router)
        assert run.result in (None, "Aa", "Bb")
        outcomes = Counter(attempt.outcome for attempt in seen.ledger)
        assert outcomes["committed"] <= 1
        if run.result is None and not isinstance(run.error, RequestAborted):
            left += 1
            assert seen.end.verdict in ("cancelled", "closed", "complete")
        await router.aclose()

    for moment in [0.001, 0.9, 1.0, 1.1, 1.25, 1.3, 1.5, 1.6, 1.75, 1.9, 2.0, 2.1, 2.25, 2.5, 4]:
        for steps in STEPS:
            run_virtual(one, backend, moment, steps)
    assert left > 20


@pytest.mark.parametrize("error", [ContentRefused, LocalFailure])
async def test_an_abort_of_the_first_cancels_its_back_up_and_comes_out_bare(error):
    adapters = [Kept(name, [2, error] if name == "a" else [Forever], cleanup_seconds=0.5) for name in "ab"]
    seen = Recorder()
    async with router_of(*adapters, seen=seen, retry=HEDGED) as router:
        with pytest.raises(RequestAborted) as caught:
            await router.stream(HELLO)
        clean(adapters)

    assert isinstance(caught.value.__cause__, error)
    assert seen.end.error is caught.value
    consistent(seen)
    other = next(attempt for attempt in seen.ledger if attempt.provider == "b")
    assert (other.outcome, other.error) == ("cancelled", None)


@pytest.mark.parametrize("error", [ContentRefused, LocalFailure])
async def test_an_abort_of_the_back_up_ends_no_request_whose_first_attempt_answers(error):
    adapters = [Kept("a", [5, "Hello"]), Kept("b", [0.5, error], cleanup_seconds=0.5)]
    seen = Recorder()
    async with router_of(*adapters, seen=seen, retry=HEDGED) as router:
        assert (await router.complete(HELLO)).provider == "a"
        clean(adapters)
    consistent(seen)
    assert {attempt.provider: attempt.outcome for attempt in seen.ledger} == {"a": "committed", "b": "failed"}


@pytest.mark.parametrize("error", [ContentRefused, LocalFailure])
async def test_an_abort_of_the_back_up_counts_once_the_first_attempt_failed(error):
    adapters = [Kept("a", [5, ServiceFailed]), Kept("b", [0.5, error], cleanup_seconds=0.5)]
    seen = Recorder()
    async with router_of(*adapters, seen=seen, retry=HEDGED) as router:
        with pytest.raises(RequestAborted) as caught:
            await router.stream(HELLO)
        clean(adapters)
    assert isinstance(caught.value.__cause__, error)
    consistent(seen)


async def test_a_bug_that_is_no_exception_comes_out_bare_and_leaves_nothing():
    adapters = [Kept("a", [Forever], cleanup_seconds=0.5), Kept("b", [0.5, Fatal()])]
    seen = Recorder()
    async with router_of(*adapters, seen=seen, retry=HEDGED) as router:
        with pytest.raises(Fatal):
            await router.stream(HELLO)
        clean(adapters)

    assert seen.end.verdict == "cancelled"
    consistent(seen)
    assert [started.provider for started in seen.of(AttemptStarted)] == ["a", "b"]
