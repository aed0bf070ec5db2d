"""What a user reads who made a mistake: each message says what happened, where, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters import (
    Aura,
    ChatAnywhere,
    ChatRequest,
    H2o,
    OpenAICompatible,
    OpenAssistant,
)
from adapters.contract.errors import AdapterError, AuthenticationFailed, ModelNotFound, NotWorking
from adapters.simulators.aura import AuraSimulator
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.openai import OpenAISimulator

if TYPE_CHECKING:
    from adapters import HTTPAdapter

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest.build([{"role": "user", "content": "Hello"}])


async def error_of(adapter: HTTPAdapter) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        async for _ in adapter.stream(REQUEST):
            pass
    await adapter.aclose()
    return raised.value


async def test_where_no_key_was_sent_the_message_says_so_and_which_setting_gives_one() -> None:
    async with OpenAISimulator(api_key="sk-right-one") as simulator:
        none = await error_of(OpenAICompatible(simulator.url + "/v1", model="m"))
        wrong = await error_of(OpenAICompatible(simulator.url + "/v1", model="m", api_key="sk-wrong-one"))

    assert isinstance(none, AuthenticationFailed)
    assert str(none).endswith("; no key was sent; pass api_key")
    assert isinstance(wrong, AuthenticationFailed)
    assert "no key was sent" not in str(wrong)


async def test_a_dead_port_is_named_with_its_host() -> None:
    async with OpenAISimulator(fault="refuse") as simulator:
        error = await error_of(OpenAICompatible(simulator.url + "/v1", model="m"))
        address = simulator.url.removeprefix("http://")

    assert f"no connection to {address} (connection refused); is the service running there?" in str(error)


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        (OpenAICompatible, "apikey", "api_key"),
        (OpenAICompatible, "baseurl", "base_url"),
        (ChatAnywhere, "refusal", "refusals"),
        (OpenAssistant, "session_tokens", "session_token"),
        (Aura, "token_limits", "token_limit"),
        (H2o, "cookie", "cookies"),
    ],
)
def test_a_misspelt_setting_gets_the_nearest_name(kind: type[HTTPAdapter], wrong: str, right: str) -> None:
    with pytest.raises(TypeError, match=f"has no setting '{wrong}'; did you mean '{right}'\\?"):
        kind("http://127.0.0.1:9", **{wrong: "x"})  # type: ignore[arg-type] # the mistake


@pytest.mark.parametrize(
    "secret", ["sk-abc", "me:hunter2@a.example", "0a1b.C2d3e4", "a.example/0a1b2c3d", "a?k=b"]
)
def test_an_address_that_may_be_a_secret_is_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^base_url must begin with \S+ or \S+ and name a host$"):
        OpenAICompatible(secret)


@pytest.mark.parametrize("given", ["localhost:1/v1", "a.example/v1"])
def test_an_address_without_its_scheme_is_completed(given: str) -> None:
    scheme = "http" if given.startswith("localhost") else "https"
    with pytest.raises(ValueError, match=f"; got '{given}', write '{scheme}://{given}'$"):
        OpenAICompatible(given)


@pytest.mark.parametrize("kind", [OpenAICompatible, Aura])
def test_an_option_of_a_request_is_no_setting(kind: type[HTTPAdapter]) -> None:
    words = "has no setting 'temperature': it is an option of a request; "
    with pytest.raises(TypeError, match=words + r"write router.complete\(messages, temperature=0.2\)"):
        kind("http://127.0.0.1:9", temperature=0.2)  # type: ignore[call-arg] # the mistake


async def test_another_kind_of_service_is_told_with_what_was_expected() -> None:
    async with OpenAISimulator() as openai, H2oSimulator() as h2o, AuraSimulator() as aura:
        errors = [
            await error_of(H2o(openai.url)),
            await error_of(Aura(openai.url)),
            await error_of(OpenAICompatible(h2o.url, model="m")),
            await error_of(OpenAICompatible(aura.url, model="m")),
            await error_of(OpenAssistant(openai.url)),
        ]
        asked = [
            f"is {openai.url} a chat-ui server?",
            f"is {openai.url} an openchat-ui or chatbot-ui server?",
        ]
        asked += [
            f"is {url} an OpenAI-compatible API (its address often ends in /v1)?"
            for url in (h2o.url, aura.url)
        ]
        asked += [f"is {openai.url} an Open-Assistant site?"]

    assert [NotWorking] * 5 == [type(error) for error in errors]
    assert [] == [
        (ask, str(error)) for ask, error in zip(asked, errors, strict=True) if ask not in str(error)
    ]
    assert "What answers there looks like an OpenAI-compatible API." in str(errors[0])


async def test_an_address_without_v1_is_refused_by_the_simulator_as_by_a_real_service() -> None:
    async with OpenAISimulator() as simulator:
        error = await error_of(OpenAICompatible(simulator.url, model="m"))

    assert isinstance(error, NotWorking)
    assert str(error).endswith(
        f"an OpenAI-compatible API answers at {simulator.url}, but not at this path; "
        "check base_url (its address often ends in /v1)"
    )


async def test_an_unknown_model_is_refused_by_the_simulator_as_by_a_real_service() -> None:
    async with OpenAISimulator(models=["simulated"]) as simulator:
        error = await error_of(OpenAICompatible(simulator.url + "/v1", model="simulate"))

    assert isinstance(error, ModelNotFound)
    assert "`simulate` does not exist" in str(error)
