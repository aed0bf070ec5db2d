"""The clocks that the other tests trust."""

import time

import anyio
import anyio.lowlevel
import pytest

from tests.virtual_time import BACKENDS, NothingScheduled, VirtualBackend, anyio_backend, run_virtual

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
backends = pytest.mark.parametrize("backend", BACKENDS)


async def test_an_hour_of_sleep_takes_no_time():
    before = time.perf_counter()

    await anyio.sleep(3600)

    assert 3600 == pytest.approx(anyio.current_time())
    assert time.perf_counter() - before < 1


@pytest.mark.parametrize("number", [1, 2])
async def test_every_test_starts_at_zero_however_long_the_one_before_slept(number):
    assert 0 == anyio.current_time()

    await anyio.sleep(3600 * number)

    assert 3600 * number == pytest.approx(anyio.current_time())


async def test_sleepers_wake_in_the_order_of_their_deadlines():
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await anyio.sleep(seconds)
        woken.append(seconds)

    async with anyio.create_task_group() as tasks:
        for seconds in (3.0, 1.0, 2.0, 0.5, 1e6):
            tasks.start_soon(sleeper, seconds)

    assert [0.5, 1.0, 2.0, 3.0, 1e6] == woken


async def test_a_deadline_strikes_at_its_time():
    with anyio.move_on_after(5) as scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert 5 == pytest.approx(anyio.current_time())


async def test_work_does_not_move_the_time():
    for _ in range(100):
        await anyio.lowlevel.checkpoint()

    assert 0 == anyio.current_time()


async def test_waiting_until_all_tasks_are_blocked_works():
    woken = anyio.Event()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(woken.wait)
        await anyio.wait_all_tasks_blocked()
        woken.set()

    assert 0 == anyio.current_time()


async def _echo_rounds(rounds: int) -> float:
    """Send a line back and forth over loopback, with a deadline that a false jump would hit."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)

    async def echo(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            async for data in stream:
                await anyio.sleep(0.01)
                await stream.send(data)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            for _ in range(rounds):
                with anyio.fail_after(1):
                    await stream.send(b"x" * 1000)
                    received = 0
                    while received < 1000:
                        received += len(await stream.receive())
        tasks.cancel_scope.cancel()
    return anyio.current_time()


@backends
def test_sockets_of_this_machine_are_faster_than_any_deadline(backend):
    assert 0.5 == pytest.approx(run_virtual(_echo_rounds, backend, 50, sockets=True), abs=0.2)


@backends
def test_many_runs_have_a_clock_of_their_own(backend):
    async def run() -> float:
        await anyio.sleep(10)
        return anyio.current_time()

    assert [10.0] * 20 == [pytest.approx(run_virtual(run, backend)) for _ in range(20)]


@backends
def test_a_run_that_would_hang_ends_with_a_clear_error(backend):
    async def hang() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            await anyio.sleep(7)

    with pytest.raises(NothingScheduled, match=r"the test hangs: at 7\.000 s"):
        run_virtual(hang, backend, patience=0.02)


@backends
def test_a_cancellation_of_the_run_itself_is_not_mistaken_for_a_hang(backend):
    async def run() -> str:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anyio.sleep_forever()
        return "went on"

    assert "went on" == run_virtual(run, backend)


def test_an_unknown_backend_is_named():
    with pytest.raises(ValueError, match="no backend 'curio'; allowed are asyncio, trio"):
        VirtualBackend("curio")


class TestWatchedByPytest:
    async def test_a_watched_test_keeps_its_fixtures_and_its_class(self, anyio_backend_name, tmp_path):
        assert (True, True) == (anyio_backend_name in BACKENDS, tmp_path.is_dir())
