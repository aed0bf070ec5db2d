"""Without a file: what is found is told, what is missing too, and nobody else is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from anyio.abc import SocketAttribute

from adapters import OpenAICompatible
from adapters.openai.presets import PRESETS
from adapters.simulators.openai import OpenAISimulator
from router import ConfigError, Router
from router.config import environment, load
from router.config.environment import look_around
from tests.router.config.good import put
from tests.router.config.test_every_setting import described

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

KEY: Final = "sk-canary-of-the-environment"


@pytest.fixture
def nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point all local servers to a port where nobody listens."""
    moved(monkeypatch, {})


def moved(monkeypatch: pytest.MonkeyPatch, urls: dict[str, str]) -> None:
    """Point local servers to simulators, and the others to nobody."""
    table = {
        name: replace(each, base_url=urls.get(name, "http://127.0.0.1:9/v1")) if each.local else each
        for name, each in PRESETS.items()
    }
    monkeypatch.setattr(environment, "PRESETS", table)
    monkeypatch.setattr("adapters.openai.presets.naming.PRESETS", table)


@pytest.mark.usefixtures("nobody_at_home")
async def test_keys_are_found_by_name_and_asked_in_the_order_of_the_table() -> None:
    environ = {
        "GROQ_API_KEY": KEY, "CHAT_ROUTER_GROQ_MODEL": "llama", "OPENROUTER_API_KEY": KEY, "OTHER": KEY,
        "AZURE_OPENAI_API_KEY": KEY, "XAI_API_KEY": KEY, "GITHUB_TOKEN": KEY, "HF_TOKEN": KEY,
        "COHERE_API_KEY": " ",
    }  # fmt: skip
    told: list[str] = []
    router = await Router.from_env(environ=environ, tell=told.append)
    await router.aclose()

    assert told == [
        "azure: AZURE_OPENAI_API_KEY is set, not asked: its address is not known; name it with a provider",
        "openrouter: OPENROUTER_API_KEY is set, asked for openrouter/auto",
        "groq: GROQ_API_KEY is set, asked for llama",
        "xai: XAI_API_KEY is set, not asked: no usual model of it is known; set CHAT_ROUTER_XAI_MODEL "
        "(https://docs.x.ai/docs)",
        "huggingface: HF_TOKEN is set, not asked: the variable serves other things too; to ask it set "
        "CHAT_ROUTER_HUGGINGFACE_MODEL",
        f"github: GITHUB_TOKEN is set, not asked: the service ended {PRESETS['github'].ended}",
        "asked in this order, and nobody else: openrouter > groq",
    ]
    assert list(router.providers) == ["openrouter", "groq"]
    assert KEY not in json.dumps(told)


@pytest.mark.usefixtures("nobody_at_home")
async def test_a_key_alone_is_enough() -> None:
    environ = {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY}
    found = await look_around(environ, local=False)

    assert [(each.name, each.model) for each in found.adapters] == [
        ("openai", PRESETS["openai"].model), ("groq", PRESETS["groq"].model),
    ]  # fmt: skip


@pytest.mark.usefixtures("nobody_at_home")
async def test_a_key_that_cannot_be_asked_yet_is_not_said_to_be_missing() -> None:
    with pytest.raises(
        ConfigError, match=r"set CHAT_ROUTER_XAI_MODEL.*; nobody can be asked before"
    ) as raised:
        await Router.from_env(environ={"XAI_API_KEY": KEY}, local=False)

    assert "no variable holds a key" not in str(raised.value)


@pytest.mark.usefixtures("nobody_at_home")
async def test_models_given_in_code_win() -> None:
    environ = {"GROQ_API_KEY": KEY, "CHAT_ROUTER_GROQ_MODEL": "a", "HF_TOKEN": KEY}
    found = await look_around(environ, {"groq": "b", "huggingface": "c"}, local=False)

    assert [(each.name, each.model) for each in found.adapters] == [("groq", "b"), ("huggingface", "c")]


@pytest.mark.usefixtures("nobody_at_home")
@pytest.mark.parametrize("name", ["groq", "mistral", "openrouter"])
async def test_environment_file_and_code_make_the_same_provider(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PRESETS[name].variables[0], KEY)
    (found,) = (await look_around({PRESETS[name].variables[0]: KEY}, {name: "m"}, local=False)).adapters
    file = put(tmp_path, f'[[provider]]\nadapter = "{name}"\nmodel = "m"\n')
    (written,) = load(file, {PRESETS[name].variables[0]: KEY}).providers
    coded = OpenAICompatible.preset(name, model="m")

    assert described(found) == described(written) == described(coded)
    assert KEY in str(described(coded))


@pytest.mark.usefixtures("nobody_at_home")
@pytest.mark.parametrize("name", [name for name, each in PRESETS.items() if each.ended])
async def test_a_service_that_has_ended_is_not_asked_even_where_a_model_is_named(name: str) -> None:
    environ = {PRESETS[name].variables[0]: KEY}
    found = await look_around(environ, {name: "a"}, local=False)

    assert not found.adapters
    assert f"not asked: the service ended {PRESETS[name].ended}" in found.lines[0]


def test_a_file_that_names_what_has_ended_notes_it(tmp_path: Path) -> None:
    file = put(tmp_path, '[[provider]]\nadapter = "perplexity"\n')
    loaded = load(file, {"PERPLEXITY_API_KEY": KEY})

    assert [each.partition(" (")[0] for each in loaded.notes] == [
        "perplexity: the service ended on 27 September 2026"
    ]


async def test_a_local_server_that_lists_its_models_is_asked_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        OpenAISimulator(models=("qwen", "llama"), text="from home") as ollama,
        OpenAISimulator(lists=False) as vllm,
        OpenAISimulator(models=("small",)) as llama_cpp,
    ):
        moved(monkeypatch, {
            "ollama": f"{ollama.url}/v1", "vllm": f"{vllm.url}/v1", "llama_cpp": f"{llama_cpp.url}/v1",
        })  # fmt: skip
        told: list[str] = []
        environ = {"CHAT_ROUTER_LLAMA_CPP_MODEL": "mine"}
        async with await Router.from_env(environ=environ, tell=told.append) as router:
            reply = await router.complete([{"role": "user", "content": "Hello"}])
        asked = [request.path for request in (*vllm.requests, *llama_cpp.requests)]

    assert (reply.text, reply.provider, reply.model) == ("from home", "ollama", "qwen")
    assert told == [
        f"ollama: a server at {ollama.url}/v1 lists 2 models, asked for qwen",
        f"llama_cpp: a server at {llama_cpp.url}/v1 lists 1 model, asked for mine",
        "asked in this order, and nobody else: ollama > llama_cpp",
    ]
    assert asked == ["/v1/models", "/v1/models"]
    assert [request.path for request in ollama.requests] == ["/v1/models", "/v1/chat/completions"]


async def test_a_gateway_of_ours_is_left_out_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OpenAISimulator(models=("chat-router", "one/", "small", "one/small")) as gateway:
        moved(monkeypatch, {"vllm": f"{gateway.url}/v1"})
        found = await look_around({})

    assert (found.adapters, found.findings) == ((), ())
    assert found.lines[0] == (
        f"a chat-router gateway at {gateway.url}/v1: left out; to ask it, name its address in a file"
    )
    with pytest.raises(ConfigError, match=r"a chat-router gateway at .* left out"):
        found.required()


async def test_a_router_of_the_environment_is_entered_or_awaited_and_one_of_a_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    async with OpenAISimulator(models=("qwen",), text="from home") as sim:
        moved(monkeypatch, {"ollama": f"{sim.url}/v1"})
        async with Router.from_env(environ={}) as router:
            entered = await router.complete(hello)
        with pytest.raises(anyio.ClosedResourceError):
            await router.complete(hello)
        async with await Router.from_env(environ={}) as awaited, anyio.create_task_group() as tasks:
            tasks.start_soon(awaited.check)

        file = put(tmp_path, f'[[provider]]\nadapter = "openai"\nbase_url = "{sim.url}/v1"\nmodel = "qwen"\n')
        made = Router.from_config(file)
        assert await made is made
        async with await Router.from_config(file) as router:
            configured = await router.complete(hello)
        await made.aclose()

    assert entered.text == configured.text == "from home"


async def test_a_local_server_that_says_nothing_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as silent:  # it never accepts
        url = f"http://127.0.0.1:{silent.extra(SocketAttribute.local_port)}/v1"
        moved(monkeypatch, {"ollama": url, "sglang": url})
        with anyio.fail_after(10 * environment.WAIT):
            found = await look_around({})

    assert found.findings == ()


@pytest.mark.usefixtures("nobody_at_home")
async def test_nothing_found_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"no variable holds a key \(such as OPENAI_API_KEY\)"):
        await Router.from_env(environ={})


@pytest.mark.parametrize("models", [{"grok": "x"}, {"": "x"}])
async def test_a_model_of_nobody_is_an_error(models: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="which is no preset; there are: openai"):
        await Router.from_env(environ={}, models=models, local=False)


def test_local_servers_are_looked_for_on_the_loopback_address_only() -> None:
    assert all(
        (each.base_url or "").startswith("http://127.0.0.1:") for each in PRESETS.values() if each.local
    )
