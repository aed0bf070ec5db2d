"""The adapter that the other tests, and the tests of applications, are made with."""

import copy

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import AdapterError, ChatRequest, Delta, ProbeResult, RateLimited, ServiceFailed
from adapters.contract.request import Conditions
from adapters.scripted import Forever, Pause, ScriptedAdapter, Unfinished
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
REQUEST = ChatRequest.build([{"role": "user", "content": "Hello"}])


async def read(adapter: ScriptedAdapter, request: ChatRequest = REQUEST) -> list[Delta]:
    return [delta async for delta in adapter.stream(request)]


@pytest.mark.parametrize("backend", BACKENDS)
@given(
    script=st.lists(st.text() | st.floats(0, 1e6) | st.builds(Delta, reasoning=st.text()), max_size=8),
)
def test_any_script_of_texts_and_pauses_is_played_as_written(backend, script):
    adapter = ScriptedAdapter("first", script)

    async def play():
        deltas = await read(adapter)
        return deltas, anyio.current_time()

    deltas, seconds = run_virtual(play, backend)

    told = [Delta(text=s) if isinstance(s, str) else s for s in script if not isinstance(s, float)]
    assert [*told, Delta(finish_reason="stop")] == deltas
    assert pytest.approx(sum(s for s in script if isinstance(s, float))) == seconds
    assert (1, 1, frozenset()) == (adapter.opened, adapter.closed, adapter.leftovers)


async def test_a_bare_text_is_a_script_of_one_step():
    assert ["Hello", ""] == [str(d) for d in await read(ScriptedAdapter("first", "Hello"))]


async def test_a_delta_that_proves_the_end_is_not_followed_by_another():
    last = Delta(finish_reason="length")

    assert [Delta("Hi"), last] == await read(ScriptedAdapter("first", ["Hi", last]))


async def test_an_unfinished_script_just_stops():
    assert [Delta("Hel")] == await read(ScriptedAdapter("first", ["Hel", Unfinished, "never"]))


async def test_an_error_class_is_raised_with_the_name_of_the_provider():
    adapter = ScriptedAdapter("first", ["Hel", ServiceFailed])

    with pytest.raises(ServiceFailed, match="first was told to fail with ServiceFailed") as caught:
        await read(adapter)

    assert "first" == caught.value.provider
    assert (1, frozenset()) == (adapter.closed, adapter.leftovers)


async def test_an_error_instance_is_copied_for_each_request():
    error = RateLimited("slow down", retry_after=3.0, status=429)
    error.__cause__ = OSError("why")
    adapter = ScriptedAdapter("first", [error])
    caught = []
    for _ in range(2):
        with pytest.raises(RateLimited, match="slow down") as info:
            await read(adapter)
        caught.append(info.value)

    assert (3.0, 429, error.__cause__) == (caught[0].retry_after, caught[0].status, caught[0].__cause__)
    assert caught[0] is not caught[1]
    assert caught[0] is not error


@pytest.mark.parametrize("bug", [ZeroDivisionError, ZeroDivisionError("oops")])
async def test_any_other_exception_is_a_bug_and_raised_too(bug):
    with pytest.raises(ZeroDivisionError):
        await read(ScriptedAdapter("first", ["Hel", bug]))


async def test_scripts_are_played_one_per_request_and_the_last_one_repeats():
    adapter = ScriptedAdapter.each("first", [["one"], "two"], model="m")

    replies = ["".join(map(str, await read(adapter))) for _ in range(3)]

    assert ["one", "two", "two"] == replies
    assert ([REQUEST] * 3, "m") == (adapter.requests, adapter.model)


async def test_a_cancelled_stream_deletes_its_conversation_before_the_cancellation_leaves_it():
    adapter = ScriptedAdapter("first", ["Hel", Forever], cleanup_seconds=0.5)

    with anyio.move_on_after(2) as scope:
        await read(adapter)

    assert scope.cancelled_caught
    assert ({"first-1"}, {"first-1"}, 1) == (adapter.created, adapter.deleted, adapter.closed)
    assert 2.5 == pytest.approx(anyio.current_time())


async def test_an_early_close_deletes_its_conversation():
    adapter = ScriptedAdapter("first", ["Hel", Pause(5), "lo"])
    stream = adapter.stream(REQUEST)

    assert Delta("Hel") == await anext(stream)
    assert {"first-1"} == adapter.leftovers

    await stream.aclose()

    assert frozenset() == adapter.leftovers


async def test_a_clean_up_that_takes_too_long_is_given_up_and_told():
    told: list[AdapterError] = []
    adapter = ScriptedAdapter("first", "Hello", cleanup_seconds=60, cleanup_timeout=2)

    await read(adapter, REQUEST.under(Conditions(on_leftover=told.append)))

    assert ["the conversation first-1 was not deleted within 2 s"] == [str(error) for error in told]
    assert {"first-1"} == adapter.leftovers
    assert 2 == pytest.approx(anyio.current_time())


async def test_probes_find_what_the_script_says_and_keep_it():
    adapter = ScriptedAdapter("first", probe_results=[ProbeResult(False, "down", seconds=3), None, True])

    found = [(await adapter.probe()).working for _ in range(4)]

    assert [False, None, True, True] == found
    assert (True, 4, "as scripted") == (adapter.working, adapter.probes, adapter.working_reason)
    assert 3 == pytest.approx(anyio.current_time())


async def test_a_probe_can_be_told_to_break_its_promise():
    with pytest.raises(OSError, match="bug"):
        await ScriptedAdapter("first", probe_results=[OSError("bug")]).probe()


async def test_closing_is_counted():
    adapter = ScriptedAdapter("first")

    await adapter.aclose()
    await adapter.aclose()

    assert 2 == adapter.acloses


@pytest.mark.parametrize("step", [object(), None, True, int, b"bytes"])
def test_a_step_that_is_none_is_shown_with_its_place(step):
    with pytest.raises(TypeError, match=r"step 1 of the script is .*; allowed are text"):
        ScriptedAdapter("first", ["fine", step])


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), -0.5])
def test_a_pause_is_a_finite_time(seconds):
    with pytest.raises(ValueError, match="or use Forever"):
        ScriptedAdapter("first", [seconds])


def test_an_adapter_has_a_name_and_a_script_for_each_request():
    with pytest.raises(ValueError, match="needs a name"):
        ScriptedAdapter("")
    with pytest.raises(ValueError, match="at least one"):
        ScriptedAdapter.each("first", [])


def test_the_steps_of_a_script_can_be_copied():
    assert Pause(2) == copy.deepcopy(Pause(2))
