"""OpenAssistant leaves nothing at the site, however it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.contract import Conditions
from adapters.contract.errors import AdapterError, ServiceFailed
from adapters.simulators.open_assistant import OpenAssistantSimulator
from tests.adapters.open_assistant.talk import TEXT, adapted, read, request, site, text

if TYPE_CHECKING:
    from adapters.simulators.exchange import Exchange

pytestmark = pytest.mark.anyio


async def test_closing_early_deletes_the_chat():
    async with site() as simulator, adapted(simulator) as adapter:
        stream = adapter.stream(request())
        await anext(stream)
        await stream.aclose()

        assert simulator.created == simulator.deleted != set()


@pytest.mark.parametrize("where", ["", "/prompter_message", "/assistant_message", "/events", "/message"])
@pytest.mark.parametrize("answered", [True, False])
async def test_a_cancellation_at_any_step_leaves_nothing(where: str, answered: bool):
    """It strikes inside `__anext__`: before the site has done its work, or before its answer is read."""
    cancel = anyio.CancelScope()

    class Struck(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            received = exchange.received
            if received.path == f"/api/chat{where}" and received.method != "DELETE":
                cancel.cancel()
                if not answered:
                    await anyio.sleep(0.005)
            await super().answer(exchange)

    async with Struck(fault="cut", afterwards="in_progress") as simulator, adapted(simulator) as adapter:
        with cancel:
            await read(adapter)

        assert cancel.cancelled_caught
        assert simulator.created == simulator.deleted
        assert len(simulator.created) == 1
        simulator.set_fault(None)
        cancel = anyio.CancelScope()  # what strikes now is nobody's
        assert text(await read(adapter)) == TEXT
        await adapter.aclose()
        await simulator.drained()


@pytest.mark.parametrize("fault", ["stall", "stall_headers", "stall_after", "dies"])
async def test_a_cancellation_while_waiting_leaves_nothing(fault: str):
    async with site(fault=fault, queue=1) as simulator, adapted(simulator, silence=5.0) as adapter:
        with anyio.move_on_after(0.03) as scope:
            await read(adapter)

        assert scope.cancelled_caught
        assert simulator.created == simulator.deleted != set()


async def test_a_site_that_does_not_create_holds_a_cancellation_for_the_clean_up_time_only():
    class Mute(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.stall()

    async with Mute() as simulator, adapted(simulator, cleanup_timeout=0.02) as adapter:
        started = anyio.current_time()
        with anyio.move_on_after(0.01):
            await read(adapter)

        assert anyio.current_time() - started < 0.5


async def test_a_deletion_that_fails_is_told_and_changes_nothing():
    leftovers: list[AdapterError] = []

    class Keeping(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.method == "DELETE":
                await exchange.respond(500, "Internal Server Error")
            else:
                await super().answer(exchange)

    asked = request(conditions=Conditions(on_leftover=leftovers.append))
    async with Keeping() as simulator, adapted(simulator) as adapter:
        assert text(await read(adapter, asked)) == TEXT
        assert [type(error) for error in leftovers] == [ServiceFailed]
