"""When nobody takes over a reply that broke off; how often, how long and at what price somebody does."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import (
    BadReply,
    ContentRefused,
    Delta,
    Disposition,
    LocalFailure,
    RateLimited,
    ServiceFailed,
    Stalled,
    ToolCallFragment,
    Truncated,
)
from adapters.scripted import Forever, Script, ScriptedAdapter, Unfinished
from router import (
    Interruption,
    ReplySwitched,
    RetryBudget,
    RetryPolicy,
    StreamInterrupted,
    Timeouts,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import clean, consistent
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from router.policy.interruption import OnInterruption

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
EITHER: tuple[OnInterruption, ...] = ("restart", "continue")
TOOL = {"type": "function", "function": {"name": "look"}}


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


def two(first: Script, second: Script = "never") -> list[ScriptedAdapter]:
    return [ScriptedAdapter("first", first), ScriptedAdapter("second", second)]


# --- when nobody takes over


@pytest.mark.parametrize("error", [Unfinished, ServiceFailed, BadReply, TypeError("a bug"), Forever])
async def test_by_default_nobody_takes_over(error):
    first, second = two(["Hel", error], "never")
    async with router_of(first, second) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)
    assert second.opened == 0


@pytest.mark.parametrize("action", EITHER)
@pytest.mark.parametrize("error", [Unfinished, ServiceFailed, BadReply, TypeError("a bug"), Forever])
async def test_whatever_breaks_it_off_another_takes_over(seen, action, error):
    first, second = two(["Hel", error], "lo")
    async with router_of(first, second, seen=seen, on_interruption=action) as router:
        assert (await router.complete(HELLO)).provider == "second"
    consistent(seen)


ABORTS: list[Script] = [
    ["Hel", Delta(finish_reason="content_filter")],
    ["Hel", ContentRefused],
    ["Hel", LocalFailure],
]


@pytest.mark.parametrize("action", EITHER)
@pytest.mark.parametrize("script", ABORTS, ids=str)
async def test_what_forbids_asking_anybody_else_forbids_it_after_content_too(action, script):
    first, second = two(script, "never")
    async with router_of(first, second, on_interruption=action) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)

    assert isinstance(caught.value.__cause__, ContentRefused | LocalFailure)
    assert (second.opened, caught.value.partial) == (0, "Hel")


@pytest.mark.parametrize("script", ABORTS[:2], ids=str)
async def test_a_refusal_passed_on_by_the_user_does_not_stick_to_the_next_reply(seen, script):
    policy = RetryPolicy(dispositions={ContentRefused: Disposition.FAILOVER})
    first, second = two(script, ["fi", 0.5, "ne"])
    async with router_of(first, second, seen=seen, retry=policy, on_interruption="restart") as router:
        reply = await router.complete(HELLO)

    assert (reply.text, reply.verdict, reply.finish_reason) == ("fine", "complete", "stop")
    assert seen.end.verdict == "complete"


@pytest.mark.parametrize("action", EITHER)
@pytest.mark.parametrize("where", ["asked for", "called"])
async def test_where_tools_are_in_play_nobody_takes_over(action, where):
    call = Delta(tool_calls=(ToolCallFragment(0, name="look"),))
    first = ScriptedAdapter("first", ["Hel", *([call] if where == "called" else []), Unfinished])
    second = ScriptedAdapter("second")
    async with router_of(first, second, on_interruption=action) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO, tools=[TOOL] if where == "asked for" else None)
    assert second.opened == 0


@pytest.mark.parametrize("action", EITHER)
@pytest.mark.parametrize("error", [ServiceFailed, ContentRefused, Unfinished, RateLimited(retry_after=3)])
async def test_where_nobody_else_answers_the_reader_is_told_of_the_first_error(seen, action, error):
    first, second = two(["Hel", BadReply("broken")], [error])
    third = ScriptedAdapter("third", [BadReply])
    async with router_of(first, second, third, seen=seen, on_interruption=action) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)

    assert (caught.value.provider, caught.value.partial) == ("first", "Hel")
    assert str(caught.value.__cause__) == "broken"
    assert list(caught.value.attempts) == seen.ledger  # with those that did not take over
    assert [a.provider for a in seen.ledger] == ["first", "second", "third"][
        : 2 if error is ContentRefused else 3
    ]
    consistent(seen)
    clean([first, second, third])


# --- how often, how long, at what price


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("action", EITHER)
async def test_it_is_taken_over_so_many_times_and_no_more(seen, action, times):
    adapters = [ScriptedAdapter(name, [name * 3, Unfinished]) for name in "abcdefgh"]
    interruption = Interruption(action, times)
    async with router_of(*adapters, seen=seen, on_interruption=interruption) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)

    whole = "".join(letter * 3 for letter in "abcdefgh"[: times + 1])
    assert caught.value.partial == (whole if action == "continue" else whole[-3:])
    assert len(seen.of(ReplySwitched)) == times
    assert isinstance(caught.value.__cause__, Truncated)
    consistent(seen)
    clean(adapters)


async def test_who_broke_off_before_is_asked_last(seen):
    adapters = [ScriptedAdapter(name, [name * 3, Unfinished]) for name in "abc"]
    async with router_of(*adapters, seen=seen, on_interruption=Interruption("restart", 5)) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)

    assert [(event.switch.left, event.switch.taken_by) for event in seen.of(ReplySwitched)] == [
        *(("a", "b"), ("b", "c"), ("c", "a"), ("a", "b"), ("b", "c")),
    ]


@pytest.mark.parametrize("tokens", [0, 1])
async def test_coming_back_to_one_asked_before_is_paid_for(seen, tokens):
    """The first attempt at each provider is free; a single one that starts again is not."""
    policy = RetryPolicy(budget=RetryBudget(0, 0, tokens))
    alone = ScriptedAdapter.each("alone", [["Hel", Unfinished], "Hello"])
    async with router_of(alone, seen=seen, retry=policy, on_interruption="restart") as router:
        if tokens:
            assert (await router.complete(HELLO)).text == "Hello"
        else:
            with pytest.raises(StreamInterrupted):
                await router.complete(HELLO)

    assert alone.opened == 1 + tokens
    others = [ScriptedAdapter("first", ["Hel", Unfinished]), ScriptedAdapter("second", "Hello")]
    policy = RetryPolicy(budget=RetryBudget(0, 0, 0))
    async with router_of(*others, retry=policy, on_interruption="restart") as router:
        assert (await router.complete(HELLO)).text == "Hello"


@pytest.mark.parametrize("action", EITHER)
async def test_the_deadline_is_over_all_of_it(seen, action):
    adapters = [ScriptedAdapter(name, ["x", Forever]) for name in "abc"]
    clocks = Timeouts(stall=3, total=7, first_content=3)
    async with router_of(
        *adapters, seen=seen, timeouts=clocks, on_interruption=Interruption(action, 5)
    ) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(7)
    assert isinstance(caught.value.__cause__, Stalled)
    assert len(seen.of(ReplySwitched)) == 2
    clean(adapters)


async def test_the_stall_clock_starts_anew_for_the_new_provider():
    first, second = two(["Hel", 2.5, "l", ServiceFailed], [2, "o", 2.5])
    async with router_of(first, second, timeouts=Timeouts(stall=3), on_interruption="continue") as router:
        assert (await router.complete(HELLO)).text == "Hello"
        assert anyio.current_time() == pytest.approx(7)


async def test_a_stream_dropped_after_a_switch_warns_and_ends(seen):
    first, second = two(["Hel", Unfinished], ["lo", 1, "!"])
    async with router_of(first, second, seen=seen, on_interruption="continue") as router:
        reply = await router.stream(HELLO)
        while not reply.switches:
            await reply.receive()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del reply
            gc.collect()
            await anyio.sleep(0.1)
    assert any("of 'second'" in str(each.message) and each.category is ResourceWarning for each in caught)
    assert (seen.end.verdict, seen.end.provider) == ("closed", "second")


@pytest.mark.parametrize("wrong", ["resume", 3, {"action": "restart"}])
async def test_what_is_no_way_to_go_on_is_refused_at_the_door(wrong):
    with pytest.raises((TypeError, ValueError)):
        router_of(ScriptedAdapter(), on_interruption=wrong)


@pytest.mark.parametrize("times", [0, 6])
async def test_times_out_of_range_are_refused(times):
    with pytest.raises(ValueError, match="from 1 to 5"):
        Interruption("restart", times)
