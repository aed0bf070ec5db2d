"""Every setting of every adapter and preset can be said in code and in a file, with the same effect."""

from __future__ import annotations

import re
from types import MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters import Adapter, Limits, OpenAICompatible, Secret, catalogue
from adapters.contract.secret import Plain
from adapters.openai.presets import PRESETS
from router import ConfigError
from router.config import load, shown, writing
from router.config.providers import adapter_section
from tests.depth import sampled
from tests.router.config.good import put

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = "sk-of-the-environment"
ENVIRON: Final = {"A_KEY": KEY} | {
    each.variables[0]: "sk-of-the-usual-variable" for each in PRESETS.values() if each.variables
}
SECRET: Final = (Secret(KEY), {"env": "A_KEY"})
SAMPLES: Final[dict[str, tuple[Any, Any]]] = {
    "api_key": SECRET,
    "api_keys": ([Secret(KEY)], [{"env": "A_KEY"}]),
    "auth_token": SECRET,
    "betas": (["one-2026-01-01"],) * 2,
    "budget": ({"usd": 5.0},) * 2,
    "concurrency": (1,) * 2,
    "daily_requests": (70,) * 2,
    "first_content": (90.0,) * 2,
    "http2": (True,) * 2,
    "max_tokens": (123,) * 2,
    "requests_per_minute": (60,) * 2,
    "stall": (45.0,) * 2,
    "structured_output": ("tool",) * 2,
    "tokens_per_minute": (6000,) * 2,
    "version": ("2026-10-21",) * 2,
    "base_url": ("http://127.0.0.1:3/v1",) * 2,
    "body": ({"safe": True, "list": [1, 2.5, "x"]},) * 2,
    "bot_id": ("one",) * 2,
    "capabilities": ({"tools": False, "context_size": 9},) * 2,
    "cleanup_timeout": (2.5,) * 2,
    "connect_timeout": (3.5,) * 2,
    "cookies": ({"session": KEY}, {"session": {"env": "A_KEY"}}),
    "custom_id": ("two",) * 2,
    "headers": (
        {"x-title": Plain("mine"), "x-key": KEY},
        {"x-title": {"plain": "mine"}, "x-key": {"env": "A_KEY"}},
    ),
    "key": SECRET,
    "key_header": ("x-api-key",) * 2,
    "limits": (Limits(line=77, connections=5), {"line": 77, "connections": 5}),
    "model": ("other",) * 2,
    "models": ({"fast": "small"},) * 2,
    "models_path": ("/list",) * 2,
    "name": ("mine",) * 2,
    "omit": (["stream_options"],) * 2,
    "page": ("/talk",) * 2,
    "polling": (0.7,) * 2,
    "proxy": ("http://127.0.0.1:8",) * 2,
    "query": ({"api-version": "1"},) * 2,
    "refusals": (["no"],) * 2,
    "refuses": (["seed"],) * 2,
    "rename": ({"seed": "random_seed"},) * 2,
    "roles": ({"developer": "user"},) * 2,
    "session_token": SECRET,
    "silence": (7.0,) * 2,
    "stream": (False,) * 2,
    "stream_options": (False,) * 2,
    "takes": (["typical_p"],) * 2,
    "token_limit": (99,) * 2,
    "trust_env": (True,) * 2,
    "verify": (True,) * 2,
}
"""Setting -> a value in code, and the same in a file. A new setting needs a line here."""
ONLY_IN_CODE: Final = {"transport", "webdriver"}
"""Objects of a library, which no file can hold."""
NAMES: Final = [*sorted(catalogue.BUILT_IN), *(name for name in PRESETS if name not in catalogue.BUILT_IN)]
SAMPLE: Final = sampled(NAMES, 0.3, "every setting", lambda name: name in PRESETS)
CASES: Final = [
    (name, setting)
    for name in NAMES
    for setting in adapter_section(catalogue.load(name), name).parameters
    if setting not in ONLY_IN_CODE
]


def needed(name: str) -> dict[str, tuple[Any, Any]]:
    """Return what an adapter or preset cannot be made without."""
    if name == "azure":
        return {"base_url": ("https://a.openai.azure.com",) * 2, "model": ("deployed",) * 2}
    return {"base_url": ("http://127.0.0.1:2/v1",) * 2} if name == "openai" else {}


def in_code(name: str, settings: dict[str, Any]) -> Adapter:
    if name in PRESETS and name not in catalogue.BUILT_IN:
        return OpenAICompatible.preset(name, environ=ENVIRON, **settings)
    made: Any = catalogue.load(name)
    adapter: Adapter = made(**settings)
    return adapter


def in_file(name: str, settings: dict[str, Any], folder: Path) -> Adapter:
    lines = [f"{writing.key(key)} = {writing.value(value)}" for key, value in settings.items()]
    prices = ["[prices]", "bundled = true"] if "budget" in settings else []
    file = put(folder, "\n".join(["[[provider]]", f'adapter = "{name}"', *lines, *prices]) + "\n")
    (adapter,) = load(file, ENVIRON).providers
    return adapter


def described(value: Any, depth: int = 7) -> Any:
    """Return all that an object of ours holds, secrets revealed, as plain data; not where a key came from."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict | MappingProxyType):
        return {str(key): described(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item, depth - 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(described(item, depth - 1)) for item in value)
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if depth and type(value).__module__.partition(".")[0] == "adapters" and not callable(value):
        slots = {name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())}
        names = {*slots, *getattr(value, "__dict__", {})} - {"__dict__", "__weakref__", "key_origin"}
        return {
            name: described(getattr(value, name), depth - 1) for name in names if hasattr(value, name)
        } | {"class": type(value).__name__}
    if isinstance(value, MethodType):  # its repr shows whether the provider works, which is no setting
        return value.__qualname__
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def test_every_setting_has_a_sample() -> None:
    assert not {setting for _, setting in CASES} - set(SAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    section = adapter_section(catalogue.load(name), name)

    assert not [setting for setting, each in section.parameters.items() if not each.text]


@pytest.mark.filterwarnings("ignore:.*the service ended on:UserWarning")
@pytest.mark.parametrize("name", SAMPLE)
def test_code_and_file_have_the_same_effect(name: str, tmp_path: Path) -> None:
    usual = described(in_code(name, {key: code for key, (code, _) in needed(name).items()}))
    for setting in adapter_section(catalogue.load(name), name).parameters:
        if setting in ONLY_IN_CODE:
            continue
        given = {**needed(name), setting: SAMPLES[setting]}
        code = described(in_code(name, {key: value for key, (value, _) in given.items()}))
        file = described(in_file(name, {key: value for key, (_, value) in given.items()}, tmp_path))

        assert code == file, setting
        if name in catalogue.BUILT_IN:  # a preset may have the value of a sample already
            same = setting == "verify" or (name, setting) == (
                "open_assistant",
                "concurrency",
            )  # one is its most
            assert code != usual or same, f"{setting} changes nothing"


@pytest.mark.parametrize("name", SAMPLE)
def test_what_is_shown_loads_as_the_same(name: str, tmp_path: Path) -> None:
    """Also for a preset, whose address stands in what is shown: its key is found all the same."""
    settings = {key: value for key, (_, value) in needed(name).items()}
    lines = [f"{key} = {writing.value(value)}" for key, value in settings.items()]
    first = load(put(tmp_path, "\n".join(["[[provider]]", f'adapter = "{name}"', *lines]) + "\n"), ENVIRON)
    again = load(put(tmp_path, shown(first)), ENVIRON)

    before, after = described(first.providers[0]), described(again.providers[0])
    # A site that is gone is not working from the start, unless its address is given.
    assert {**before, "_standing": None} == {**after, "_standing": None}


@pytest.mark.parametrize("base_url", ["", 'base_url = "https://api.groq.com/openai/v1"'])
def test_a_file_that_was_only_found_gets_no_key_of_a_usual_variable(base_url: str, tmp_path: Path) -> None:
    file = put(tmp_path, f'[[provider]]\nadapter = "groq"\nmodel = "m"\n{base_url}\n')
    (named,) = load(file, ENVIRON).providers
    with pytest.raises(ConfigError, match="GROQ_API_KEY is not read for a file that was found, not named"):
        load(file, ENVIRON, trusted=False)

    assert "sk-of-the-usual-variable" in str(described(named))


@pytest.mark.parametrize("name", ["groq", "openai"])
def test_another_address_gets_no_key_of_a_usual_variable(name: str, tmp_path: Path) -> None:
    text = f'[[provider]]\nadapter = "{name}"\nmodel = "m"\nbase_url = "https://relay.example/v1"\n'
    for trusted in (True, False):
        (adapter,) = load(put(tmp_path, text), ENVIRON, trusted=trusted).providers
        assert "sk-of-the-usual-variable" not in str(described(adapter))


def test_openai_with_an_address_of_its_own_is_the_service_itself(tmp_path: Path) -> None:
    plain = in_file("openai", {"base_url": "https://relay.example/v1"}, tmp_path)
    own = in_file("openai", {"base_url": "https://api.openai.com/v1"}, tmp_path)

    assert described(plain)["peculiarities"]["rename"] == {}
    assert described(own)["peculiarities"]["rename"] == {"max_tokens": "max_completion_tokens"}


def test_a_local_server_of_a_file_that_was_only_found_gets_no_key_either(tmp_path: Path) -> None:
    file = put(tmp_path, '[[provider]]\nadapter = "vllm"\n')
    (named,), (found,) = (load(file, ENVIRON, trusted=trusted).providers for trusted in (True, False))

    assert "sk-of-the-usual-variable" in str(described(named))
    assert "sk-of-the-usual-variable" not in str(described(found))
