"""Replies that drip: interrupted at the right time, for the provider's slowness and for nobody else's."""

from __future__ import annotations

import itertools

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import Adapter, Delta, Stalled, ToolCallFragment
from adapters.scripted import Forever, Script, ScriptedAdapter, Step
from router import StreamInterrupted, Timeouts
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder, router_of
from tests.router.striking import clean
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
DRIPPING = Timeouts(stall=30, drip_rate=2, drip_window=10)


def dripping(pause: float, text: str = "x", times: int = 200) -> list[Step]:
    return [step for _ in range(times) for step in (text, pause)]


async def interrupted(script: Script, clocks: Timeouts = DRIPPING) -> tuple[StreamInterrupted, float]:
    """Return the interruption of a reply, and when it came."""
    adapter = ScriptedAdapter("first", script)
    async with router_of(adapter, timeouts=clocks) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)
        clean([adapter])
    assert isinstance(caught.value.__cause__, Stalled)
    return caught.value, anyio.current_time()


async def test_off_by_default_a_character_now_and_then_is_a_reply():
    async with router_of(ScriptedAdapter("first", dripping(20, times=20))) as router:
        assert (await router.complete(HELLO)).text == "x" * 20


@pytest.mark.parametrize(
    ("script", "seconds", "came"),
    [
        (["x", Forever], 10, 1),  # a window from the first content
        (dripping(1), 10, 10),
        ([5, *dripping(1)], 15, 10),  # the first content starts it
        (["x" * 20, Forever], 10, 20),  # enough for one window
        (["x" * 19, 2, "x", Forever], 10, 20),
        (["x", 2, "x" * 19, Forever], 10, 20),
        (["x", 2, "x" * 20, Forever], 12, 21),
        ([*dripping(0.4, times=50), *dripping(1)], 23.6, 54),  # the 20th last leaves the window
    ],
)
async def test_it_is_interrupted_when_a_whole_window_was_too_slow(script, seconds, came):
    error, at = await interrupted(script)

    assert at == pytest.approx(seconds, abs=10 / 64)
    assert at >= seconds - 1e-6
    assert error.verdict == "failed"
    assert len(error.partial) == came
    assert "Timeouts.drip_rate" in str(error)


async def test_above_the_rate_nothing_happens_however_long_it_takes():
    async with router_of(ScriptedAdapter("first", dripping(0.45)), timeouts=DRIPPING) as router:
        assert len((await router.complete(HELLO)).text) == 200
        assert anyio.current_time() == pytest.approx(90)


async def test_whichever_limit_comes_first_counts_and_is_named():
    error, at = await interrupted(["x" * 21, Forever], Timeouts(stall=3, drip_rate=2, drip_window=10))
    assert at == pytest.approx(3)
    assert "Timeouts.stall" in str(error)


async def test_the_deadline_comes_first_where_it_does():
    error, at = await interrupted(dripping(1), Timeouts(total=8, drip_rate=2, drip_window=10))
    assert at == pytest.approx(8)
    assert "Timeouts.total" in str(error)


@pytest.mark.parametrize(
    "delta",
    [Delta(reasoning="x" * 20), Delta(tool_calls=(ToolCallFragment(0, name="look", arguments="x" * 20),))],
)
async def test_reasoning_and_tool_calls_are_content_like_text(delta):
    script: list[Step] = [step for _ in range(9) for step in (delta, 9.0)]
    async with router_of(ScriptedAdapter("first", script), timeouts=DRIPPING) as router:
        reply = await router.complete(HELLO)

    assert reply.finish_reason == "stop"


async def test_what_is_no_content_is_none():
    script: list[Step] = ["x" * 20, *(step for _ in range(99) for step in (Delta(model="big"), 0.5))]
    _, at = await interrupted(script)

    assert at == pytest.approx(10, abs=10 / 64)


TOO_SLOW = 1.03  # seconds; with 1.0 a content and the end of the window would fall on one instant
PAUSES = [0.25, 0.45, TOO_SLOW]


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=how_many(25))
@given(
    pauses=st.lists(st.floats(0, 100), min_size=30, max_size=30),
    pause=st.sampled_from([0.25, 0.45, TOO_SLOW]),
)
def test_a_slow_reader_is_not_blamed(backend, pauses, pause):
    """It gets from each provider what a quick reader gets: at the rate all of it, else as much."""

    async def read(pauses: list[float]) -> tuple[str, bool]:
        came = ""
        clocks = Timeouts(total=1e6, drip_rate=2, drip_window=10)
        async with (
            router_of(ScriptedAdapter("first", dripping(pause, times=30)), timeouts=clocks) as router,
            await router.stream(HELLO) as reply,
        ):
            for wait in itertools.chain(pauses, itertools.repeat(0.0)):
                try:
                    came += str(await reply.receive())
                except (anyio.EndOfStream, StreamInterrupted) as end:
                    return came, isinstance(end, StreamInterrupted)
                await anyio.sleep(wait)
        raise AssertionError

    came, broke_off = run_virtual(read, backend, pauses)
    assert broke_off is (pause == TOO_SLOW)
    assert came == "x" * (30 if not broke_off else len(came))
    assert (came, broke_off) == run_virtual(read, backend, [])


class InBatches(Adapter):
    """Reads several deltas at once, as from a network, now and then."""

    name = "batches"

    def __init__(self, size: int, pause: float) -> None:
        self.size, self.pause = size, pause

    async def stream(self, request):
        for _ in range(12):
            for delta in request.conditions.flow.hand_over([Delta("x")] * self.size):
                yield delta
            await anyio.sleep(self.pause)
        yield Delta(finish_reason="stop")


async def test_deltas_at_hand_count():
    async with router_of(InBatches(20, 9), timeouts=DRIPPING) as router:
        assert len((await router.complete(HELLO)).text) == 12 * 20

    async with router_of(InBatches(8, 9), timeouts=DRIPPING) as router:
        with pytest.raises(StreamInterrupted) as caught:
            await router.complete(HELLO)
    assert len(caught.value.partial) == 16


@pytest.mark.parametrize("action", ["restart", "continue"])
async def test_another_provider_takes_over_from_one_that_drips_and_has_a_window_of_its_own(action):
    seen = Recorder()
    first, second = ScriptedAdapter("first", dripping(1)), ScriptedAdapter("second", [8, "y", 8, "y" * 20])
    async with router_of(first, second, seen=seen, timeouts=DRIPPING, on_interruption=action) as router:
        reply = await router.complete(HELLO)
        assert anyio.current_time() == pytest.approx(26, abs=10 / 64)

    assert reply.text == ("" if action == "restart" else "x" * 10) + "y" * 21
    assert seen.end.verdict == "complete"
    clean([first, second])
