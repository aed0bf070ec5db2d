"""What a service wants differently is sent so, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ChatRequest, OpenAICompatible
from adapters.conformance import check_adapter
from adapters.openai.codec import request_body
from adapters.openai.dialect import USUAL, Ability, Dialect
from adapters.openai.presets import PRESETS
from adapters.simulators.openai import OpenAISimulator
from tests.adapters.bodies import ASK, read, text

OPTIONS: Final = st.dictionaries(
    st.sampled_from(["max_tokens", "max_completion_tokens", "temperature", "seed", "stop"]), st.integers()
)
NAMES: Final = st.sampled_from(["max_tokens", "max_completion_tokens", "seed", "random_seed", "limit"])


def body(dialect: Dialect, options: dict[str, Any], **extra: Any) -> dict[str, Any]:
    messages = ChatRequest.build(ASK).messages
    found: dict[str, Any] = json.loads(
        request_body("m", messages, options, extra, dialect.stream, "p", dialect)
    )
    return found


@given(options=OPTIONS)
def test_without_settings_the_body_is_openais(options: dict[str, Any]) -> None:
    assert body(USUAL, options) == {
        "model": "m", "messages": ASK, "stream": True, "stream_options": {"include_usage": True}, **options,
    }  # fmt: skip


@given(options=OPTIONS, rename=st.dictionaries(st.sampled_from(["max_tokens", "seed"]), NAMES))
def test_a_renamed_option_is_sent_once_and_none_is_lost(
    options: dict[str, Any], rename: dict[str, str]
) -> None:
    sent = body(Dialect.of({"rename": rename}), options)

    for name, value in options.items():
        to = rename.get(name, name)
        rivals = {options[each] for each in options if rename.get(each, each) == to}
        assert sent[to] in rivals
        assert value in rivals
    assert set(sent) == {rename.get(name, name) for name in options} | {
        "model",
        "messages",
        "stream",
        "stream_options",
    }


def test_an_option_under_the_services_own_name_wins() -> None:
    dialect = Dialect.of({"rename": {"max_tokens": "max_completion_tokens"}})

    assert body(dialect, {"max_tokens": 1, "max_completion_tokens": 2})["max_completion_tokens"] == 2
    assert "max_tokens" not in body(dialect, {"max_tokens": 1})


def test_the_body_gives_way_to_the_request_and_omit_takes_out_what_is_not_extra() -> None:
    dialect = Dialect.of({"body": {"temperature": 0.1, "safe": True}, "omit": ["stream_options", "seed"]})
    sent = body(dialect, {"temperature": 0.9, "seed": 1}, seed=2)

    assert sent == {
        "model": "m",
        "messages": ASK,
        "stream": True,
        "temperature": 0.9,
        "safe": True,
        "seed": 2,
    }


def test_a_body_may_ask_for_more_of_the_stream() -> None:
    options = {"include_usage": True, "include_obfuscation": False}

    assert body(Dialect.of({"body": {"stream_options": options}}), {})["stream_options"] == options


@pytest.mark.anyio
async def test_a_service_that_cannot_stream_is_read_as_one_delta() -> None:
    async with OpenAISimulator(text="one two three") as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", model="m", stream=False)
        deltas, error = await read(adapter)
        await adapter.aclose()
        sent = simulator.requests[0].json()

    assert error is None
    assert [delta.text for delta in deltas] == ["one two three"]
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert (sent["stream"], "stream_options" in sent) == (False, False)


@pytest.mark.anyio
async def test_settings_hold_for_long_histories_too() -> None:
    """They are encoded in steps, by another function."""
    async with OpenAISimulator(roles=("system", "user", "assistant"), text="yes") as simulator:
        adapter = OpenAICompatible(
            f"{simulator.url}/v1", model="m", roles={"developer": "system"}, body={"safe": True},
            stream=False, query={"v": "a b&c"}, omit=["model"],
        )  # fmt: skip
        asked = [{"role": "developer", "content": "x"}, *ASK * 300]
        _, missing = await read(adapter, asked)
        await adapter.aclose()
        adapter = OpenAICompatible(
            f"{simulator.url}/v1", model="m", roles={"developer": "system"}, body={"safe": True},
            stream=False, query={"v": "a b&c"},
        )  # fmt: skip
        deltas, error = await read(adapter, asked)
        await adapter.aclose()
        sent = simulator.requests[-1]

    assert "model" in str(missing)
    assert error is None
    assert text(deltas) == "yes"
    assert sent.query == {"v": "a b&c"}
    assert (sent.json()["stream"], sent.json()["safe"], len(sent.json()["messages"])) == (False, True, 301)
    assert asked[0]["role"] == "developer"


@pytest.mark.parametrize(
    ("settings", "tools", "option", "taken"),
    [
        ({"capabilities": {"tools": False}}, False, "tool_choice", False),
        ({"capabilities": {"response_format": False}}, True, "response_format", False),
        ({"takes": ["top_k"]}, True, "top_k", True),
        ({}, True, "top_k", False),
        ({"refuses": ["seed"]}, True, "seed", False),
    ],
)
def test_capabilities_follow_the_settings(
    settings: dict[str, Any], tools: bool, option: str, taken: bool
) -> None:
    adapter = OpenAICompatible("http://127.0.0.1:1", **settings)

    assert adapter.capabilities.tools is tools
    assert (option in adapter.capabilities.options) is taken


def test_a_context_size_skips_what_is_longer() -> None:
    adapter = OpenAICompatible("http://127.0.0.1:1", capabilities={"context_size": 3})

    assert "at most 3 characters" in str(adapter.capabilities.refuses(ChatRequest.build(ASK), None))


@pytest.mark.parametrize("name", sorted(get_args(Ability)))
def test_what_a_service_can_take_is_said_by_the_names_of_capabilities(name: Ability) -> None:
    value = 7 if name.startswith("context") else False
    adapter = OpenAICompatible("http://127.0.0.1:1", capabilities={name: value})

    if name == "response_format":
        assert name not in adapter.capabilities.options
    else:
        assert getattr(adapter.capabilities, name) == value


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["mistral", "azure"])
async def test_a_preset_keeps_the_contract_of_an_adapter(name: str) -> None:
    preset = PRESETS[name]
    async with OpenAISimulator(
        api_key="sk-1", key_header=preset.settings.get("key_header", "authorization"), delay=0.005
    ) as simulator:

        def make() -> OpenAICompatible:
            return OpenAICompatible.preset(
                name, base_url=f"{simulator.url}/v1", model="m", api_key="sk-1", environ={}
            )

        report = await check_adapter(make)

    assert report.ok
