"""An event loop does by itself what anyio looks up anew each time."""

from __future__ import annotations

import anyio
import pytest

from router.reply.event_loop import EventLoop

pytestmark = pytest.mark.anyio


async def test_a_checkpoint_ends_who_was_cancelled_meanwhile():
    loop = EventLoop()
    with anyio.CancelScope() as outer, anyio.CancelScope():
        await loop.checkpoint_if_cancelled()
        outer.cancel()
        await loop.checkpoint_if_cancelled()
        pytest.fail("it went on")
    assert outer.cancelled_caught


async def test_a_checkpoint_spares_who_is_shielded():
    loop = EventLoop()
    with anyio.CancelScope() as outer, anyio.CancelScope(shield=True) as inner:
        outer.cancel()
        await loop.checkpoint_if_cancelled()
        inner.cancel()
        await loop.checkpoint_if_cancelled()
        pytest.fail("it went on")
    assert inner.cancelled_caught
    assert not outer.cancelled_caught


async def test_a_checkpoint_lets_nobody_else_run():
    loop, ran = EventLoop(), []

    async def other() -> None:
        ran.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await loop.checkpoint_if_cancelled()
        assert ran == []
    assert ran == [1]


async def test_its_scope_ends_what_outlives_it():
    with EventLoop().scope(deadline=anyio.current_time()) as scope:
        await anyio.sleep_forever()
    assert scope.cancelled_caught
