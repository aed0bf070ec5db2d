"""A committed reply: read in any task, ended in exactly one way, on virtual time."""

from __future__ import annotations

import gc
import warnings

import anyio
import anyio.abc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import (
    Adapter,
    AdapterError,
    BadReply,
    ConnectionLost,
    ContentRefused,
    Delta,
    ServiceFailed,
    Stalled,
    ToolCallFragment,
    Truncated,
    Usage,
)
from adapters.scripted import Forever, ScriptedAdapter, Step, Unfinished
from router import (
    AdapterBroke,
    CleanUpFailed,
    ReplyStream,
    RequestEnded,
    StreamInterrupted,
    Timeouts,
    ToolCall,
)
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
LAST = Delta(finish_reason="stop")


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


def clean(*adapters: ScriptedAdapter) -> None:
    for adapter in adapters:
        assert (adapter.opened, frozenset()) == (adapter.closed, adapter.leftovers), adapter.name


# --- one verdict


@pytest.mark.parametrize("backend", BACKENDS)
@given(
    deltas=st.lists(st.builds(Delta, text=st.text(), reasoning=st.text(max_size=2)), max_size=8),
    pause=st.floats(0, 3),  # waits over deltas without content add up
)
def test_what_is_delivered_is_what_was_sent(backend, deltas, pause):
    """No loss, no repeat, no reorder, no trimming."""
    sent = [Delta("!"), *deltas]
    script: list[Step] = [step for delta in sent for step in (delta, pause)]
    adapter = ScriptedAdapter("first", script)

    async def read() -> list[Delta]:
        async with router_of(adapter) as router, await router.stream(HELLO) as reply:
            return [delta async for delta in reply]

    assert [*sent, LAST] == run_virtual(read, backend)
    clean(adapter)


async def test_a_complete_reply_ends_once_with_all_that_is_known_of_it(seen):
    usage = Usage(total_tokens=7)
    script: list[Step] = [
        1,
        Delta("Hel", model="big"),
        2,
        "lo",
        Delta(usage=usage),
        Delta(finish_reason="length"),
    ]
    async with router_of(ScriptedAdapter("first", script), seen=seen) as router:
        async with await router.stream(HELLO) as reply:
            assert "open, 0 deltas" in repr(reply)
            assert await reply.read_text() == "Hello"
            assert ("complete", "big", "length", usage) == (
                reply.verdict,
                reply.model,
                reply.finish_reason,
                reply.usage,
            )
            for _ in range(2):
                with pytest.raises(anyio.EndOfStream):
                    await reply.receive()
        end = seen.end

    assert (
        end.verdict,
        end.provider,
        end.model,
        end.first_content,
        end.seconds,
        end.deltas,
        end.characters,
        end.error,
    ) == ("complete", "first", "big", 1, 3, 4, 5, None)
    assert end.request_id == reply.request_id
    assert end.attempts == reply.attempts


async def test_collecting_gives_the_whole_reply():
    script = [
        Delta("Hi", reasoning="hm", model="big"),
        Delta(tool_calls=(ToolCallFragment(0, "call-1", "look", '{"a"'),)),
        Delta(tool_calls=(ToolCallFragment(0, arguments=":1}"),)),
        Delta(finish_reason="tool_calls", final_text="Hi!", usage=Usage(total_tokens=2)),
    ]
    async with router_of(ScriptedAdapter("first", script)) as router:
        reply = await router.complete(HELLO)

    assert (
        reply.text,
        reply.reasoning,
        reply.final_text,
        reply.provider,
        reply.model,
    ) == ("Hi", "hm", "Hi!", "first", "big")
    assert (ToolCall("call-1", "look", '{"a":1}'),) == reply.tool_calls
    assert ("complete", "tool_calls", Usage(total_tokens=2)) == (
        reply.verdict,
        reply.finish_reason,
        reply.usage,
    )


@pytest.mark.parametrize("content", [{"reasoning": "hm"}, {"tool_calls": (ToolCallFragment(0, "c"),)}])
async def test_reasoning_and_tool_calls_are_content_too(content):
    async with router_of(ScriptedAdapter("first", [Delta(**content)])) as router:
        assert (await router.complete(HELLO)).provider == "first"


async def test_an_end_without_a_reason_is_complete_where_the_adapter_proves_it():
    async with router_of(ScriptedAdapter("first", ["Hello", Delta(ends=True)])) as router:
        reply = await router.complete(HELLO)

    assert (reply.verdict, reply.finish_reason) == ("complete", None)


async def test_nothing_behind_the_proof_is_delivered():
    script: list[Step] = ["Hel", Delta("lo", finish_reason="stop"), "more", ServiceFailed]
    first = ScriptedAdapter("first", script)
    async with router_of(first) as router, await router.stream(HELLO) as reply:
        assert [str(delta) async for delta in reply] == ["Hel", "lo"]

    assert reply.verdict == "complete"
    clean(first)


@pytest.mark.parametrize(
    ("steps", "kind", "verdict"),
    [
        ([Unfinished], Truncated, "truncated"),
        ([ConnectionLost], ConnectionLost, "truncated"),
        ([ConnectionLost("x", reused=True)], ConnectionLost, "truncated"),
        ([ServiceFailed], ServiceFailed, "failed"),
        ([Forever], Stalled, "failed"),
        ([ContentRefused], ContentRefused, "refused"),
        ([Delta(finish_reason="content_filter")], ContentRefused, "refused"),
        ([ValueError("secret")], BadReply, "failed"),
        ([ExceptionGroup("g", [ServiceFailed()])], BadReply, "failed"),
    ],
)
async def test_a_reply_that_breaks_off_is_told_once_with_what_came(seen, steps, kind, verdict):
    first, second = ScriptedAdapter("first", ["Hel", "lo", *steps]), ScriptedAdapter("second")
    async with router_of(first, second, seen=seen) as router:
        reply = await router.stream(HELLO)
        with pytest.raises(StreamInterrupted) as raised:
            await reply.read_text()

        for _ in range(2):
            with pytest.raises(anyio.ClosedResourceError):
                await reply.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await reply.collect()

    error = raised.value
    assert ("first", "Hello", verdict) == (error.provider, error.partial, error.verdict)
    assert kind is type(error.__cause__)
    assert isinstance(error.__cause__, AdapterError)
    assert error.__cause__.provider == "first"
    assert error.attempts == reply.attempts == seen.end.attempts
    assert (verdict, error.__cause__) == (seen.end.verdict, seen.end.error)
    assert verdict == reply.verdict
    assert second.opened == 0, "after the first content there is one provider"
    assert "secret" not in str(error)
    clean(first)


async def test_a_refusal_with_the_first_text_is_delivered_and_then_told(seen):
    first = ScriptedAdapter("first", [Delta("Hi", finish_reason="content_filter")])
    async with router_of(first, seen=seen) as router, await router.stream(HELLO) as reply:
        assert str(await reply.receive()) == "Hi"
        with pytest.raises(StreamInterrupted, match="refused after 2 characters"):
            await reply.receive()

    assert seen.end.verdict == "refused"


class Odd(Adapter):
    """Yields what it is given, also what no adapter should."""

    def __init__(self, things: list[object], *, at_once: bool = False) -> None:
        self.things = things
        self.at_once = at_once
        self.closed = 0

    async def stream(self, request):
        try:
            if self.at_once:
                read = [thing for thing in self.things if not isinstance(thing, BaseException)]
                for delta in request.conditions.flow.hand_over([Delta("Hel"), *read]):
                    yield delta
            else:
                yield Delta("Hel")
            for thing in self.things:
                if isinstance(thing, BaseException):
                    raise thing
                if not self.at_once:
                    yield thing
        finally:
            self.closed += 1


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("thing", ["text", None, 7, b"x", ValueError("x"), StopAsyncIteration()])
async def test_a_bug_after_content_is_a_bad_reply_and_closes_the_stream(seen, thing, at_once):
    odd = Odd([thing], at_once=at_once)
    async with router_of(odd, seen=seen) as router, await router.stream(HELLO) as reply:
        with pytest.raises(StreamInterrupted) as raised:
            await reply.read_text()

    assert isinstance(raised.value.__cause__, BadReply)
    assert len(seen.of(AdapterBroke)) == 1
    assert (seen.end.verdict, odd.closed) == ("failed", 1)


@pytest.mark.parametrize(
    ("things", "cause"),
    [([], Truncated), ([ServiceFailed("x")], ServiceFailed), ([Delta("lo")], Truncated)],
)
async def test_an_adapter_that_handed_over_all_it_had_is_judged_like_any_other(seen, things, cause):
    """A reply never just stops, not even where the adapter handed all its deltas over at once."""
    odd = Odd(things, at_once=True)
    async with router_of(odd, seen=seen) as router, await router.stream(HELLO) as reply:
        with pytest.raises(StreamInterrupted) as raised:
            await reply.read_text()

    assert cause is type(raised.value.__cause__)
    assert (len(seen.of(RequestEnded)), odd.closed) == (1, 1)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_what_is_no_exception_passes_through_and_closes_the_stream(seen, kind, at_once):
    odd = Odd([kind("as told")], at_once=at_once)
    async with router_of(odd, seen=seen) as router, await router.stream(HELLO) as reply:
        with pytest.raises(kind, match="as told"):
            await reply.read_text()

        assert (seen.end.verdict, odd.closed) == ("cancelled", 1)
        with pytest.raises(anyio.ClosedResourceError):
            await reply.receive()


# --- content is the clock


async def test_the_stall_clock_runs_from_content_to_content(seen):
    script: list[Step] = ["a", 29, "b", 29, Delta(reasoning="c"), 29, "d"]
    async with router_of(ScriptedAdapter("first", script), seen=seen) as router:
        assert (await router.complete(HELLO)).text == "abd"


async def test_deltas_without_content_do_not_stop_the_stall_clock(seen):
    endless: list[Step] = [step for _ in range(100) for step in (1, Delta(model="big"))]
    first = ScriptedAdapter("first", ["Hi", *endless, "there"])
    async with router_of(first, seen=seen) as router, await router.stream(HELLO) as reply:
        with pytest.raises(StreamInterrupted, match=r"no content for 30 s \(Timeouts.stall\)") as raised:
            await reply.read_text()

    assert isinstance(raised.value.__cause__, Stalled)
    assert pytest.approx(30) == anyio.current_time()
    clean(first)


@pytest.mark.parametrize("script", [["a", 1, "b", 1, "c"], ["a", 20, "b", 20, "c"]])
async def test_a_slow_reader_is_no_stall_of_the_provider(script):
    """A healthy provider within its limits is never failed, however long the reader pauses."""
    async with (
        router_of(ScriptedAdapter("first", script)) as router,
        await router.stream(HELLO) as reply,
    ):
        text = ""
        async for delta in reply:
            text += str(delta)
            await anyio.sleep(50)

    assert (text, reply.verdict) == ("abc", "complete")


async def test_waits_add_up_over_deltas_without_content_whatever_the_reader_does_between():
    script: list[Step] = ["a", 20, Delta(), 20, "b"]
    async with (
        router_of(ScriptedAdapter("first", script)) as router,
        await router.stream(HELLO) as reply,
    ):
        await reply.receive()
        await reply.receive()
        await anyio.sleep(5)
        with pytest.raises(StreamInterrupted):
            await reply.receive()

    assert pytest.approx(35) == anyio.current_time()


async def test_the_deadline_covers_the_reply_to_its_end(seen):
    drip = ScriptedAdapter("drip", [step for _ in range(100) for step in ("x", 1)], cleanup_seconds=0.5)
    clocks = Timeouts(total=9.5)
    async with router_of(drip, seen=seen, timeouts=clocks) as router, await router.stream(HELLO) as reply:
        with pytest.raises(
            StreamInterrupted, match=r"not complete after 9\.5 s \(Timeouts.total\)"
        ) as raised:
            await reply.read_text()

    assert raised.value.partial == "x" * 10
    assert pytest.approx(10) == anyio.current_time()
    clean(drip)


async def test_draining_behind_the_proof_ends_by_the_deadline(seen):
    first = ScriptedAdapter("first", ["Hi", 9.4, LAST, Forever], cleanup_seconds=100)
    clocks = Timeouts(total=9.5)
    async with router_of(first, seen=seen, timeouts=clocks) as router:
        assert (await router.complete(HELLO)).text == "Hi"

        assert anyio.current_time() <= 9.5 + 1.25


async def test_what_is_raised_behind_the_proof_is_told_and_changes_nothing(seen):
    script: list[Step] = ["Hello", Delta(ends=True, final_text="Hello!"), ServiceFailed]
    first = ScriptedAdapter("first", script)
    async with router_of(first, seen=seen) as router, await router.stream(HELLO) as reply:
        assert await reply.read_text() == "Hello"
        assert (reply.verdict, reply.final_text) == ("complete", "Hello!")

    assert [ServiceFailed] == [type(failed.error) for failed in seen.of(CleanUpFailed)]
    assert seen.end.error is None
    clean(first)


async def test_a_generator_that_goes_on_behind_the_proof_has_a_moment_for_it():
    first = ScriptedAdapter("first", ["Hi", LAST, 0.5])
    async with router_of(first) as router:
        await router.complete(HELLO)

    assert pytest.approx(0.5) == anyio.current_time()
    clean(first)


# --- three tasks, two readers


async def test_a_reply_is_an_object_receive_stream():
    async with router_of(ScriptedAdapter("first")) as router, await router.stream(HELLO) as reply:
        assert isinstance(reply, anyio.abc.ObjectReceiveStream)


async def test_a_reply_may_be_opened_read_and_closed_in_three_tasks(seen):
    first = ScriptedAdapter("first", ["a", 1, "b", 1, "c", 1, "d"])
    got: list[str] = []
    async with router_of(first, seen=seen) as router:
        opened: list[ReplyStream] = []

        async def open_it() -> None:
            opened.append(await router.stream(HELLO))

        async def read_two() -> None:
            got.extend([str(await opened[0].receive()), str(await opened[0].receive())])

        async def close_it() -> None:
            await opened[0].aclose()

        for job in (open_it, read_two, read_two, close_it):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(job)

    assert got == ["a", "b", "c", "d"]
    assert seen.end.verdict == "closed"
    clean(first)


async def test_a_second_reader_at_the_same_time_is_refused_and_the_first_goes_on():
    async with router_of(ScriptedAdapter("first", ["a", 1, "b"])) as router:
        reply = await router.stream(HELLO)
        await reply.receive()
        got: list[str] = []

        async def read() -> None:
            got.append(await reply.read_text())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(anyio.BusyResourceError):
                await reply.receive()

    assert got == ["ab"]


@pytest.mark.parametrize("script", [["a", Forever], ["a", 100, Delta(), Forever]])
async def test_closing_in_another_task_ends_the_reader_and_waits_for_the_clean_up(seen, script):
    first = ScriptedAdapter("first", script, cleanup_seconds=0.7)
    ended: list[type[Exception]] = []
    async with router_of(first, seen=seen, timeouts=Timeouts(stall=500)) as router:
        reply = await router.stream(HELLO)

        async def read() -> None:
            try:
                await reply.read_text()
            except Exception as error:  # noqa: BLE001
                ended.append(type(error))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.sleep(5)
            await reply.aclose()
            assert pytest.approx(5.7) == anyio.current_time()
            clean(first)

    assert [anyio.ClosedResourceError] == ended
    assert (seen.end.verdict, seen.end.error) == ("closed", None)


async def test_closing_waits_for_a_clean_up_that_another_task_has_begun(seen):
    first = ScriptedAdapter("first", ["a", Delta(), Forever], cleanup_seconds=0.7)
    async with router_of(first, seen=seen) as router:
        reply = await router.stream(HELLO)
        await reply.receive()
        await reply.receive()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reply.aclose)
            await anyio.wait_all_tasks_blocked()
            await reply.aclose()
            clean(first)

    assert pytest.approx(0.7) == anyio.current_time()
    assert seen.end.verdict == "closed"


async def test_closing_is_bounded_though_the_reader_hangs_in_its_clean_up(seen):
    first = ScriptedAdapter("first", ["a", Forever], cleanup_seconds=100, cleanup_timeout=50)
    async with router_of(first, seen=seen) as router:
        reply = await router.stream(HELLO)

        async def read() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await reply.read_text()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.sleep(5)
            await reply.aclose()
            assert pytest.approx(6) == anyio.current_time()


@pytest.mark.parametrize("script", [["a", Forever], ["a", "b"], "a"])
async def test_closing_is_idempotent_and_may_come_before_any_reading(seen, script):
    first = ScriptedAdapter("first", script)
    async with router_of(first, seen=seen) as router:
        reply = await router.stream(HELLO)
        for _ in range(3):
            await reply.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await reply.receive()

    assert (reply.verdict, seen.end.verdict) == ("closed", "closed")
    clean(first)


async def test_a_reply_whose_proof_was_read_is_complete_however_it_is_left(seen):
    async with (
        router_of(ScriptedAdapter("first"), seen=seen) as router,
        await router.stream(HELLO) as reply,
    ):
        assert [Delta("Hello"), LAST] == [await reply.receive(), await reply.receive()]

    assert (reply.verdict, seen.end.verdict) == ("complete", "complete")


async def test_a_clean_up_that_fails_changes_nothing_and_is_told(seen):
    class Untidy(Adapter):
        async def stream(self, request):
            try:
                yield Delta("Hel")
                yield Delta("lo")
            finally:
                raise ValueError("as told")

    async with router_of(Untidy(), seen=seen) as router, await router.stream(HELLO) as reply:
        await reply.receive()

    assert reply.verdict == "closed"
    assert [str(failed.error) for failed in seen.of(CleanUpFailed)] == ["as told"]


# --- left early


@pytest.mark.filterwarnings("error")
async def test_leaving_the_loop_early_closes_the_reply(seen):
    first = ScriptedAdapter("first", ["a", "b", "c", Forever])
    async with router_of(first, seen=seen) as router:
        async with await router.stream(HELLO) as reply:
            async for delta in reply:
                if str(delta) == "b":
                    break
        assert (seen.end.verdict, seen.end.deltas, seen.end.characters) == ("closed", 2, 2)
    del reply, delta
    gc.collect()
    clean(first)


async def test_an_error_of_the_reader_passes_through_unwrapped(seen):
    first = ScriptedAdapter("first", ["a", "b", Forever])

    async def read() -> None:
        async with router_of(first, seen=seen) as router, await router.stream(HELLO) as reply:
            async for _ in reply:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()

    assert seen.end.verdict == "closed"
    clean(first)


async def test_a_cancelled_read_ends_the_reply(seen):
    first = ScriptedAdapter("first", ["a", Forever], cleanup_seconds=0.5)
    async with router_of(first, seen=seen) as router, await router.stream(HELLO) as reply:
        with anyio.move_on_after(2) as scope:
            await reply.read_text()

        assert scope.cancelled_caught
        assert reply.verdict == "cancelled"
        with pytest.raises(anyio.ClosedResourceError):
            await reply.receive()
    assert pytest.approx(2.5) == anyio.current_time()
    assert seen.end.verdict == "cancelled"
    clean(first)


@pytest.mark.parametrize(("read", "verdict"), [(0, "closed"), (1, "closed"), (2, "complete")])
async def test_a_reply_that_is_dropped_unclosed_warns_and_tells_its_end(seen, read, verdict):
    async with router_of(ScriptedAdapter("first"), seen=seen) as router:
        reply = await router.stream(HELLO)
        for _ in range(read):
            await reply.receive()
        request_id = reply.request_id
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del reply
            gc.collect()
            texts = [str(w.message) for w in caught if "ReplyStream" in str(w.message)]
            caught.clear()  # a warning holds its source
            gc.collect()
            await anyio.lowlevel.checkpoint()

        assert len(texts) == 1
        assert f"<ReplyStream {request_id} of 'first': open, {read} deltas>" in texts[0]
        assert "use `async with`, or call aclose()" in texts[0]
        assert (verdict, read) == (seen.end.verdict, seen.end.deltas)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reply_may_be_dropped_when_the_event_loop_is_gone(backend):
    seen = Recorder()

    async def leave() -> ReplyStream:
        return await router_of(ScriptedAdapter("first", ["a", Forever]), seen=seen).stream(HELLO)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reply = run_virtual(leave, backend)
        del reply
        gc.collect()

    assert seen.end.verdict == "closed"


async def test_a_repr_tells_the_state():
    async with router_of(ScriptedAdapter("first")) as router:
        reply = await router.stream(HELLO)
        assert f"<ReplyStream {reply.request_id} of 'first': open, 0 deltas>" == repr(reply)
        await reply.read_text()
        assert f"<ReplyStream {reply.request_id} of 'first': complete, 2 deltas>" == repr(reply)


# --- the table of states


async def test_a_reply_that_is_closed_while_it_is_read_leaves_first():
    """OPEN, READING, LEAVING, ENDED: the reader cleans up, and the closers wait for it."""
    slow = ScriptedAdapter("slow", ["Hel", Forever], cleanup_seconds=0.5)
    async with router_of(slow) as router:
        reply = await router.stream(HELLO)
        states = [reply._state.value]
        await reply.receive()

        async def read() -> None:
            with pytest.raises(anyio.ClosedResourceError, match="its reader closed it"):
                await reply.receive()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for start in (read, reply.aclose, reply.aclose):
                await anyio.wait_all_tasks_blocked()
                states.append(reply._state.value)
                with pytest.raises(anyio.BusyResourceError):
                    await reply.receive()
                if start is not read:
                    tasks.start_soon(start)
        states.append(reply._state.value)

    assert ["open", "reading", "reading", "leaving", "ended"] == states
    assert (slow.closed, reply.verdict) == (1, "closed")


async def test_a_reply_that_is_closed_at_rest_is_cleaned_up_by_who_closes_it():
    """OPEN, CLOSING, ENDED: a second closer waits, and who reads on is told."""
    slow = ScriptedAdapter("slow", ["Hel", Forever], cleanup_seconds=0.5)
    async with router_of(slow) as router:
        reply = await router.stream(HELLO)
        states = [reply._state.value]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reply.aclose)
            await anyio.wait_all_tasks_blocked()
            states.append(reply._state.value)
            with pytest.raises(
                anyio.ClosedResourceError, match=r"was closed 0\.0 s ago: its reader closed it"
            ):
                await reply.receive()
            started = anyio.current_time()
            await reply.aclose()
            assert pytest.approx(0.5) == anyio.current_time() - started
        states.append(reply._state.value)

    assert ["open", "closing", "ended"] == states
    assert (slow.closed, reply.verdict) == (1, "closed")


@pytest.mark.parametrize(
    ("script", "verdict", "says"),
    [
        (["Hel", ServiceFailed], "failed", "its provider failed"),
        (["Hel", Unfinished], "truncated", "it was truncated"),
        (["Hel", Delta(finish_reason="content_filter")], "refused", "its provider refused the rest"),
    ],
)
async def test_a_reply_that_broke_off_says_so_to_who_reads_on(script, verdict, says):
    async with router_of(ScriptedAdapter("first", script)) as router:
        reply = await router.stream(HELLO)
        with pytest.raises(StreamInterrupted):
            await reply.collect()
        await anyio.sleep(3)
        with pytest.raises(anyio.ClosedResourceError) as raised:
            await reply.receive()

    assert verdict == reply.verdict
    assert str(raised.value).startswith(f"the reply of 'first' was closed 3.0 s ago: {says}")
