"""Another provider takes over a reply that broke off: announced, once, within the deadline, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters import (
    Capabilities,
    ConnectionLost,
    Delta,
    ServiceFailed,
    Switch,
    Usage,
)
from adapters.scripted import Script, ScriptedAdapter, Unfinished
from router import (
    ReplySwitched,
    StreamInterrupted,
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


# --- what is delivered


async def test_a_restart_is_announced_and_answers_anew(seen):
    first, second = two(["Hel", ConnectionLost("cut")], ["Hel", "lo"])
    async with router_of(first, second, seen=seen, on_interruption="restart") as router:
        reply = await router.stream(HELLO)
        deltas = [delta async for delta in reply]

    switch = Switch("restart", "first", "second", 3)
    assert deltas == [
        *(Delta("Hel"), Delta(switch=switch)),
        *(Delta("Hel"), Delta("lo"), Delta(finish_reason="stop")),
    ]
    assert (reply.provider, reply.switches, reply.verdict) == ("second", (switch,), "complete")
    assert second.requests[0].messages == first.requests[0].messages
    (told,) = seen.of(ReplySwitched)
    assert (told.switch, type(told.error)) == (switch, ConnectionLost)
    assert [a.provider for a in reply.attempts] == ["first", "second"]
    assert [a.outcome for a in reply.attempts] == ["committed", "committed"]
    assert (seen.end.provider, seen.end.verdict, seen.end.error) == ("second", "complete", None)
    consistent(seen)
    clean([first, second])


async def test_a_continuation_goes_on_from_what_came_and_repeats_nothing(seen):
    first = ScriptedAdapter("first", ["The answer ", "is ", Unfinished])
    second = ScriptedAdapter("second", ["The ans", "wer is forty", "-two."])
    async with router_of(first, second, seen=seen, on_interruption="continue") as router:
        reply = await router.stream(HELLO)
        texts = [str(delta) async for delta in reply]

    assert texts == ["The answer ", "is ", "", "", "forty", "-two.", ""]
    assert reply.switches == (Switch("continue", "first", "second", 14),)
    hello, shown, ask = second.requests[0].messages
    assert (hello, shown.role, shown.text) == (first.requests[0].messages[0], "assistant", "The answer is ")
    assert ask.role == "user"
    consistent(seen)
    clean([first, second])


@pytest.mark.parametrize(("action", "text"), [("restart", "lo there"), ("continue", "Hello there")])
async def test_text_and_collect_give_what_holds(action, text):
    first: Script = [
        Delta(reasoning="hm "),
        Delta("Hel", usage=Usage(total_tokens=9), model="big"),
        Unfinished,
    ]
    second: Script = [Delta(reasoning="ah "), "lo ", "there"]
    async with router_of(*two(first, second), on_interruption=action) as router:
        reply = await router.complete(HELLO)
    async with router_of(*two(first, second), on_interruption=action) as router:
        stream = await router.stream(HELLO)
        assert await stream.receive() == Delta(reasoning="hm ")
        assert await stream.read_text() == text

    assert (reply.text, reply.provider, reply.verdict) == (text, "second", "complete")
    assert reply.reasoning == "ah "  # what two providers thought is never joined
    assert (reply.usage, reply.model) == (None, None)  # those of the first one are not its own
    assert [switch.kind for switch in reply.switches] == [action]
    assert stream.switches == reply.switches


@pytest.mark.parametrize("action", EITHER)
async def test_a_second_reply_that_breaks_off_keeps_all_that_came(seen, action):
    """What the seam still held is delivered before the reader is told."""
    first = ScriptedAdapter("first", ["Hello wor", Unfinished])
    second = ScriptedAdapter("second", ["lo", 1, ServiceFailed])
    async with router_of(first, second, seen=seen, on_interruption=action) as router:
        reply = await router.stream(HELLO)
        came = "".join([str(await reply.receive()) for _ in range(3 if action == "restart" else 4)])
        with pytest.raises(StreamInterrupted) as caught:
            await reply.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await reply.receive()

    partial = "lo" if action == "restart" else "Hello worlo"
    assert (caught.value.partial, caught.value.verdict) == (partial, "failed")
    assert caught.value.provider == "second"
    assert came == "Hello worlo"
    assert isinstance(caught.value.__cause__, ServiceFailed)
    assert seen.end.characters == len(partial)
    consistent(seen)
    clean([first, second])


async def test_leaving_with_text_held_at_the_seam_is_a_clean_end(seen):
    first, second = two(["Hello wor", Unfinished], ["lo", Unfinished])
    async with router_of(first, second, seen=seen, on_interruption="continue") as router:
        reply = await router.stream(HELLO)
        assert "".join([str(await reply.receive()) for _ in range(4)]) == "Hello worlo"
        await reply.aclose()
    assert reply.verdict == "closed"
    consistent(seen)
    clean([first, second])


async def test_a_final_text_of_a_part_is_not_that_of_the_whole():
    last = Delta(finish_reason="stop", final_text="forty-two!")
    scripts: list[Script] = [["The answer is ", Unfinished], ["forty-two", last]]
    for action, final in (("restart", "forty-two!"), ("continue", None)):
        adapters = [ScriptedAdapter(name, script) for name, script in zip("ab", scripts, strict=True)]
        async with router_of(*adapters, on_interruption=action) as router:
            assert (await router.complete(HELLO)).final_text == final


async def test_reasoning_alone_leaves_nothing_to_go_on_from():
    first, second = two([Delta(reasoning="hm"), Unfinished], "Hello")
    async with router_of(first, second, on_interruption="continue") as router:
        assert (await router.complete(HELLO)).text == "Hello"

    assert second.requests[0].messages == first.requests[0].messages


async def test_who_cannot_take_earlier_turns_cannot_continue(seen):
    first, third = ScriptedAdapter("first", ["Hel", Unfinished]), ScriptedAdapter("third", "lo")
    second = ScriptedAdapter("second", "never", capabilities=Capabilities(history=False))
    async with router_of(first, second, third, seen=seen, on_interruption="continue") as router:
        assert (await router.complete(HELLO)).text == "Hello"

    assert [(a.provider, a.outcome) for a in seen.ledger] == [
        *(("first", "committed"), ("second", "skipped"), ("third", "committed")),
    ]


@pytest.mark.parametrize("action", EITHER)
async def test_where_only_reasoning_came_the_switch_says_restart(seen, action):
    """There is nothing to go on from, so the next provider answers anew; its reasoning is never joined."""
    first, second = two(
        [Delta(reasoning="first thoughts "), ConnectionLost("cut")], [Delta(reasoning="new"), "Hi"]
    )
    async with router_of(first, second, seen=seen, on_interruption=action) as router:
        reply = await (await router.stream(HELLO)).collect()

    assert (Switch("restart", "first", "second", 0),) == reply.switches
    assert ("new", "Hi") == (reply.reasoning, reply.text)
    assert second.requests[0].messages == first.requests[0].messages


async def test_where_text_is_gone_on_with_the_reasoning_is_that_of_the_last_provider(seen):
    first = ScriptedAdapter("first", [Delta(reasoning="mine "), "One ", Unfinished])
    second = ScriptedAdapter("second", [Delta(reasoning="another's"), "two"])
    async with router_of(first, second, seen=seen, on_interruption="continue") as router:
        reply = await (await router.stream(HELLO)).collect()

    assert ("continue", "One two", "another's") == (reply.switches[0].kind, reply.text, reply.reasoning)
