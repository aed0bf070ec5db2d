"""OpenAssistant against a simulated site, on both backends: answers, one at a time, health, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters.conformance import check_adapter
from adapters.contract import ChatRequest, Conditions, Delta
from adapters.contract.errors import Busy
from adapters.http import Limits
from adapters.open_assistant import OpenAssistant
from adapters.simulators.open_assistant import OpenAssistantSimulator
from tests.adapters.open_assistant.talk import TEXT, adapted, read, request, site, steps, text

if TYPE_CHECKING:
    from adapters.simulators.exchange import Exchange

pytestmark = pytest.mark.anyio

# -- a good answer --------------------------------------------------------------------------------


async def test_an_answer_comes_token_by_token_and_ends_with_a_proof():
    async with site(queue=2, pings=1) as simulator, adapted(simulator) as adapter:
        deltas = await read(adapter)

        assert [d.text for d in deltas] == ["", "Hello", " from", " a", " simulator.", ""]
        assert deltas[0] == Delta()
        assert deltas[-1] == Delta(finish_reason="stop")
        assert steps(simulator) == [
            "POST /api/chat",
            "POST /api/chat/prompter_message",
            "POST /api/chat/assistant_message",
            "POST /api/chat/events",
            "DELETE /api/chat",
        ]
        assert simulator.unknown == []


async def test_the_requests_are_those_of_the_first_client():
    async with site() as simulator, adapted(simulator) as adapter:
        await read(adapter, ChatRequest.build([
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hé"},
        ]))  # fmt: skip
        create, prompt, ask, events, delete = simulator.requests

    chat = next(iter(simulator.created))
    assert create.body == b""
    assert prompt.json() == {
        "chat_id": chat,
        "content": "<s>[INST]\nSystem: Be brief.\nUser: Hé\nAssistant:\n[/INST]",
        "parent_id": None,
    }
    asked = ask.json()
    assert asked.pop("chat_id") == chat
    assert asked.pop("parent_id")
    assert asked == {
        "model_config_name": "OA_SFT_Llama_30B_6",
        "sampling_parameters": {
            "top_k": 50, "top_p": None, "typical_p": None, "temperature": 0.35,
            "repetition_penalty": 1.1111111111111112, "max_new_tokens": 1024,
        },
        "plugins": [],
    }  # fmt: skip
    assert events.query["chat_id"] == delete.query["chat_id"] == chat


async def test_options_and_extra_fields_go_where_they_belong():
    asked = request(
        model="small", temperature=1.0, top_k=3, max_tokens=7, seed=4, stop="x",
        extra={
            "open_assistant": {
                "sampling_parameters": {"typical_p": 0.3}, "plugins": [{"url": "u"}], "chat_id": "other",
            },
            "h2o": {"leaked": True},
        },
    )  # fmt: skip
    async with site() as simulator, adapted(simulator, models={"small": "_lorem"}) as adapter:
        await read(adapter, asked)
        body = simulator.requests[2].json()

    assert body["model_config_name"] == "_lorem"
    assert body["sampling_parameters"] == {
        "top_k": 3, "top_p": None, "typical_p": 0.3, "temperature": 1.0,
        "repetition_penalty": 1.1111111111111112, "max_new_tokens": 7,
    }  # fmt: skip
    assert body["plugins"] == [{"url": "u"}]
    assert body["chat_id"] in simulator.created
    assert set(body) == {"model_config_name", "sampling_parameters", "plugins", "chat_id", "parent_id"}


async def test_what_is_no_mapping_goes_out_as_it_is():
    asked = request(extra={"open_assistant": {"sampling_parameters": []}})
    async with site() as simulator, adapted(simulator) as adapter:
        await read(adapter, asked)

        assert simulator.requests[2].json()["sampling_parameters"]["top_k"] == 50


async def test_the_caller_keeps_the_list():
    messages = [{"role": "user", "content": "Hi"}]
    async with site() as simulator, adapted(simulator) as adapter:
        await read(adapter, ChatRequest.build(messages))

    assert messages == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("options", "shown", "final"),
    [
        ({"deltas": [" Hi", " there </s>"], "final": "Hi there"}, " Hi there </s>", "Hi there"),
        ({"deltas": ["Hi"], "final": "Hi there"}, "Hi there", None),
        ({"deltas": ["after"], "final": "before after"}, "after", "before after"),
    ],
)
async def test_where_the_final_text_differs_it_comes_with_the_last_delta(
    options: dict[str, Any], shown: str, final: str | None
):
    async with site(**options) as simulator, adapted(simulator) as adapter:
        deltas = await read(adapter)

    assert (text(deltas), deltas[-1].final_text) == (shown, final)


async def test_an_empty_answer_has_a_proof_and_no_content():
    async with site(fault="empty") as simulator, adapted(simulator) as adapter:
        assert await read(adapter) == [Delta(finish_reason="stop")]


# -- one conversation at a time -------------------------------------------------------------------


async def test_a_second_stream_waits_for_the_first():
    async with site(delay=0.002) as simulator, adapted(simulator) as adapter:
        got: list[str] = []

        async def one() -> None:
            got.append(text(await read(adapter)))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)

        assert got == [TEXT] * 3
        assert steps(simulator)[4::5] == ["DELETE /api/chat"] * 3


@pytest.mark.parametrize("others_left", [True, False])
async def test_a_second_stream_does_not_wait_for_ever(others_left: bool):
    wait = Limits(slot_wait=30.0 if others_left else 0.01)
    second = request(conditions=Conditions(others_left=others_left))
    async with site() as simulator, adapted(simulator, limits=wait) as adapter:
        first = adapter.stream(request())
        assert await anext(first) == Delta("Hello")
        with pytest.raises(Busy, match="second account"):
            await read(adapter, second)
        await first.aclose()

        assert text(await read(adapter, second)) == TEXT


async def test_a_stream_may_be_opened_read_and_closed_in_three_tasks():
    async with site() as simulator, adapted(simulator) as adapter:
        stream = adapter.stream(request())
        got: list[Delta] = []

        async def step() -> None:
            got.append(await anext(stream))

        for work in (step, step, stream.aclose):
            async with anyio.create_task_group() as group:
                group.start_soon(work)

        assert text(got) == "Hello from"
        assert text(await read(adapter)) == TEXT


# -- health, settings -----------------------------------------------------------------------------


async def test_the_probe_lists_models_and_generates_nothing():
    async with site() as simulator, adapted(simulator) as adapter:
        found = await adapter.probe()

        assert (found.working, adapter.working) == (True, True)
        assert "OA_SFT_Llama_30B_6" in found.models
        assert simulator.turns == 0
        assert steps(simulator) == ["GET /api/auth/session", "GET /api/chat/models"]


async def test_the_probe_says_where_the_model_is_missing():
    async with site() as simulator, adapted(simulator, model="other") as adapter:
        found = await adapter.probe()

    assert found.working is True
    assert "does not list the model 'other'" in found.reason


@pytest.mark.parametrize("model", ["other", "m150"])
async def test_a_long_list_is_cut_but_not_by_the_model_that_is_looked_for(model: str):
    class Long(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.received.path == "/api/chat/models":
                await exchange.respond(200, [{"name": f"m{number}"} for number in range(200)] + [7, {}])
            else:
                await super().answer(exchange)

    async with Long() as simulator, adapted(simulator, model=model) as adapter:
        found = await adapter.probe()

    assert found.working is True
    assert (model in found.models) is (model == "m150")
    assert ("does not list the model" in found.reason) is (model == "other")
    assert len(found.models) <= 101


async def test_the_probe_sees_that_the_chat_is_off():
    async with site(chat=False) as simulator, adapted(simulator) as adapter:
        found = await adapter.probe()

    assert found.working is False
    assert "switched off" in found.reason


async def test_the_probe_takes_no_page_for_a_list():
    class Odd(OpenAssistantSimulator):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.respond(200, {"a": 1})

    async with Odd() as simulator, adapted(simulator) as adapter:
        found = await adapter.probe()

    assert (found.working, found.models) == (False, ())


def test_without_an_address_it_is_not_working():
    adapter = OpenAssistant(session_token="x")

    assert adapter.working is False
    assert "open-assistant.io is gone" in adapter.working_reason
    assert adapter.capabilities.needs_auth


@pytest.mark.parametrize("settings", [{"silence": 0}, {"polling": -1}])
def test_times_must_be_positive(settings: dict[str, Any]):
    with pytest.raises(ValueError, match="more than 0"):
        OpenAssistant("http://x", **settings)


async def test_the_contract_holds():
    async with OpenAssistantSimulator() as simulator, OpenAssistantSimulator(fault="500") as failing:
        await check_adapter(
            lambda: adapted(simulator, silence=5.0),
            failing=lambda: adapted(failing),
            leftovers=lambda: simulator.created - simulator.deleted - simulator.hidden,
        )
