"""Name lookups: one at a time for a name, shared by all who wait, kept for some seconds."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.http.transport.names import Names, numeric, system_lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.http.transport.names import Address

pytestmark = pytest.mark.anyio

HERE: Address = (socket.AF_INET, ("127.0.0.1", 80))


class Slow:
    """A lookup that waits until it is let go, and counts."""

    def __init__(self, error: OSError | None = None) -> None:
        self.calls: list[tuple[str, int]] = []
        self.go = threading.Event()
        self.error = error

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.calls.append((host, port))
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return [HERE]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_two_hundred_who_want_one_name_share_one_lookup() -> None:
    lookup = Slow()
    names = Names(lookup)
    found = []

    async def want() -> None:
        found.append(await names.addresses("a.example", 80))

    async with anyio.create_task_group() as group:
        for _ in range(200):
            group.start_soon(want)
        await anyio.wait_all_tasks_blocked()
        lookup.go.set()

    assert ([("a.example", 80)], 200) == (lookup.calls, len(found))
    assert [HERE] == found[0]


async def test_a_slow_name_keeps_no_other_waiting() -> None:
    slow, quick = Slow(), Slow()
    quick.go.set()
    names = Names(lambda host, port: (slow if host == "slow.example" else quick)(host, port))
    async with anyio.create_task_group() as group:
        group.start_soon(names.addresses, "slow.example", 80)
        with anyio.fail_after(5):
            assert [HERE] == await names.addresses("quick.example", 80)
        slow.go.set()


async def test_who_looks_it_up_may_be_cancelled_and_the_next_does_it() -> None:
    lookup = Slow()
    names = Names(lookup)
    found = []

    async def want() -> None:
        found.append(await names.addresses("a.example", 80))

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as first:
            async with anyio.create_task_group() as inner:
                inner.start_soon(want)
                await anyio.wait_all_tasks_blocked()
                group.start_soon(want)
                await anyio.sleep(0.01)
                first.cancel()
        await anyio.sleep(0.01)
        assert not found
        lookup.go.set()

    assert (1, 2) == (len(found), len(lookup.calls))


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    lookup = Slow(socket.gaierror(socket.EAI_NONAME, "no such name"))
    names = Names(lookup)
    errors: list[OSError] = []

    async def want() -> None:
        try:
            await names.addresses("a.example", 80)
        except OSError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(want)
        await anyio.wait_all_tasks_blocked()
        lookup.go.set()
    assert [socket.EAI_NONAME] * 3 == [error.errno for error in errors]
    assert 3 == len(set(map(id, errors)))

    lookup.error = None
    assert [HERE] == await names.addresses("a.example", 80)


async def test_a_result_is_kept_for_some_seconds_or_until_it_is_forgotten() -> None:
    lookup, clock = Slow(), Clock()
    lookup.go.set()
    names = Names(lookup, kept=10, clock=clock)
    for now, calls in ((0.0, 1), (9.9, 1), (10.0, 2), (19.0, 2)):
        clock.now = now
        await names.addresses("a.example", 80)
        assert calls == len(lookup.calls)
    names.forget("a.example", 80)
    await names.addresses("a.example", 80)

    assert 3 == len(lookup.calls)


async def test_any_number_of_names_takes_bounded_memory() -> None:
    lookup = Slow()
    lookup.go.set()
    names = Names(lookup)
    for number in range(300):
        await names.addresses(f"n{number}.example", 80)

    assert 256 == len(names._found)
    assert not names._under_way


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", (socket.AF_INET6, ("::1", 80, 0, 0))),
        ("2001:db8::2", (socket.AF_INET6, ("2001:db8::2", 80, 0, 0))),
        ("localhost", None),
        ("1.2.3", None),
        ("1.2.3.400", None),
        ("a.b.c.d9", None),
        ("fe80::1%eth0", None),
        ("a:b", None),
        ("", None),
    ],
)
def test_an_address_needs_no_lookup(host: str, expected: object) -> None:
    assert expected == numeric(host, 80)


async def test_an_address_is_looked_up_by_nobody() -> None:
    assert (HERE,) == await Names(Slow()).addresses("127.0.0.1", 80)


async def test_the_system_knows_this_host() -> None:
    assert (socket.AF_INET, ("127.0.0.1", 80)) in await system_lookup("localhost", 80)


def test_lookups_of_two_event_loops_do_not_wait_for_each_other() -> None:
    """An adapter may be used in two event loops, each in a thread of its own."""
    lookup = Slow()
    names = Names(lookup, kept=0.0)
    found: list[object] = []

    def run(backend: str) -> None:
        async def want() -> None:
            found.append(await names.addresses("a.example", 80))

        anyio.run(want, backend=backend)

    threads = [threading.Thread(target=run, args=(backend,)) for backend in ("asyncio", "trio", "asyncio")]
    for thread in threads:
        thread.start()
    lookup.go.set()
    for thread in threads:
        thread.join(10)

    assert 3 == len(found)
