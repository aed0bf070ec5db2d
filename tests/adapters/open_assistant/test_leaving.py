"""OpenAssistant leaves nothing at the site, however it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.contract import Conditions
from adapters.contract.errors import AdapterError, ServiceFailed
from adapters.simulators.open_assistant import OpenAssistantSimulator
from tests.adapters.open_assistant.talk import TEXT, adapted, left_clean, read, request, site, steps, text
from tests.promptly import promptly
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from adapters.simulators.exchange import Exchange

pytestmark = pytest.mark.anyio


async def test_closing_early_hides_the_chat_and_deletes_it_at_the_end():
    """Its answer still runs: deleted now, it would cost the worker its connection."""
    async with site() as simulator:
        async with adapted(simulator) as adapter:
            stream = adapter.stream(request())
            await anext(stream)
            await stream.aclose()

            assert simulator.hidden == simulator.created != set()
            assert steps(simulator)[-1] == "PUT /api/chat"
        assert simulator.created == simulator.deleted


@pytest.mark.parametrize("fault", ["stall_after", "stall", "dies"])
async def test_leaving_an_answer_that_runs_breaks_no_later_one(fault: str):
    async with site(fault=fault) as simulator, adapted(simulator) as adapter:
        for _ in range(3):
            with anyio.move_on_after(0.03):
                await read(adapter)
        simulator.set_fault(None)
        replies = [text(await read(adapter)) for _ in range(3)]

        assert replies == [TEXT] * 3
        assert simulator.crashes == 0
        assert simulator.created == simulator.deleted


async def test_a_chat_that_is_deleted_while_its_answer_runs_costs_the_next_one():
    """What the site does to a client that deletes at once."""
    async with OpenAssistantSimulator(fault="stall_after") as simulator, adapted(simulator) as adapter:
        simulator.set_fault("stall_after", 1)
        stream = adapter.stream(request())
        await anext(stream)
        simulator._chats.call("DELETE", next(iter(simulator.created)), {})
        await stream.aclose()
        with pytest.raises(ServiceFailed, match="Aborted due to worker error"):
            await read(adapter)

        assert simulator.crashes == 1
        assert text(await read(adapter)) == TEXT


async def test_a_hidden_chat_is_deleted_once_its_answer_has_ended_and_no_sooner():
    async with site(fault="stall_after", late=2) as simulator, adapted(simulator) as adapter:
        simulator.set_fault("stall_after", 1)
        with anyio.move_on_after(0.03):
            await read(adapter)
        hidden = simulator.hidden
        left = [hidden]
        for _ in range(3):
            await read(adapter)
            left.append(simulator.hidden)

        assert left == [hidden, hidden, hidden, set()]
        assert len(hidden) == 1


async def test_a_probe_deletes_hidden_chats_too():
    async with site(fault="stall_after") as simulator, adapted(simulator) as adapter:
        with anyio.move_on_after(0.03):
            await read(adapter)
        assert simulator.hidden == simulator.created
        found = await adapter.probe()

        assert found.working is True
        assert simulator.created == simulator.deleted != set()


async def test_an_answer_that_never_ends_stays_hidden_and_is_not_asked_for_for_ever():
    async with site(fault="stall_after", afterwards="in_progress") as simulator:
        async with adapted(simulator) as adapter:
            with anyio.move_on_after(0.03):
                await read(adapter)
            for _ in range(25):
                await adapter.probe()
            looks = steps(simulator).count("GET /api/chat/message")
        assert 0 < looks < 25
        assert simulator.hidden == simulator.created
        assert simulator.deleted == set()


async def test_a_chat_whose_answer_was_never_named_is_looked_up_by_itself():
    """The question went out, and its answer was not read."""
    cancel = anyio.CancelScope()

    class Struck(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            await super().answer(exchange)
            if exchange.received.path == "/api/chat/assistant_message":
                cancel.cancel()

    async with Struck() as simulator:
        async with adapted(simulator) as adapter:
            with cancel:
                await read(adapter)
            cancel = anyio.CancelScope()
            assert simulator.hidden == simulator.created
            await read(adapter)

            assert steps(simulator)[-2:] == ["GET /api/chat", "DELETE /api/chat"]
        assert simulator.created == simulator.deleted
        assert simulator.crashes == 0


async def test_of_many_hidden_chats_a_few_are_looked_at_in_one_go():
    async with site(fault="stall_after") as simulator, adapted(simulator) as adapter:
        for _ in range(9):
            with anyio.move_on_after(0.02):
                await read(adapter)
        before = len(simulator.hidden)
        await adapter.probe()

        assert before - len(simulator.hidden) == 4


async def test_a_hiding_that_fails_is_told_and_changes_nothing():
    leftovers: list[AdapterError] = []

    class Keeping(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.method == "PUT":
                await exchange.respond(500, "Internal Server Error")
            else:
                await super().answer(exchange)

    asked = request(conditions=Conditions(on_leftover=leftovers.append))
    async with Keeping(fault="stall_after") as simulator, adapted(simulator) as adapter:
        with anyio.move_on_after(0.03):
            await read(adapter, asked)

        assert [type(error) for error in leftovers] == [ServiceFailed]


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
        assert left_clean(simulator)
        assert len(simulator.created) == 1
        assert (simulator.deleted == set()) is (where in ("/assistant_message", "/events", "/message"))
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
        assert simulator.created == simulator.hidden != set()


async def test_a_site_that_does_not_create_holds_a_cancellation_for_the_clean_up_time_only():
    class Mute(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.stall()

    async with Mute() as simulator, adapted(simulator, cleanup_timeout=0.02) as adapter:
        with promptly(0.5), anyio.move_on_after(0.01):
            await read(adapter)


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
