"""The table of known services: its rows are sound, and an adapter made of a row speaks as the row says."""

from __future__ import annotations

import ast
import json
import re
import socket
import warnings
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import OpenAICompatible, Secret
from adapters.http.failures import error_from_transport
from adapters.openai.presets import (
    COLUMNS,
    ERRORS,
    EVIDENCE,
    PRESETS,
    Preset,
    Proof,
    cells_of,
    key_variable,
    known,
    matrix,
    named,
    page,
    takes_key_from,
)
from adapters.simulators.openai import OpenAISimulator
from adapters.wire.vendor.words import BLAME, CODES, OVERRIDES, PHRASES
from router import AllProvidersFailed, Router
from tests.adapters.bodies import read, text
from tests.adapters.openai.recordings import RECORDINGS

KEY: Final = "sk-canary-of-a-preset"
ROWS: Final = list(PRESETS.values())
ROOT: Final = Path(__file__).parents[3]
BODIES: Final = ROOT / "tests" / "adapters" / "wire" / "vendor" / "vendor_bodies.jsonl"
MISTRAL: Final = frozenset({
    "model", "messages", "stream", "temperature", "top_p", "max_tokens", "random_seed", "stop", "tools",
    "tool_choice", "parallel_tool_calls", "response_format", "presence_penalty", "frequency_penalty", "n",
    "prediction", "metadata", "reasoning_effort", "prompt_cache_key",
})  # fmt: skip
"""The fields of its chat completions."""


def made(preset: Preset, **settings: Any) -> OpenAICompatible:
    """Return the adapter of a row, with an address where it has none."""
    if preset.base_url is None:
        settings = {"base_url": "https://name.openai.azure.com", "model": "deployed", **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of those that have ended; they have a test of their own
        return OpenAICompatible.preset(preset.name, environ={}, **{"api_key": KEY, **settings})


@pytest.mark.parametrize("preset", ROWS, ids=lambda each: each.name)
def test_a_row_is_sound(preset: Preset) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", preset.name)
    assert all(urlsplit(each).scheme == "https" for each in (preset.documentation, *preset.sources))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", each) for each in preset.variables)
    assert preset.variables or not preset.needs_key
    assert preset.proof is not Proof.UNKNOWN
    if preset.base_url is not None:
        address = urlsplit(preset.base_url)
        assert (address.scheme, address.hostname == "127.0.0.1") == (
            ("http", True) if preset.local else ("https", False)
        )
    adapter = made(preset)
    assert adapter.name == preset.name
    assert adapter.model == (preset.model if preset.base_url else "deployed")
    assert KEY not in repr(adapter)


def test_no_spelling_leads_to_two_services() -> None:
    plain = [
        re.sub(r"[\s._-]+", "", spelling.lower())
        for each in ROWS
        for spelling in {each.name, *each.spellings}
    ]
    own = [{re.sub(r"[\s._-]+", "", s.lower()) for s in {each.name, *each.spellings}} for each in ROWS]

    assert len(set(plain)) == sum(len(each) for each in own)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("open-ai", "openai"), ("OpenAI", "openai"), ("OpenRouter", "openrouter"),
        ("open_router", "openrouter"),
        ("lmstudio", "lm_studio"), ("LM Studio", "lm_studio"), ("llama-cpp", "llama_cpp"),
        ("llama.cpp", "llama_cpp"), ("hf", "huggingface"), ("Hugging Face", "huggingface"),
        ("azure-openai", "azure"), ("x.ai", "xai"), ("google", "gemini"), ("kimi", "moonshot"),
        ("qwen", "dashscope"), ("z.ai", "zhipu"), ("github-models", "github"), ("Open WebUI", "open_webui"),
    ],
)  # fmt: skip
def test_a_usual_spelling_leads_to_the_right_one(spelling: str, name: str) -> None:
    assert named(spelling).name == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grok", "did you mean 'xai' or 'groq'?"),
        ("opeanai", "did you mean 'openai'?"),
        ("azur", "did you mean 'azure'?"),
        ("mistrall", "did you mean 'mistral'?"),
        ("nobody", "OpenAICompatible(base_url=…)"),
        ("", "There are: openai"),
    ],
)
def test_a_wrong_name_gets_the_nearest_and_the_way_without(name: str, words: str) -> None:
    with pytest.raises(LookupError, match=re.escape(words)):
        OpenAICompatible.preset(name)


@pytest.mark.parametrize(("given", "name"), [("openai", "openai"), ("LM Studio", "lm_studio")])
def test_a_name_in_place_of_an_address_is_told_how_presets_are_written(given: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"or write OpenAICompatible\.preset\('{name}'\)"):
        OpenAICompatible(given)


def test_the_name_of_azure_suggests_no_other_adapter() -> None:
    assert known("azure") is PRESETS["azure"]
    with pytest.raises(LookupError) as raised:
        OpenAICompatible.preset("azurre")
    assert "aura" not in str(raised.value)


# -- services that have ended ---------------------------------------------------------------------

ENDED: Final = [row for row in ROWS if row.ended]


def test_what_ended_says_when_and_who_says_so() -> None:
    assert {"github", "perplexity"} == {each.name for each in ENDED}
    assert all(re.fullmatch(r"on \d+ \w+ 20\d\d \(https://\S+\)", each.ended) for each in ENDED)


@pytest.mark.parametrize("preset", ENDED, ids=lambda each: each.name)
@pytest.mark.anyio
async def test_a_service_that_has_ended_is_passed_over_and_the_ledger_says_why(preset: Preset) -> None:
    async with (
        OpenAISimulator(text="Hello", models=("m",)) as sim,
        Router([
            made(preset, model="m"),
            OpenAICompatible.preset(preset.name, name="other", model="m",
                                    base_url=f"{sim.url}/v1", api_key=KEY),
        ]) as router,
    ):  # fmt: skip
        reply = await router.complete([{"role": "user", "content": "Hi"}])
        health = router.health().providers[0]

    assert "other" == reply.provider
    assert f"the service ended {preset.ended}" in health.reason
    assert not health.can_answer


@pytest.mark.parametrize("preset", ENDED, ids=lambda each: each.name)
def test_a_service_that_has_ended_is_told_at_once(preset: Preset) -> None:
    with pytest.warns(UserWarning, match=re.escape(f"{preset.name}: the service ended {preset.ended}; name")):
        OpenAICompatible.preset(preset.name, api_key=KEY)
    elsewhere = OpenAICompatible.preset(preset.name, base_url="http://127.0.0.1:9/v1")

    assert elsewhere.working is not False


@pytest.mark.parametrize("name", ["url", "api_base", "endpoint", "host", "base"])
def test_the_address_by_the_name_of_another_library_is_told_its_own(name: str) -> None:
    wrong: dict[str, Any] = {name: "https://api.example.org/v1"}

    with pytest.raises(TypeError, match=f"OpenAICompatible has no setting '{name}': write base_url="):
        OpenAICompatible(**wrong)


@pytest.mark.parametrize("end", ["/chat/completions", "/messages", "/responses/"])
def test_a_whole_address_says_what_to_leave_out(end: str) -> None:
    with pytest.raises(ValueError, match=f"leave out '{end.rstrip('/')}'"):
        OpenAICompatible(f"https://api.example.org/v1{end}")


# -- usual models ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["openai", "groq", "gemini", "mistral", "deepseek", "openrouter", "cerebras"]
)
def test_a_key_alone_is_enough_for_the_large_services(name: str) -> None:
    preset, variable = PRESETS[name], f"CHAT_ROUTER_{name.upper()}_MODEL"
    environ = {preset.variables[0]: KEY}

    assert urlsplit(preset.model_source).scheme == "https"
    assert preset.model
    assert OpenAICompatible.preset(name, environ=environ).model == preset.model
    environ[variable] = "by-variable"
    assert OpenAICompatible.preset(name, environ=environ).model == "by-variable"
    assert OpenAICompatible.preset(name, environ=environ, model="mine").model == "mine"


@pytest.mark.anyio
async def test_a_model_that_is_gone_says_what_names_it() -> None:
    async with (
        OpenAISimulator(models=("new",)) as sim,
        Router([
            OpenAICompatible.preset("groq", api_key=KEY, base_url=f"{sim.url}/v1", model="gone"),
            OpenAICompatible(f"{sim.url}/v1", model="gone"),
        ]) as router,
    ):  # fmt: skip
        with pytest.raises(AllProvidersFailed) as raised:
            await router.complete([{"role": "user", "content": "Hi"}])

    first, second = raised.value.causes
    assert "; name another model with model= or CHAT_ROUTER_GROQ_MODEL" in str(first)
    assert str(second).endswith("; name another model with model=")


# -- what is wrong at the own address of a service --------------------------------------------------


@pytest.mark.anyio
async def test_a_refused_key_says_where_it_came_from_and_never_what_it_is() -> None:
    async with OpenAISimulator(fault="401") as sim:
        url, given = f"{sim.url}/v1", Secret(KEY, origin="GROQ_API_KEY")
        for key, told in ((given, "; the key came from GROQ_API_KEY"), (KEY, "")):
            adapter = OpenAICompatible(url, api_key=key, model="m")
            async with Router([adapter]) as router:
                with pytest.raises(AllProvidersFailed) as raised:
                    await router.complete([{"role": "user", "content": "Hi"}])
            said = str(raised.value.causes[0])

            assert said.endswith(told)
            assert ("came from" in said) is bool(told)
            assert KEY not in said


@pytest.mark.anyio
@pytest.mark.parametrize(("model", "told"), [(None, True), ("m", False)])
async def test_a_model_that_a_service_misses_says_how_it_is_given(model: str | None, told: bool) -> None:
    async with OpenAISimulator(models=("small",)) as sim:
        adapter = OpenAICompatible(f"{sim.url}/v1", model=model)
        async with Router([adapter]) as router:
            with pytest.raises(AllProvidersFailed) as raised:
                await router.complete([{"role": "user", "content": "Hi"}])

    assert str(raised.value.causes[0]).endswith("this provider has no model: pass model=") is told


def test_the_key_of_a_variable_knows_its_origin() -> None:
    adapter = OpenAICompatible.preset("groq", environ={"GROQ_API_KEY": KEY})

    assert adapter._keys is not None
    assert adapter._keys.origin == "GROQ_API_KEY"


@pytest.mark.parametrize(("name", "advice"), [
    ("openai", "check the network and the DNS of this machine"), (None, "check base_url"),
])  # fmt: skip
def test_a_name_that_is_not_found_tells_what_to_check(name: str | None, advice: str) -> None:
    usual = OpenAICompatible.preset("openai", api_key=KEY)
    adapter = usual if name else OpenAICompatible("https://api.example.org/v1")
    unknown = httpx.ConnectError("")
    unknown.__cause__ = socket.gaierror(socket.EAI_NONAME, "")
    error = error_from_transport(unknown, "POST /", "x", adapter._client.check)

    assert str(error) == f"POST /: there is no host of the name of x; {advice}"


# -- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", [row for row in ROWS if row.variables], ids=lambda each: each.name)
def test_the_key_is_read_from_the_usual_variable_and_goes_to_its_own_address_only(preset: Preset) -> None:
    environ = dict.fromkeys(preset.variables[:1], KEY)
    own = {"base_url": "https://name.openai.azure.com", "model": "m"} if preset.base_url is None else {}
    if preset.ended:
        own = {"base_url": preset.base_url or ""}
    usual = OpenAICompatible.preset(preset.name, environ=environ, **own)  # type: ignore[arg-type] # a mapping
    elsewhere = OpenAICompatible.preset(
        preset.name, base_url="https://relay.example/v1", environ=environ, model="m"
    )

    assert KEY in str(usual._credentials())
    assert elsewhere._credentials() == ()


@pytest.mark.parametrize(
    ("name", "address", "taken"),
    [
        ("groq", "https://api.groq.com/openai/v1/", True),
        ("groq", "https://api.groq.com/other", True),
        ("groq", "http://api.groq.com/openai/v1", False),
        ("groq", "https://api.groq.com:8443/openai/v1", False),
        ("groq", "https://api.groq.com.evil.example/openai/v1", False),
        ("groq", "https://evil.example/api.groq.com", False),
        ("groq", "https://user@evil.example/@api.groq.com", False),
        ("groq", "not an address", False),
        ("groq", "https://[", False),
        ("azure", "https://mine.openai.azure.com", True),
        ("azure", "https://mine.openai.azure.com.evil.example", False),
        ("azure", "https://openai.azure.com", False),
        ("azure", "https://evil.example\\.openai.azure.com", False),
        ("azure", "https://evil.example#.openai.azure.com", False),
        ("azure", "https://evil.example/.openai.azure.com", False),
        ("azure", "https://a:b@mine.openai.azure.com", False),
        ("azure", None, True),
        ("moonshot", "https://api.moonshot.cn/v1", True),
        ("vllm", "http://127.0.0.1:8000/v1", True),
        ("vllm", "http://127.0.0.1:9000/v1", False),
        ("vllm", "https://127.0.0.1/v1", False),
    ],
)
def test_where_a_key_of_a_variable_may_go(name: str, address: str | None, taken: bool) -> None:
    assert takes_key_from(PRESETS[name], address) is taken


@given(host=st.from_regex(r"[a-z0-9.@:/-]{1,30}", fullmatch=True))
def test_no_other_host_gets_the_key(host: str) -> None:
    """Whatever the address looks like, its host is the service's own, or the key stays here."""
    address = f"https://{host}"
    if takes_key_from(PRESETS["groq"], address):
        assert urlsplit(address).hostname == "api.groq.com"


def test_a_missing_key_says_which_variable() -> None:
    with pytest.raises(ValueError, match="GROQ_API_KEY, or give api_key"):
        OpenAICompatible.preset("groq", environ={"GROQ_API_KEY": " "})


def test_the_first_variable_that_is_set_counts() -> None:
    assert key_variable(PRESETS["zhipu"], {"ZHIPUAI_API_KEY": "b"}) == "ZHIPUAI_API_KEY"
    assert key_variable(PRESETS["zhipu"], {"ZAI_API_KEY": "a", "ZHIPUAI_API_KEY": "b"}) == "ZAI_API_KEY"
    assert key_variable(PRESETS["zhipu"], {}) is None


# -- settings -------------------------------------------------------------------------------------


def test_the_settings_of_the_user_win_key_by_key() -> None:
    adapter = OpenAICompatible.preset(
        "mistral", api_key=KEY, name="mine", model="large", rename={"max_completion_tokens": "limit"},
        stream_options=True, refuses=["seed"], capabilities={"images": False},
    )  # fmt: skip

    assert (adapter.name, adapter.model) == ("mine", "large")
    assert adapter.peculiarities["rename"] == {"max_completion_tokens": "limit", "seed": "random_seed"}
    assert adapter.peculiarities["roles"] == {"developer": "system"}
    assert adapter.peculiarities["stream_options"] is True
    assert adapter.peculiarities["refuses"] == ("seed",)
    assert not adapter.capabilities.images
    assert "seed" not in adapter.capabilities.options


@pytest.mark.parametrize(
    ("base_url", "query", "address"),
    [
        ("https://a.openai.azure.com", {}, "https://a.openai.azure.com/openai/v1"),
        ("https://a.openai.azure.com/", {}, "https://a.openai.azure.com/openai/v1"),
        (
            "https://a.openai.azure.com",
            {"api-version": "2024-10-21"},
            "https://a.openai.azure.com/openai/deployments/gpt",
        ),
        ("https://gate.example/azure", {"api-version": "1"}, "https://gate.example/azure"),
    ],
)
def test_azure_has_two_forms(base_url: str, query: dict[str, str], address: str) -> None:
    adapter = OpenAICompatible.preset("azure", base_url=base_url, model="gpt", api_key=KEY, query=query)

    assert adapter.base_url == address
    assert adapter._credentials() == (("api-key", KEY),)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "base_url=\"https://NAME.openai.azure.com\""),
        ({"base_url": "https://a.openai.azure.com", "query": {"api-version": "1"}}, "needs model"),
    ],
)  # fmt: skip
def test_azure_says_what_it_needs(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        OpenAICompatible.preset("azure", api_key=KEY, **settings)


# -- on real sockets ------------------------------------------------------------------------------

ASKED: Final[dict[str, Any]] = {
    "max_completion_tokens": 5,
    "temperature": 0.5,
    "seed": 7,
    "user": "u",
    "logprobs": False,
}


@pytest.mark.anyio
@pytest.mark.parametrize("preset", ROWS, ids=lambda each: each.name)
async def test_it_speaks_as_its_row_says(preset: Preset) -> None:
    """The simulator takes the key where the row sends it, and refuses roles that the row maps."""
    roles = {"system", "user", "assistant"} if "roles" in preset.settings else ()
    async with OpenAISimulator(
        api_key=KEY,
        key_header=preset.settings.get("key_header", "authorization"),
        roles=roles,
        fields=MISTRAL if preset.name == "mistral" else (),
        lists=bool(preset.settings.get("models_path", "/models")),
        text="one two",
    ) as simulator:
        adapter = OpenAICompatible.preset(
            preset.name, base_url=f"{simulator.url}/v1", api_key=KEY, model="m", environ={}
        )
        asked = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
        deltas, error = await read(adapter, asked, **ASKED)
        probe = await adapter.probe()
        await adapter.aclose()
        body = simulator.requests[0].json()

    assert error is None
    assert text(deltas) == "one two"
    assert probe.working is (True if preset.settings.get("models_path", "/models") else None)
    assert ("stream_options" in body) is preset.settings.get("stream_options", True)
    rename = preset.settings.get("rename", {})
    assert body[rename.get("max_completion_tokens", "max_completion_tokens")] == 5
    refused = set(preset.settings.get("refuses", ()))
    assert not refused & set(body)


@pytest.mark.anyio
async def test_azure_of_the_older_form_is_asked_at_its_deployment_with_its_version() -> None:
    async with OpenAISimulator(api_key=KEY, key_header="api-key", root="/deployments/gpt") as simulator:
        adapter = OpenAICompatible.preset(
            "azure", base_url=simulator.url, model="gpt", api_key=KEY, query={"api-version": "2024-10-21"}
        )
        deltas, error = await read(adapter, [{"role": "user", "content": "Hello"}])
        probe = await adapter.probe()
        await adapter.aclose()

    assert error is None
    assert text(deltas)
    assert simulator.requests[0].target == "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert probe.working is None
    assert "it answers" in probe.reason
    assert [each.query for each in simulator.requests] == [{"api-version": "2024-10-21"}] * 2


# -- the table ------------------------------------------------------------------------------------


def test_the_table_has_each_preset_once_and_each_mark_is_explained() -> None:
    lines = matrix().splitlines()
    assert matrix() in page()
    rows = [line for line in lines if line.startswith("| ")]

    assert [row.split("|")[1].strip() for row in rows] == ["preset", *PRESETS]
    assert all(row.count("|") == len(COLUMNS) + 2 for row in rows)
    marks = {str(cell).rpartition(" ")[2] for each in ROWS for cell in cells_of(each).values()}
    assert all(f"{mark}: " in lines[-1] for mark in marks)


def test_a_cell_that_nobody_looked_up_says_so() -> None:
    assert cells_of(PRESETS["chatanywhere"])["tools"].proof is Proof.UNKNOWN
    assert str(cells_of(PRESETS["chatanywhere"])["tools"]).endswith("?")


def cells_by(proof: Proof) -> list[tuple[str, str, str]]:
    """Return preset, column and source of the cells with a proof."""
    every = [(row.name, column, cell) for row in ROWS for column, cell in cells_of(row).items()]
    return [(name, column, cell.source) for name, column, cell in every if cell.proof is proof]


def test_each_finding_is_of_a_preset_and_its_columns_and_has_an_address() -> None:
    assert set(EVIDENCE) == set(PRESETS)
    for findings in EVIDENCE.values():
        for each in findings:
            assert each.columns
            assert set(each.columns) <= set(COLUMNS)
            assert (each.proof is Proof.SERVER) is each.source.startswith("tests/servers/")
            assert each.proof is Proof.SERVER or urlsplit(each.source).scheme == "https"
    assert {name for name in PRESETS if not PRESETS[name].vendor} == {"open_webui"}


def test_a_cell_that_a_real_server_proved_has_a_test_that_asks_this_server_through_the_preset() -> None:
    found = cells_by(Proof.SERVER)
    assert {name for name, _, _ in found} == {"litellm", "llama_cpp"}
    for name, column, source in found:
        path, _, test = source.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        (function,) = [
            node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == test
        ]
        assert test == f"test_{name}_{column.replace(' ', '_')}"
        assert name in [each.arg for each in function.args.args]
        assert f"of_preset({name}, '{name}'" in ast.unparse(function)
        assert any(isinstance(node, ast.Assert) for node in ast.walk(function))


def test_a_cell_that_a_recording_proved_is_played_in_its_form() -> None:
    """Streams by `recordings`, errors by the bodies of vendors; and none of both is left unsaid."""
    shown = {(each.preset, column, each.source) for each in RECORDINGS for column in each.shows.split()}
    vendors = {row.vendor: row.name for row in ROWS if row.vendor}
    kinds = {kind.__name__: column for column, kind in ERRORS.items()}
    errors = {
        (vendors[row["vendor"]], kinds[row["kind"]], row["source"])
        for row in map(json.loads, BODIES.read_text(encoding="utf-8").splitlines())
        if row["vendor"] in vendors and row["kind"] in kinds
    }
    found = set(cells_by(Proof.RECORDED))

    assert {each for each in found if each[1] not in ERRORS} == shown
    assert {each for each in found if each[1] in ERRORS} <= errors


@pytest.mark.parametrize("column", ERRORS)
def test_a_cell_of_errors_that_has_no_recording_is_what_the_words_of_the_vendor_say(column: str) -> None:
    every = [*OVERRIDES, *CODES, *PHRASES, *BLAME]
    for row in ROWS:
        cell = cells_of(row)[column]
        words = {
            each.source for section in every if section.kind is ERRORS[column]
            for each in section.rows if each.vendor == row.vendor
        }  # fmt: skip
        if cell.proof in (Proof.DOCUMENTED, Proof.CLIENT):
            assert cell.source in words
        assert cell.proof is not Proof.UNKNOWN or not words


def test_a_subclass_may_take_the_address_by_a_name_of_its_own() -> None:
    class Mine(OpenAICompatible):
        def __init__(self, **settings: Any) -> None:
            super().__init__(settings.pop("url"), **settings)

    assert Mine(url="https://api.example.org/v1").base_url == "https://api.example.org/v1"
