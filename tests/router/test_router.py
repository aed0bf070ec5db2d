"""What a request does before its commit, on virtual time: order, rounds, clocks, skips, errors, closing."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from typing import Any

import anyio
import pytest

from adapters import (
    Adapter,
    AdapterError,
    AuthenticationFailed,
    BadReply,
    Busy,
    Capabilities,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    Delta,
    Disposition,
    EmptyReply,
    FirstContentTimeout,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    ProbeResult,
    QuotaExhausted,
    RateLimited,
    ReplyTooLarge,
    ServiceFailed,
    Stalled,
    Truncated,
    Unreachable,
    Usage,
)
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from router import (
    AdapterBroke,
    AllProvidersFailed,
    AttemptStarted,
    CleanUpFailed,
    ObserverFailed,
    ProbeEnded,
    RequestAborted,
    RequestEnded,
    RequestStarted,
    RetryPolicy,
    Router,
    RouterError,
    StreamInterrupted,
    Timeouts,
    WaitStarted,
)
from router.policy.timeouts import attempt_limit
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
RETRY = [ConnectFailed, ConnectionLost, ServiceFailed, RateLimited, Busy]
FAILOVER = [
    *(Unreachable, FirstContentTimeout, Stalled, BadReply, ReplyTooLarge, EmptyReply, Truncated),
    *(InvalidRequest, ContextTooLong, NotWorking, AuthenticationFailed, QuotaExhausted, ModelNotFound),
]
ABORT = [ContentRefused, LocalFailure]
USAGE = Delta(usage=Usage(total_tokens=3))


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


def clean(*adapters: ScriptedAdapter) -> None:
    """Whatever was opened at a provider is closed and deleted."""
    for adapter in adapters:
        assert (adapter.opened, frozenset()) == (adapter.closed, adapter.leftovers), adapter.name


# --- order and rounds


async def test_the_first_one_that_works_answers_and_nobody_else_is_asked(seen):
    first, second = ScriptedAdapter("first", "Hello"), ScriptedAdapter("second", "other")
    async with router_of(first, second, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert (
        reply.text,
        reply.provider,
        reply.verdict,
        reply.finish_reason,
    ) == ("Hello", "first", "complete", "stop")
    assert (first.opened, second.opened) == (1, 0)
    assert seen.tried == ["first"]
    assert tuple(seen.ledger) == reply.attempts == seen.end.attempts
    clean(first)


async def test_one_that_fails_is_passed_over_at_once_and_the_ledger_says_so(seen):
    first, second = ScriptedAdapter("first", [0.25, ServiceFailed("it said 503")]), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        reply = await router.complete(HELLO)

    failed, committed = reply.attempts
    assert str(failed) == "first: failed after 0.25 s (ServiceFailed: it said 503)"
    assert str(committed) == "second: committed after 0.00 s"
    assert [(a.number, a.round, a.phase) for a in reply.attempts] == [(1, 1, "waiting"), (2, 1, "content")]
    assert pytest.approx(0.25) == committed.started == anyio.current_time()
    assert [f"{type(a.error).__name__}: {a.error}" for a in seen.ledger if a.error is not None] == [
        "ServiceFailed: it said 503"
    ]
    assert isinstance(failed.error, ServiceFailed)
    assert failed.error.provider == "first"


async def test_moving_on_comes_first_and_retrying_second(seen):
    """A round asks each candidate once; only then those whose error may pass come back."""
    first = ScriptedAdapter.each("first", [[ServiceFailed], ["Hello"]])
    second, third = ScriptedAdapter("second", [BadReply]), ScriptedAdapter("third", [Unreachable])
    async with router_of(first, second, third, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "first"
    assert seen.tried == ["first", "second", "third", "first"]
    assert [attempt.round for attempt in seen.ledger] == [1, 1, 1, 2]
    (wait,) = seen.of(WaitStarted)
    assert (wait.round, 0 <= wait.seconds <= 0.25) == (1, True)
    assert pytest.approx(wait.seconds) == reply.attempts[-1].started


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", RETRY)
async def test_an_error_that_may_pass_is_retried_as_often_as_the_policy_says(seen, kind, attempts):
    only = ScriptedAdapter("only", [kind])
    policy = RetryPolicy(attempts=attempts)
    async with router_of(only, seen=seen, retry=policy) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert attempts == only.opened == len(raised.value.attempts)
    assert list(range(1, attempts + 1)) == [attempt.round for attempt in seen.ledger]
    assert raised.value.retryable
    starts = [attempt.started for attempt in seen.ledger]
    for n, (before, after) in enumerate(itertools.pairwise(starts)):
        assert 0 <= after - before <= 0.25 * 2**n + 1e-9
    clean(only)


@pytest.mark.parametrize("kind", FAILOVER)
async def test_an_error_that_does_not_pass_is_never_retried(seen, kind):
    only = ScriptedAdapter("only", [kind])
    async with router_of(only, seen=seen, retry=RetryPolicy(attempts=5, stay=5)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert only.opened == 1
    assert seen.end.verdict == "failed"


@pytest.mark.parametrize("kind", ABORT)
async def test_an_error_that_forbids_going_on_ends_the_request(seen, kind):
    first, second = ScriptedAdapter("first", [kind("as told")]), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        with pytest.raises(RequestAborted) as raised:
            await router.stream(HELLO)

    assert second.opened == 0
    assert kind is type(raised.value.__cause__)
    assert "first ended the request" in str(raised.value)
    assert f"RetryPolicy(dispositions={{{kind.__name__}: Disposition.FAILOVER}})" in str(raised.value)
    assert tuple(seen.ledger) == raised.value.attempts
    assert ("refused" if kind is ContentRefused else "failed") == seen.end.verdict
    assert raised.value is seen.end.error
    clean(first)


@pytest.mark.parametrize(
    ("kind", "disposition", "tried"),
    [
        (ContentRefused, Disposition.FAILOVER, ["first", "second"]),
        (ContentRefused, Disposition.RETRY, ["first", "second"]),
        (BadReply, Disposition.RETRY, ["first", "first"]),
        (ServiceFailed, Disposition.FAILOVER, ["first", "second"]),
    ],
)
async def test_the_user_may_change_what_follows_from_an_error(seen, kind, disposition, tried):
    first = ScriptedAdapter.each("first", [[kind], ["Hello"]])
    second = ScriptedAdapter("second", "Hello" if "second" in tried else [Unreachable])
    async with router_of(
        first, second, seen=seen, retry=RetryPolicy(dispositions={kind: disposition})
    ) as router:
        await router.complete(HELLO)

    assert tried == [name for name in seen.tried if name != "second" or "second" in tried]


async def test_an_error_made_into_an_abort_ends_the_request(seen):
    first, second = ScriptedAdapter("first", [ServiceFailed]), ScriptedAdapter("second")
    policy = RetryPolicy(dispositions={ServiceFailed: Disposition.ABORT})
    async with router_of(first, second, seen=seen, retry=policy) as router:
        with pytest.raises(RequestAborted):
            await router.stream(HELLO)

    assert seen.tried == ["first"]


async def test_staying_tries_the_same_one_in_a_row_in_the_first_round_and_counts(seen):
    first, second = ScriptedAdapter("first", [ServiceFailed]), ScriptedAdapter("second", [ConnectFailed])
    async with router_of(first, second, seen=seen, retry=RetryPolicy(attempts=3, stay=2)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert seen.tried[:4] == ["first", "first", "second", "second"]
    assert Counter(seen.tried) == {"first": 3, "second": 3}
    assert [attempt.round for attempt in seen.ledger[:4]] == [1, 1, 1, 1]
    assert min(attempt.round for attempt in seen.ledger[4:]) == 2
    assert [a for a in seen.ledger if a.outcome == "skipped"] == []


@pytest.mark.parametrize("seed", range(20))
async def test_staying_waits_out_a_retry_after_and_is_not_held_back_by_it(seen, seed):
    wait = random.Random(seed).uniform(0.1, 9)
    first = ScriptedAdapter.each("first", [[seed / 7, RateLimited(retry_after=wait)], ["Hello"]])
    second = ScriptedAdapter("second", "other")
    async with router_of(first, second, seen=seen, retry=RetryPolicy(stay=2)) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "first"
    assert [attempt.outcome for attempt in seen.ledger] == ["failed", "committed"]
    assert pytest.approx(wait + seed / 7) == reply.attempts[1].started


# --- Retry-After


async def test_earliest_times_are_kept_per_provider(seen):
    """A round starts at the earliest of them, and contains those whose time has come."""
    first = ScriptedAdapter("first", [RateLimited(retry_after=2)])
    second = ScriptedAdapter("second", [ServiceFailed(retry_after=5)])
    async with router_of(first, second, seen=seen) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert [(a.provider, a.round, round(a.started, 6)) for a in seen.ledger] == [
        ("first", 1, 0),
        ("second", 1, 0),
        ("first", 2, 2),
        ("second", 3, 5),
    ]


@pytest.mark.parametrize("seed", range(20))
async def test_a_retry_after_within_patience_is_waited_for_and_never_undercut(seen, seed):
    wait = random.Random(seed).uniform(0, 10)
    only = ScriptedAdapter.each("only", [[seed / 3, RateLimited(retry_after=wait)], ["Hello"]])
    async with router_of(only, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert [attempt.outcome for attempt in seen.ledger] == ["failed", "committed"]
    assert [attempt.round for attempt in seen.ledger] == [1, 2]
    assert reply.attempts[1].started >= seed / 3 + wait - 1e-6
    assert len(seen.of(WaitStarted)) == 1


async def test_a_retry_after_is_remembered_for_other_requests_and_for_its_provider_only(seen):
    first = ScriptedAdapter.each("first", [[RateLimited(retry_after=30)], ["Hello"]])
    second = ScriptedAdapter("second", "other")
    async with router_of(first, second, seen=seen) as router:
        assert (await router.complete(HELLO)).provider == "second"
        await anyio.sleep(29)
        reply = await router.complete(HELLO)

        assert reply.provider == "second"
        assert [a.reason for a in reply.attempts] == ["held back for 1.0 s more (RateLimited)", ""]
        await anyio.sleep(1)
        assert (await router.complete(HELLO)).provider == "first"
    assert first.opened == 2


async def test_a_retry_after_beyond_patience_takes_the_provider_out_at_once(seen):
    only = ScriptedAdapter("only", [RateLimited(retry_after=10.1)])
    async with router_of(only, seen=seen) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert (only.opened, anyio.current_time()) == (1, 0)
    assert pytest.approx(10.1) == raised.value.retry_after
    assert str(raised.value).startswith("no provider answered; try again in 10.1 s\n")


async def test_a_retry_after_beyond_the_deadline_takes_the_provider_out_at_once(seen):
    only = ScriptedAdapter("only", [RateLimited(retry_after=5)])
    async with router_of(only, seen=seen, timeouts=Timeouts(total=5.4)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert (only.opened, anyio.current_time()) == (1, 0)


async def test_when_all_are_held_back_the_request_fails_at_once_with_the_earliest_time(seen):
    first = ScriptedAdapter("first", [RateLimited(retry_after=60)])
    second = ScriptedAdapter("second", [QuotaExhausted(retry_after=40)])
    async with router_of(first, second, seen=seen) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert (first.opened, second.opened, anyio.current_time()) == (1, 1, 0)
    assert raised.value.retryable
    assert pytest.approx(40) == raised.value.retry_after
    assert str(raised.value).splitlines()[0] == "no provider could be asked; try again in 40.0 s"


async def test_an_answer_that_began_before_a_push_back_does_not_end_it(seen):
    only = ScriptedAdapter.each("only", [[3, "slow"], [1, RateLimited(retry_after=60)], ["too soon"]])
    async with router_of(only, seen=seen) as router:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(router.complete, HELLO)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(AllProvidersFailed):
                await router.stream(HELLO)
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert only.opened == 2


# --- the clocks


async def test_the_limit_of_each_attempt_follows_the_formula(seen):
    names = ["a", "b", "c", "d"]
    silent = [ScriptedAdapter(name, [Forever]) for name in names]
    clocks = Timeouts(total=40)
    async with router_of(*silent, seen=seen, timeouts=clocks) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    remaining, expected = 40.0, []
    for left in (4, 3, 2, 1):
        expected.append(attempt_limit(clocks, remaining, left))
        remaining -= expected[-1]
    assert pytest.approx(expected) == [event.limit for event in seen.of(AttemptStarted)]
    assert pytest.approx(expected) == [attempt.seconds for attempt in seen.ledger]
    assert pytest.approx(40) == anyio.current_time()
    assert {FirstContentTimeout} == {type(cause) for cause in raised.value.causes}
    assert "no content within 25 s (nothing was heard)" in str(raised.value)
    clean(*silent)


async def test_those_who_would_not_be_asked_get_no_share_of_the_time(seen):
    silent, unable = (
        ScriptedAdapter("silent", [Forever]),
        ScriptedAdapter("unable", capabilities=Capabilities(models=frozenset())),
    )
    async with router_of(silent, unable, seen=seen, timeouts=Timeouts(total=10)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO, "big")

    assert [event.limit for event in seen.of(AttemptStarted)] == [10]


async def test_no_attempt_starts_with_less_than_half_a_second(seen):
    first = ScriptedAdapter("first", [Forever], cleanup_seconds=0.6)
    second = ScriptedAdapter("second", "Hello")
    async with router_of(first, second, seen=seen, timeouts=Timeouts(total=1, reserve=0.5)) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert second.opened == 0
    assert raised.value.attempts[1].reason == "no time left before the deadline (Timeouts.total)"
    assert raised.value.retryable
    assert str(raised.value).startswith("no provider answered before the deadline (Timeouts.total)")


async def test_only_content_ends_the_wait_for_content(seen):
    chatty = ScriptedAdapter("chatty", [step for _ in range(60) for step in (1, Delta(model="big"))])
    second = ScriptedAdapter("second")
    async with router_of(chatty, second, seen=seen, timeouts=Timeouts(first_content=10)) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "second"
    assert pytest.approx(10) == reply.attempts[0].seconds
    assert reply.attempts[0].phase == "answering"
    assert "it answered, but without content" in reply.attempts[0].reason
    clean(chatty)


class Stuck(Adapter):
    """Hangs in its clean-up, without a shield: a bug that the router must bound."""

    def __init__(self, deltas: list[Delta]) -> None:
        self.deltas = deltas
        self.ended = 0

    async def stream(self, request):
        try:
            for delta in self.deltas:
                yield delta
            await anyio.sleep_forever()
        finally:
            try:
                await anyio.sleep_forever()
            finally:
                self.ended += 1


async def test_a_clean_up_that_hangs_is_bounded_and_reported(seen):
    stuck, second = Stuck([Delta(finish_reason="stop")]), ScriptedAdapter("second")
    async with router_of(stuck, second, seen=seen, timeouts=Timeouts(close=2)) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "second"
    assert pytest.approx(2) == anyio.current_time()
    (failed,) = seen.of(CleanUpFailed)
    assert (failed.provider, isinstance(failed.error, TimeoutError)) == ("stuck", True)
    assert stuck.ended == 1


@pytest.mark.parametrize(
    ("script", "kind", "verdict"),
    [
        ([Forever], AllProvidersFailed, "failed"),
        ([5.9, ServiceFailed], AllProvidersFailed, "failed"),
        (["Hel", Forever], StreamInterrupted, "failed"),
        ([Delta(ends=True)], AllProvidersFailed, "failed"),
    ],
)
async def test_no_request_outlives_its_deadline_by_more_than_its_clean_up(seen, script, kind, verdict):
    bad = [ScriptedAdapter(name, script, cleanup_seconds=100) for name in ("a", "b")]
    async with router_of(*bad, seen=seen, timeouts=Timeouts(total=6)) as router:
        with pytest.raises(RouterError) as raised:
            await router.complete(HELLO)

        assert anyio.current_time() <= 6 + 1.25
    assert kind is type(raised.value)
    assert verdict == seen.end.verdict


# --- the repeat of a lost kept-alive connection

LOST = ConnectionLost("lost", reused=True)


async def test_a_lost_kept_alive_connection_is_repeated_at_once_on_a_fresh_one(seen):
    only = ScriptedAdapter.each("only", [[LOST], ["Hello"]])
    async with router_of(only, seen=seen, retry=RetryPolicy(attempts=1)) as router:
        reply = await router.complete(HELLO)

    assert (reply.text, anyio.current_time()) == ("Hello", 0)
    assert [request.conditions.fresh_connection for request in only.requests] == [False, True]
    assert [(a.outcome, a.repeat, a.round) for a in reply.attempts] == [
        ("failed", False, 1),
        ("committed", True, 1),
    ]
    assert seen.of(WaitStarted) == []


async def test_the_repeat_is_once_per_provider_and_outside_of_attempts_and_stay(seen):
    first, second = ScriptedAdapter("first", [LOST]), ScriptedAdapter("second", [LOST])
    async with router_of(first, second, seen=seen, retry=RetryPolicy(attempts=3, stay=2)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert Counter(seen.tried) == {"first": 4, "second": 4}
    assert Counter(a.provider for a in seen.ledger if a.repeat) == {"first": 1, "second": 1}
    assert seen.tried[:6] == ["first"] * 3 + ["second"] * 3
    assert [a.repeat for a in seen.ledger[:6]] == [False, True, False, False, True, False]


async def test_the_repeat_says_nothing_about_the_provider():
    only = ScriptedAdapter.each("only", [[LOST], ["Hello"]])
    async with router_of(only) as router:
        await router.complete(HELLO)
        (entry,) = router.health().providers

    assert (entry.state, entry.last_error) == ("healthy", None)


async def test_every_request_has_a_repeat_of_its_own():
    only = ScriptedAdapter.each("only", [[LOST], ["Hello"], [LOST], ["Hello"]])
    async with router_of(only, retry=RetryPolicy(attempts=1)) as router:
        for _ in range(2):
            assert (await router.complete(HELLO)).text == "Hello"


async def test_a_connection_lost_that_was_not_reused_is_a_failure_like_others(seen):
    only = ScriptedAdapter("only", [ConnectionLost("lost")])
    async with router_of(only, seen=seen, retry=RetryPolicy(attempts=1)) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert only.opened == 1


# --- skips


async def test_who_is_skipped_is_in_the_ledger_with_the_reason(seen):
    gone = ScriptedAdapter("gone", [NotWorking("switched off")])
    no_model = ScriptedAdapter("no_model", [ModelNotFound("no such")])
    limited = ScriptedAdapter("limited", [RateLimited(retry_after=60)])
    small = ScriptedAdapter("small", capabilities=Capabilities(context_size=3))
    good = ScriptedAdapter("good")
    async with router_of(gone, no_model, limited, small, good, seen=seen) as router:
        await router.complete(HELLO, "big")
        reply = await router.complete(HELLO, "big")

    assert [(a.provider, a.reason) for a in reply.attempts[:-1]] == [
        (
            "gone",
            "not working: switched off; asked again in 60 s, or after a successful probe (Router.check)",
        ),
        ("no_model", "said lately that it does not have the model 'big'"),
        ("limited", "held back for the model 'big' for 60.0 s more (RateLimited)"),
        ("small", "takes at most 3 characters; the messages have 5"),
    ]
    assert {("skipped", "selection", 0)} == {(a.outcome, a.phase, a.seconds) for a in reply.attempts[:-1]}
    assert [a.number for a in reply.attempts] == [1, 2, 3, 4, 5]
    assert (gone.opened, no_model.opened, limited.opened, small.opened) == (1, 1, 1, 0)


async def test_a_missing_model_is_remembered_for_that_model_only():
    first = ScriptedAdapter.each("first", [[ModelNotFound], ["Hello"]])
    second = ScriptedAdapter("second", "other")
    async with router_of(first, second) as router:
        assert (await router.complete(HELLO, "big")).provider == "second"
        assert (await router.complete(HELLO, "big")).provider == "second"
        assert (await router.complete(HELLO, "small")).provider == "first"
        await anyio.sleep(300)
        assert (await router.complete(HELLO, "big")).provider == "first"


async def test_one_that_is_not_working_is_tried_again_after_its_recheck():
    first = ScriptedAdapter.each("first", [[AuthenticationFailed], ["Hello"]])
    async with router_of(first, ScriptedAdapter("second")) as router:
        assert (await router.complete(HELLO)).provider == "second"
        await anyio.sleep(59)
        assert (await router.complete(HELLO)).provider == "second"
        await anyio.sleep(1)
        assert (await router.complete(HELLO)).provider == "first"


async def test_an_invalid_request_never_counts_against_the_provider():
    first = ScriptedAdapter.each("first", [[InvalidRequest], ["Hello"]])
    async with router_of(first, ScriptedAdapter("second")) as router:
        assert (await router.complete(HELLO)).provider == "second"
        assert (await router.complete(HELLO)).provider == "first"


async def test_options_that_a_provider_does_not_take_are_named_in_its_attempt():
    only = ScriptedAdapter("only", capabilities=Capabilities(options=frozenset({"seed"})))
    async with router_of(only) as router:
        reply = await router.complete(HELLO, seed=1, temperature=0.5)

    assert reply.attempts[0].dropped == ("temperature",)


async def test_only_those_asked_for_are_asked_in_the_order_given(seen):
    adapters = [ScriptedAdapter(name, [BadReply]) for name in ("a", "b", "c")]
    async with router_of(*adapters, seen=seen) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO, providers=["c", "a"])

    assert seen.tried == ["c", "a"]
    assert seen.of(RequestStarted)[0].providers == ("c", "a")


async def test_the_adapter_is_told_whether_others_stand_ready():
    adapters = [ScriptedAdapter(name, [BadReply]) for name in ("a", "b")]
    unable = ScriptedAdapter("c", capabilities=Capabilities(context_size=1))
    async with router_of(*adapters, unable) as router:
        with pytest.raises(AllProvidersFailed):
            await router.stream(HELLO)

    assert [adapter.requests[0].conditions.others_left for adapter in adapters] == [True, False]


# --- all fail


async def test_when_all_fail_the_error_names_every_attempt_in_a_line_of_its_own(seen):
    first = ScriptedAdapter("first", [0.5, ServiceFailed("it said 503\nover two lines")])
    second = ScriptedAdapter("second", [BadReply("a page")])
    third = ScriptedAdapter("third", capabilities=Capabilities(history=False))
    async with router_of(first, second, third, seen=seen) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream([*HELLO, *HELLO])

    lines = str(raised.value).splitlines()
    assert lines == [
        "no provider answered; the same request may succeed later",
        "  first: failed after 0.50 s (ServiceFailed: it said 503 over two lines)",
        "  second: failed after 0.00 s (BadReply: a page)",
        "  third: skipped after 0.00 s (takes no earlier turns)",
        "  first: failed after 0.50 s (ServiceFailed: it said 503 over two lines)",
    ]
    assert tuple(seen.ledger) == raised.value.attempts
    assert [ServiceFailed, BadReply, ServiceFailed] == [type(cause) for cause in raised.value.causes]
    assert ("failed", raised.value, None) == (seen.end.verdict, seen.end.error, seen.end.provider)


async def test_when_all_refuse_the_request_the_first_line_says_so():
    kinds = {"first": InvalidRequest, "second": ContextTooLong}
    async with router_of(*(ScriptedAdapter(n, [kind]) for n, kind in kinds.items())) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert not raised.value.retryable
    assert raised.value.retry_after is None
    head = "no provider takes this request; look at the messages and options"
    assert head == str(raised.value).splitlines()[0]


# --- before the first content


@pytest.mark.parametrize(
    "script",
    [
        [Unfinished],
        [Delta(), Delta(model="big"), Unfinished],
        [Delta(), USAGE, Delta(finish_reason="stop")],
        [Delta(finish_reason="length")],
        [Delta(ends=True)],
        [],
    ],
)
async def test_a_reply_without_content_is_a_failure_and_moves_on(seen, script):
    empty, second = ScriptedAdapter("empty", script), ScriptedAdapter("second")
    async with router_of(empty, second, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "second"
    assert EmptyReply is type(reply.attempts[0].error)
    clean(empty)


async def test_a_refusal_before_content_ends_the_request_as_refused(seen):
    first = ScriptedAdapter("first", [Delta(), Delta(finish_reason="content_filter")])
    async with router_of(first, ScriptedAdapter("second"), seen=seen) as router:
        with pytest.raises(RequestAborted) as raised:
            await router.stream(HELLO)

    assert isinstance(raised.value.__cause__, ContentRefused)
    assert seen.end.verdict == "refused"
    clean(first)


async def test_deltas_before_the_content_are_delivered_in_order():
    deltas = [Delta(model="big"), USAGE, Delta(), Delta("Hel"), Delta(reasoning="hm"), Delta("lo")]
    async with (
        router_of(ScriptedAdapter("first", deltas)) as router,
        await router.stream(HELLO) as reply,
    ):
        assert [*deltas, Delta(finish_reason="stop")] == [delta async for delta in reply]
        assert (reply.model, reply.usage and reply.usage.total_tokens) == ("big", 3)


async def test_64_deltas_may_come_before_the_content():
    talkative = ScriptedAdapter("talkative", [*[Delta()] * 64, "Hello"])
    async with router_of(talkative) as router, await router.stream(HELLO) as reply:
        assert len([delta async for delta in reply]) == 66


async def test_more_than_64_deltas_before_the_content_are_a_failure(seen):
    talkative, second = ScriptedAdapter("talkative", [*[Delta()] * 65, "Hello"]), ScriptedAdapter("second")
    async with router_of(talkative, second, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "second"
    assert "BadReply: more than 64 deltas came without content" in str(reply.attempts[0])
    clean(talkative)


# --- adapters with bugs


class Bug(Adapter):
    """An adapter that a beginner wrote; each kind is a mistake that happens."""

    capabilities = Capabilities(options=frozenset({"seed"}))

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def stream(self, request):
        if self.kind == "raises at once":
            raise TypeError("as told")
        if self.kind == "returns a coroutine":
            return self._coroutine()
        if self.kind == "returns None":
            return None
        if self.kind == "returns a list":
            return [Delta("Hello")]
        return self._generator()

    async def _coroutine(self) -> Delta:
        return Delta("Hello")

    async def _generator(self) -> Any:
        if self.kind == "yields text":
            yield "Hello"
        if self.kind == "yields None":
            yield None
        if self.kind == "raises a group":
            raise ExceptionGroup("as told", [ServiceFailed("a"), ValueError("b")])
        if self.kind == "raises a TypeError":
            raise TypeError("as told")
        if self.kind == "raises a TimeoutError":
            raise TimeoutError
        if self.kind == "raises StopAsyncIteration":
            raise StopAsyncIteration
        yield Delta("Hello")
        yield Delta(ends=True)

    def model_for(self, request):
        if self.kind == "cannot choose a model":
            raise KeyError("as told")
        return

    def mark(self, outcome):
        if self.kind == "cannot be marked":
            raise ValueError("as told")


BUGS = [
    "raises at once",
    "returns a coroutine",
    "returns None",
    "returns a list",
    "yields text",
    "yields None",
    "raises a group",
    "raises a TypeError",
    "raises a TimeoutError",
    "raises StopAsyncIteration",
]


@pytest.mark.parametrize("kind", BUGS)
async def test_a_bug_in_an_adapter_becomes_a_bad_reply_and_moves_on(seen, kind):
    async with router_of(Bug(kind), ScriptedAdapter("second"), seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "second"
    failed = reply.attempts[0]
    assert ("failed", BadReply) == (failed.outcome, type(failed.error))
    (broke,) = seen.of(AdapterBroke)
    assert failed.error is not None
    assert (broke.provider, broke.error) == ("bug", failed.error.__cause__)
    assert seen.end.verdict == "complete"
    assert seen.of(CleanUpFailed) == []


async def test_what_is_wrong_with_a_stream_that_is_no_generator_is_said(seen):
    async with router_of(Bug("returns a coroutine"), seen=seen) as router:
        with pytest.raises(AllProvidersFailed, match=r"stream\(\) returned a coroutine instead of"):
            await router.stream(HELLO)


async def test_an_adapter_that_cannot_be_marked_still_answers(seen):
    async with router_of(Bug("cannot be marked"), seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.text == "Hello"
    assert [str(broke.error) for broke in seen.of(AdapterBroke)] == ["as told"]


async def test_an_adapter_that_cannot_even_be_looked_at_is_skipped_and_told_of_once(seen):
    first, last = ScriptedAdapter("first", [BadReply]), ScriptedAdapter("last")
    async with router_of(first, Bug("cannot choose a model"), last, seen=seen) as router:
        reply = await router.complete(HELLO)

    assert reply.provider == "last"
    where = r"\w+\(\), test_router.py line \d+"
    says = rf"the adapter has a bug: it raised KeyError in {where} when it was looked at"
    assert re.fullmatch(says, reply.attempts[1].reason)
    assert [broke.provider for broke in seen.of(AdapterBroke)] == ["bug"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("before", [[], [Delta()], ["Hel"]])
async def test_what_is_no_exception_is_never_touched(seen, kind, before):
    """Not swallowed, not wrapped, not turned into failover."""
    raised = kind("as told")
    first, second = ScriptedAdapter("first", [*before, raised]), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        with pytest.raises(kind) as caught:
            await router.complete(HELLO)

    assert caught.value is raised
    assert second.opened == 0
    assert seen.end.verdict == "cancelled"
    clean(first)


async def test_an_observer_that_raises_is_told_of_once_and_breaks_nothing(seen):
    def broken(event):
        raise ValueError("as told")

    async with Router([ScriptedAdapter("first")], observers=[broken, seen]) as router:
        for _ in range(2):
            assert (await router.complete(HELLO)).text == "Hello"

    assert len(seen.of(ObserverFailed)) == 1
    assert len(seen.of(RequestEnded)) == 2


# --- many at once


async def test_a_hundred_requests_at_once_keep_their_texts_apart(seen):
    class Echo(ScriptedAdapter):
        async def stream(self, request):
            source = random.Random(request.messages[0].text)
            self.opened += 1
            try:
                for piece in request.messages[0].text.split("-"):
                    await anyio.sleep(source.random())
                    if source.random() < 0.1 and self.name == "first":
                        raise ServiceFailed("as told")
                    yield Delta(f"{self.name}:{piece} ")
                yield Delta(ends=True)
            finally:
                await anyio.lowlevel.checkpoint()
                self.closed += 1

    first, second = Echo("first"), Echo("second")
    texts: dict[int, str] = {}

    async def ask(number: int) -> None:
        prompt = f"{number}-a-b-c-{number}"
        async with await router.stream([{"role": "user", "content": prompt}]) as reply:
            try:
                text = await reply.read_text()
            except Exception as error:  # noqa: BLE001
                text = getattr(error, "partial", "lost")
            whole = "".join(f"{reply.provider}:{piece} " for piece in prompt.split("-"))
            assert whole.startswith(text)
            assert (text == whole) is (reply.verdict == "complete")
            texts[number] = text

    async with router_of(first, second, seen=seen) as router, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(ask, number)

    assert 100 == len(texts) == len(seen.of(RequestEnded))
    assert len({end.request_id for end in seen.of(RequestEnded)}) == 100
    assert {"complete", "failed"} == {end.verdict for end in seen.of(RequestEnded)}
    clean(first, second)


# --- wrong arguments


@pytest.mark.parametrize(
    ("adapters", "kind", "says"),
    [
        ([], ValueError, "a router needs at least one provider"),
        ([ScriptedAdapter], TypeError, "is not an adapter; make an object of it first"),
        (["h2o"], TypeError, "'h2o' is not an adapter"),
        ([ScriptedAdapter("a"), ScriptedAdapter("a")], ValueError, "two providers are called 'a'"),
    ],
)
async def test_wrong_providers_are_refused(adapters, kind, says):
    with pytest.raises(kind, match=says):
        Router(adapters)


async def test_an_adapter_belongs_to_one_router():
    adapter = ScriptedAdapter("first")
    router = Router([adapter])
    with pytest.raises(ValueError, match="'first' is in another router; an adapter belongs to one"):
        Router([adapter])

    await router.aclose()
    async with Router([adapter]) as other:
        assert other.providers == ("first",)


async def test_an_adapter_needs_a_name():
    nameless = ScriptedAdapter("first")
    nameless.name = ""
    with pytest.raises(ValueError, match="ScriptedAdapter has no name; give it one"):
        Router([nameless])


@pytest.mark.parametrize("settings", [{"timeouts": 30}, {"retry": 3}, {"observers": 7}])
async def test_settings_of_a_wrong_type_are_refused_when_the_router_is_made(settings):
    with pytest.raises(TypeError):
        Router([ScriptedAdapter("first")], **settings)


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "says"),
    [
        (([],), {}, ValueError, "messages is empty"),
        (("Hello",), {}, TypeError, "messages is str"),
        (([{"role": "usr", "content": "x"}],), {}, ValueError, "'usr'.*did you mean 'user'"),
        (([{"role": "user"}],), {}, ValueError, "no content"),
        ((HELLO,), {"temprature": 1}, TypeError, "'temprature'; did you mean 'temperature'"),
        ((HELLO,), {"max_tokens": -1}, TypeError, "max_tokens"),
        ((HELLO, 7), {}, TypeError, "model is 7"),
        ((HELLO,), {"providers": ["frist"]}, ValueError, "'frist'; did you mean 'first'"),
        ((HELLO,), {"providers": "first"}, TypeError, r"\['first'\]"),
        ((HELLO,), {"extra": {"frist": {}}}, ValueError, "'frist'; did you mean 'first'"),
        ((HELLO,), {"timeouts": 30}, TypeError, "Timeouts"),
    ],
)
@pytest.mark.parametrize("method", ["stream", "complete"])
async def test_wrong_arguments_are_refused_before_anybody_is_asked(
    seen, method, arguments, options, kind, says
):
    first = ScriptedAdapter("first")
    async with router_of(first, seen=seen) as router:
        with pytest.raises(kind, match=says):
            await getattr(router, method)(*arguments, **options)

    assert (first.opened, seen.events) == (0, [])


# --- opening and closing


async def test_a_router_opens_itself_on_first_use():
    router = router_of(ScriptedAdapter("first"))

    assert (await router.complete(HELLO)).text == "Hello"
    await router.aclose()


@pytest.mark.parametrize("use", ["stream", "complete", "check", "__aenter__"])
async def test_a_closed_router_says_so(use):
    router = router_of(ScriptedAdapter("first"))
    await router.aclose()
    arguments = [HELLO] if use in ("stream", "complete") else []
    with pytest.raises(anyio.ClosedResourceError, match="the router is closed; make a new one"):
        await getattr(router, use)(*arguments)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_router_belongs_to_one_event_loop(backend):
    router = router_of(ScriptedAdapter("first"))
    run_virtual(router.complete, backend, HELLO)
    with pytest.raises(RuntimeError, match="belongs to another event loop"):
        run_virtual(router.complete, backend, HELLO)


async def test_closing_twice_closes_the_adapters_once():
    first = ScriptedAdapter("first")
    async with router_of(first) as router:
        await router.aclose()

    assert first.acloses == 1


async def test_closing_the_router_ends_open_streams_and_running_attempts_and_waits(seen):
    streaming = ScriptedAdapter("streaming", ["Hel", Forever], cleanup_seconds=0.1)
    hanging = ScriptedAdapter("hanging", [Forever], cleanup_seconds=0.2)
    waiting = ScriptedAdapter("waiting", [RateLimited(retry_after=9)])
    reading = ScriptedAdapter("reading", ["Hel", Forever], cleanup_seconds=0.3)
    router = router_of(streaming, hanging, waiting, reading, seen=seen, timeouts=Timeouts(first_content=99))
    closed = []

    async def ask(name: str) -> None:
        with pytest.raises(anyio.ClosedResourceError):
            await router.complete(HELLO, providers=[name])
        closed.append(name)

    async with anyio.create_task_group() as tasks:
        stream = await router.stream(HELLO, providers=["streaming"])
        for name in ("hanging", "waiting", "reading"):
            tasks.start_soon(ask, name)
        await anyio.sleep(1)
        started = anyio.current_time()
        await router.aclose()
        assert anyio.current_time() - started <= 0.3 + 1e-6
        clean(streaming, hanging, waiting, reading)
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()

    assert {"hanging", "waiting", "reading"} == set(closed)
    assert len(seen.of(RequestEnded)) == 4
    assert stream.verdict == "closed"
    assert hanging.acloses == 1


async def test_closing_the_router_is_bounded_whatever_hangs(seen):
    class Sticky(Stuck):
        name = "sticky"

        async def aclose(self):
            await anyio.sleep_forever()

    last = ScriptedAdapter("last", [Forever], cleanup_seconds=100)
    router = router_of(Sticky([Delta("Hel")]), last, seen=seen)
    stream = await router.stream(HELLO)
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await router.complete(HELLO, providers=["last"])

        tasks.start_soon(ask)
        await anyio.sleep(1)
        await router.aclose()

        assert anyio.current_time() <= 1 + 2 * 1 + 0.25
    assert stream.verdict == "closed"
    assert last.acloses == 1


async def test_an_adapter_that_cannot_be_closed_hinders_nobody(seen):
    class Broken(ScriptedAdapter):
        async def aclose(self):
            raise ValueError("as told")

    last = ScriptedAdapter("last")
    async with router_of(Broken("broken"), last, seen=seen):
        pass

    assert last.acloses == 1
    (failed,) = seen.of(CleanUpFailed)
    assert (failed.provider, str(failed.error)) == ("broken", "as told")


async def test_closing_a_router_touches_no_stream_of_another():
    one, other = (
        router_of(ScriptedAdapter("a", ["Hel", 1, "lo"])),
        router_of(ScriptedAdapter("b", ["Hel", 1, "lo"])),
    )
    async with await one.stream(HELLO) as mine, await other.stream(HELLO) as theirs:
        await one.aclose()

        assert await theirs.read_text() == "Hello"
        with pytest.raises(anyio.ClosedResourceError):
            await mine.receive()
    await other.aclose()


async def test_a_reply_that_commits_in_the_instant_of_the_closing_is_closed_too(seen):
    class Late(Adapter):
        """Answers after its cancellation, as one may that has its content at hand."""

        ended = 0

        async def stream(self, request):
            with anyio.CancelScope(shield=True):
                tasks.start_soon(router.aclose)
                await anyio.wait_all_tasks_blocked()
            try:
                yield Delta("Hel")
            finally:
                self.ended += 1

    late = Late()
    router = router_of(late, seen=seen)
    async with anyio.create_task_group() as tasks:
        with pytest.raises(anyio.ClosedResourceError):
            await router.stream(HELLO)

    assert ("committed", "closed") == (seen.ledger[0].outcome, seen.end.verdict)
    assert late.ended == 1


# --- health


async def test_the_health_report_is_built_from_memory():
    first, second = ScriptedAdapter("first", [NotWorking("gone")]), ScriptedAdapter("second")
    async with router_of(first, second) as router:
        before = router.health()
        assert [entry.state for entry in before.providers] == ["unknown", "unknown"]
        await router.complete(HELLO)
        report = router.health()

    assert [entry.state for entry in report.providers] == ["unhealthy", "healthy"]
    assert (report.ok, report.can_answer) == (False, True)
    assert (first.probes, second.probes) == (0, 0)


def test_the_health_needs_an_event_loop_for_its_clock():
    router = router_of(ScriptedAdapter("first"))
    with pytest.raises(RuntimeError):
        router.health()


async def test_a_check_probes_all_side_by_side_each_bounded(seen):
    slow = ScriptedAdapter("slow", probe_results=[ProbeResult(True, "late", seconds=60)])
    good = ScriptedAdapter("good", probe_results=[ProbeResult(True, "fine", seconds=1)])
    bad = ScriptedAdapter("bad", probe_results=[False])
    broken = ScriptedAdapter("broken", probe_results=[ValueError("as told")])
    async with router_of(slow, good, bad, broken, seen=seen) as router:
        report = await router.check()

    assert pytest.approx(5) == anyio.current_time()
    assert [(entry.provider, entry.state) for entry in report.providers] == [
        ("slow", "unhealthy"),
        ("good", "healthy"),
        ("bad", "unhealthy"),
        ("broken", "unknown"),
    ]
    assert report.providers[0].reason == "no answer to the probe within 5 s"
    assert {"slow", "good", "bad", "broken"} == {event.provider for event in seen.of(ProbeEnded)}
    assert all(entry.probe is not None for entry in report.providers)


async def test_a_probe_that_returns_nonsense_ends_no_check(seen):
    class Nonsense(ScriptedAdapter):
        async def probe(self, level="reach"):
            return "fine"

    async with router_of(Nonsense("nonsense"), ScriptedAdapter("good"), seen=seen) as router:
        report = await router.check()

    assert [entry.state for entry in report.providers] == ["unknown", "healthy"]


async def test_the_same_seed_gives_the_same_request_ids_and_pauses():
    async def history(seed: int) -> list[str]:
        seen = Recorder()
        async with router_of(ScriptedAdapter("a", [ServiceFailed]), seen=seen, seed=seed) as router:
            with pytest.raises(AllProvidersFailed):
                await router.stream(HELLO)
        return [f"{wait.request_id} {wait.seconds:.9f}" for wait in seen.of(WaitStarted)]

    assert await history(1) == await history(1)
    assert await history(1) != await history(2)


async def test_a_repr_tells_the_order_and_what_is_open():
    router = router_of(ScriptedAdapter("a", ["Hel", Forever]), ScriptedAdapter("b"))
    assert repr(router) == "<Router a > b: 0 opening, 0 streams>"
    stream = await router.stream(HELLO)
    assert repr(router) == "<Router a > b: 0 opening, 1 streams>"
    await stream.aclose()
    assert repr(router) == "<Router a > b: 0 opening, 0 streams>"
    await router.aclose()
    assert repr(router) == "<Router a > b: closed>"


async def test_errors_of_adapters_are_the_only_kind_of_cause():
    async with router_of(ScriptedAdapter("a", [ValueError("x")]), ScriptedAdapter("b", [BadReply])) as router:
        with pytest.raises(AllProvidersFailed) as raised:
            await router.stream(HELLO)

    assert all(isinstance(cause, AdapterError) for cause in raised.value.causes)
