"""A cancelled request leaves nothing behind, wherever the cancellation strikes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import anyio
import pytest

from router import RequestEnded, Router
from tests.chain.services import SERVICES, Service, leftovers
from tests.chain.steps import Steps

if TYPE_CHECKING:
    from adapters import HTTPAdapter
    from adapters.simulators.server import Simulator
    from router import Event

pytestmark = pytest.mark.anyio
MESSAGES = [{"role": "user", "content": "Hello"}]


async def _converse(router: Router) -> None:
    async with await router.stream(MESSAGES) as reply:
        async for _ in reply:
            pass


async def _run(service: Service, at: int) -> int:
    """Run one request on a fresh chain, cancelled at its `at`-th suspension; return how many there were."""
    events: list[Event] = []
    async with service.running(deltas=3) as (simulator, adapter):
        with anyio.CancelScope() as scope:
            router = Router([adapter], observers=(events.append,))
            steps = Steps(_converse(router), scope, at)
            await steps
        _looks_clean(simulator, adapter, f"cancelled at {at}")
        with anyio.CancelScope(shield=True):
            await router.aclose()
        await simulator.drained()
        assert simulator.open_connections == 0
    verdicts = [event.verdict for event in events if isinstance(event, RequestEnded)]

    assert len(verdicts) == 1
    assert verdicts[0] in (("complete", "cancelled") if scope.cancelled_caught else ("complete",))
    return steps.count


def _looks_clean(simulator: Simulator, adapter: HTTPAdapter, where: str) -> None:
    assert not leftovers(simulator), f"{where}: a remote conversation was left"
    if (slots := adapter._client._slots) is not None:
        assert slots.value == adapter.limits.connections, f"{where}: a connection slot was left"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_cancelling_at_every_checkpoint_leaves_nothing(service: Service) -> None:
    """No socket, connection slot, task or remote conversation is left."""
    total = await _run(service, at=0)
    assert total >= 2  # what is at hand suspends nobody
    for at in range(1, total + 2):
        await _run(service, at)
    gc.collect()  # what was left behind warns here, and warnings are errors


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_leaving_early_leaves_nothing(service: Service) -> None:
    """Breaking out of a reply closes it and cleans up at the service."""
    async with service.running(deltas=5, delay=0.01) as (simulator, adapter), Router([adapter]) as router:
        async with await router.stream(MESSAGES) as reply:
            async for _ in reply:
                break

        assert reply.verdict == "closed"
        _looks_clean(simulator, adapter, "left early")
    gc.collect()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_an_exception_of_the_caller_comes_out_bare_and_leaves_nothing(service: Service) -> None:
    async with service.running(deltas=5, delay=0.01) as (simulator, adapter), Router([adapter]) as router:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with await router.stream(MESSAGES) as reply:
                async for _ in reply:
                    raise ZeroDivisionError
        _looks_clean(simulator, adapter, "after the caller's exception")
    gc.collect()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_reply_is_opened_read_and_closed_in_three_tasks(service: Service) -> None:
    """Two replies at once: opened here, read there, closed elsewhere."""
    async with service.running(deltas=4) as (simulator, adapter):
        other = service.adapter(simulator, name="other")
        async with Router([adapter]) as router, Router([other]) as second:
            replies = [await router.stream(MESSAGES), await second.stream(MESSAGES)]
            texts: list[str] = []

            async def read() -> None:
                texts.append(await replies[0].read_text())
                texts.append(await replies[1].read_text())

            async def close() -> None:
                for reply in replies:
                    await reply.aclose()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(close)
            expected = simulator.default_text

            assert [expected, expected] == texts
            assert {reply.verdict for reply in replies} == {"complete"}
            assert not leftovers(simulator)
    gc.collect()
