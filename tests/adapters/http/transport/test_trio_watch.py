"""The alarms of trio's watches; how a wait itself behaves is tested on all event loops by `test_watch`."""

from __future__ import annotations

import math
import socket
from contextlib import closing

import pytest
import trio
import trio.testing

from adapters.http.transport.channel import PlainChannel
from adapters.http.transport.trio_watch import _FEW, TrioWatch, _alarms

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Trio alone, in virtual time."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


async def waited(limits: list[float]) -> list[tuple[int, bool | None, float]]:
    """Wait for a silent socket for each limit, all at once; return what each heard, and when."""
    found: list[tuple[int, bool | None, float]] = []

    async def wait(number: int, limit: float) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with closing(ours), closing(theirs):
            watch = TrioWatch(trio.lowlevel.current_trio_token(), PlainChannel(ours))
            began = trio.current_time()
            came = await watch.wait(began + limit)
            found.append((number, came, trio.current_time() - began))

    async with trio.open_nursery() as nursery:
        for number, limit in enumerate(limits):
            nursery.start_soon(wait, number, limit)
    return found


async def test_each_of_many_waits_ends_at_its_own_limit() -> None:
    limits = [30.0, 10.0, 20.0, 10.0, -1.0, 0.0]
    for _ in range(2):  # the task has ended in between
        found = await waited(limits)
        assert [(number, came) for number, came, _ in sorted(found)] == [(n, False) for n in range(6)]
        assert [when for *_, when in sorted(found)] == pytest.approx([30, 10, 20, 10, 0, 0], abs=1e-3)


async def test_alarms_that_were_taken_back_do_not_pile_up() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with closing(ours), closing(theirs):
        theirs.send(b"x")
        token = trio.lowlevel.current_trio_token()
        for _ in range(5 * _FEW):
            watch = TrioWatch(token, PlainChannel(ours))
            assert await watch.wait(trio.current_time() + 1000)
            watch.stop()
            assert len(_alarms()._waiting) <= 2 * _FEW + 2
        assert await watch.wait(math.inf)
        await trio.sleep(2000)
        assert not _alarms()._waiting
        assert not _alarms()._running


async def test_the_task_ends_with_the_last_connection_that_had_an_alarm() -> None:
    token = trio.lowlevel.current_trio_token()
    watches: list[TrioWatch] = []
    for _ in range(2):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with closing(theirs):
            theirs.send(b"x")
            watches.append(TrioWatch(token, PlainChannel(ours)))
            assert await watches[-1].wait(trio.current_time() + 1000)
    began = trio.current_time()
    for left, watch in ((True, watches[0]), (False, watches[1])):
        watch.close()
        await trio.testing.wait_all_tasks_blocked()
        assert _alarms()._running is left
    assert trio.current_time() == began
    [(_, came, after)] = await waited([10.0])
    assert came is False
    assert after == pytest.approx(10.0, abs=1e-3)
