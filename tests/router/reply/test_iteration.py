"""`async for` over a reply, whole batches, and adapters that limit their waits themselves."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import Adapter, Delta, OpenAICompatible, ScriptedAdapter, ServiceFailed, Stalled
from router import Router, StreamInterrupted, Timeouts
from tests.adapters.http.transport.peer import Peer, Talk
from tests.promptly import promptly

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters import ChatRequest

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TEXT = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'


class AtOnce(Adapter):
    """Hands all its deltas over at once, and counts how often it is stepped."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.steps = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        for delta in request.conditions.flow.hand_over([Delta(text) for text in self.texts]):
            self.steps += 1
            yield delta
        yield Delta(finish_reason="stop")


async def test_what_is_handed_over_costs_no_step_of_the_adapter() -> None:
    adapter = AtOnce(*"abcdef")
    async with Router([adapter]) as router, router.stream(HELLO) as reply:
        assert [delta.text async for delta in reply] == [*"abcdef", ""]

    assert adapter.steps == 1


async def test_a_plain_for_says_what_to_write() -> None:
    async with (
        Router([ScriptedAdapter("one", ["a"])], observers=[]) as router,
        router.stream([{"role": "user", "content": "Hi"}]) as reply,
    ):
        with pytest.raises(TypeError, match="write `async for delta in reply:`"):
            list(reply)  # type: ignore[call-overload] # which is what is tried


async def test_a_loop_that_was_left_is_gone_on_with() -> None:
    async with Router([AtOnce(*"abcd")]) as router, router.stream(HELLO) as reply:
        seen: list[str] = []
        for _ in range(3):
            async for delta in reply:
                seen.append(delta.text)
                break
        assert reply.text_so_far == "abc"
        seen += [delta.text async for delta in reply]

    assert seen == ["a", "b", "c", "d", ""]
    assert reply.verdict == "complete"


async def test_what_failed_never_looks_whole_when_it_is_iterated_again() -> None:
    adapter = ScriptedAdapter("first", ["a", ServiceFailed("no")])
    async with Router([adapter]) as router, router.stream(HELLO) as reply:
        with pytest.raises(StreamInterrupted):
            async for _ in reply:
                pass
        for _ in range(2):
            with pytest.raises(anyio.ClosedResourceError, match="StreamInterrupted told"):
                async for _ in reply:
                    pass


async def test_what_is_complete_stays_so_when_it_is_iterated_again() -> None:
    async with Router([AtOnce("a")]) as router, router.stream(HELLO) as reply:
        assert [delta.text async for delta in reply] == ["a", ""]
        assert [delta.text async for delta in reply] == []


async def test_a_loop_left_and_a_reply_read_otherwise_leave_nothing() -> None:
    async with Router([AtOnce("a", "b")]) as router:
        reply = await router.stream(HELLO)
        async for _ in reply:
            break
        assert (await reply.collect()).text == "ab"
    del reply
    gc.collect()  # a generator that was left behind is a warning on trio


async def test_closing_within_a_loop_ends_it_with_an_error() -> None:
    async def read(reply: Any) -> None:
        async for _ in reply:
            await reply.aclose()

    async with Router([AtOnce(*"abc")]) as router, router.stream(HELLO) as reply:
        with pytest.raises(anyio.ClosedResourceError):
            await read(reply)

    assert reply.verdict == "closed"


async def test_a_loop_that_closes_and_leaves_leaves_nothing() -> None:
    async with Router([AtOnce(*"abc")]) as router:
        async with router.stream(HELLO) as reply:
            async for _ in reply:
                await reply.aclose()
                break
        assert reply.verdict == "closed"
    del reply
    gc.collect()


async def test_what_is_at_hand_comes_in_one_list() -> None:
    async with Router([AtOnce(*"abc")]) as router, router.stream(HELLO) as reply:
        assert [delta.text for delta in await reply.receive_ready()] == ["a", "b", "c"]
        assert [delta.is_last for delta in await reply.receive_ready()] == [True]
        with pytest.raises(anyio.EndOfStream):
            await reply.receive_ready()


async def trickle(talk: Talk, piece: bytes) -> None:
    await talk.request()
    await talk.send(HEAD, b"%x\r\n%b\r\n" % (len(TEXT), TEXT))
    while True:
        await anyio.sleep(0.02)
        await talk.send(b"%x\r\n%b\r\n" % (len(piece), piece))


@pytest.mark.parametrize("piece", [b": ping\n\n", b'data: {"choices":[{"delta":{}}]}\n\n'])
async def test_pings_do_not_stop_the_clock_of_a_wait_within_the_adapter(piece: bytes) -> None:
    async def handler(talk: Talk) -> None:
        await trickle(talk, piece)

    async with Peer(handler) as peer:
        adapter = OpenAICompatible(f"http://127.0.0.1:{peer.port}/v1", model="m")
        async with Router([adapter], timeouts=Timeouts(stall=0.2)) as router, router.stream(HELLO) as reply:
            began = anyio.current_time()
            with promptly(2), pytest.raises(StreamInterrupted, match=r"no content for 0.2 s") as raised:
                await reply.read_text()
            took = anyio.current_time() - began

    assert reply._flow.guarded
    assert isinstance(raised.value.__cause__, Stalled)
    assert 0.15 < took


@pytest.mark.parametrize("how", ["aclose", "cancel", "router"])
async def test_a_wait_within_the_adapter_is_ended_from_another_task(how: str) -> None:
    errors: list[BaseException] = []

    async def handler(talk: Talk) -> None:
        await talk.request()
        await talk.send(HEAD, b"%x\r\n%b\r\n" % (len(TEXT), TEXT))
        await anyio.sleep_forever()

    async def read(reply: Any, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                await reply.read_text()
            except BaseException as error:
                errors.append(error)
                raise

    async def reading(reply: Any, scope: anyio.CancelScope) -> None:
        with suppress(anyio.ClosedResourceError):
            await read(reply, scope)

    async with Peer(handler) as peer:
        adapter = OpenAICompatible(f"http://127.0.0.1:{peer.port}/v1", model="m")
        router, scope = Router([adapter]), anyio.CancelScope()
        reply = await router.stream(HELLO)
        with anyio.fail_after(3):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(reading, reply, scope)
                await anyio.sleep(0.05)
                if how == "aclose":
                    await reply.aclose()
                elif how == "cancel":
                    scope.cancel()
                else:
                    await router.aclose()
        await router.aclose()

    assert reply._flow.guarded
    assert reply.verdict == ("cancelled" if how == "cancel" else "closed")
    assert isinstance(
        errors[0], anyio.get_cancelled_exc_class() if how == "cancel" else anyio.ClosedResourceError
    )
