"""Known services at the command: named without an address, listed, and completed by the shell."""

from pathlib import Path

import pytest

from adapters.openai import OpenAICompatible
from adapters.openai.presets import PRESETS
from adapters.simulators.openai import OpenAISimulator
from router.cli.mistakes import Mistake
from router.cli.providers import Wanted, completed, make, make_all, parse
from tests.docs.pages import read
from tests.router.cli.command import run
from tests.router.cli.conftest import Command, Serve, nobody_at_home

KEY = "sk-canary-at-the-command"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("groq", Wanted("groq", "groq", None)),
        ("groq#a/b:c=d#e", Wanted("groq", "groq", None, "a/b:c=d#e")),
        ("fast:groq#m", Wanted("fast", "groq", None, "m")),
        ("OpenRouter#m", Wanted("openrouter", "openrouter", None, "m")),
        ("lmstudio", Wanted("lm_studio", "lm_studio", None)),
        ("openai", Wanted("openai", "openai", None)),
        ("openai#gpt", Wanted("openai", "openai", None, "gpt")),
        ("openai=http://a/v1#m", Wanted("openai", "openai", "http://a/v1", "m")),
        ("b:azure=https://n.openai.azure.com#d", Wanted("b", "azure", "https://n.openai.azure.com", "d")),
        ("h2o=http://a", Wanted("h2o", "h2o", "http://a")),
    ],
)
def test_what_is_written_is_read(text: str, wanted: Wanted) -> None:
    assert parse(text) == wanted


def test_the_key_comes_from_the_usual_variable_or_the_one_of_the_provider() -> None:
    usual, own = make_all(
        ["groq#m", "mine:groq#m"], {"GROQ_API_KEY": KEY, "CHAT_ROUTER_MINE_API_KEY": "own-key"}
    )

    assert isinstance(usual, OpenAICompatible)
    assert isinstance(own, OpenAICompatible)
    assert usual._credentials() == (("authorization", f"Bearer {KEY}"),)
    assert own._credentials() == (("authorization", "Bearer own-key"),)


@pytest.mark.parametrize("text", ["openai=http://127.0.0.1:1/v1#m", "groq=http://127.0.0.1:1/v1#m"])
def test_no_key_of_a_usual_variable_goes_to_another_address(text: str) -> None:
    adapter = make(parse(text), {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY})

    assert isinstance(adapter, OpenAICompatible)
    assert adapter._credentials() == ()


def test_openai_at_its_own_address_is_the_preset() -> None:
    adapter = make(parse("openai=https://api.openai.com/v1#m"), {"OPENAI_API_KEY": KEY})

    assert isinstance(adapter, OpenAICompatible)
    assert adapter.peculiarities["rename"] == {"max_tokens": "max_completion_tokens"}


def test_a_preset_without_its_key_says_both_variables() -> None:
    with pytest.raises(
        Mistake, match="set the environment variable GROQ_API_KEY, or CHAT_ROUTER_GROQ_API_KEY"
    ):
        make(parse("groq#m"), {})


def test_the_list_names_all_and_shows_no_value(command: Command) -> None:
    found = command("providers", GROQ_API_KEY=KEY)

    assert (found.code, found.err) == (0, "")
    assert all(f"  {name} " in found.out for name in PRESETS)
    assert "GROQ_API_KEY set" in found.out
    assert "OPENROUTER_API_KEY not set" in found.out
    assert "chat_anywhere" in found.out
    assert KEY not in found.out


def test_the_matrix_is_the_page_of_the_manual(command: Command) -> None:
    found = command("providers", "--matrix")

    assert found.code == 0
    assert found.out == read("docs/guides/presets-matrix.md")


@pytest.mark.parametrize(
    ("begun", "names"),
    [("op", {"openai", "openrouter", "open_webui", "open_assistant", "opchatgpts"}), ("a:gro", {"a:groq"})],
)
def test_names_are_completed(begun: str, names: set[str]) -> None:
    assert set(completed(begun)) == names


def test_the_shell_gets_the_names() -> None:
    found = run(
        _CHAT_ROUTER_COMPLETE="complete_bash", COMP_WORDS="chat-router ask --provider ollam", COMP_CWORD="3"
    )

    assert (found.code, found.out.split()) == (0, ["ollama"])


def test_a_preset_is_asked_at_an_own_address(command: Command, serve: Serve, backend: str) -> None:
    relay = serve(OpenAISimulator(api_key=KEY, text="from the relay"))
    found = command(
        "ask", "hi", "-p", f"groq={relay.url}/v1#m", "--backend", backend, CHAT_ROUTER_GROQ_API_KEY=KEY
    )

    assert (found.code, found.out.strip()) == (0, "from the relay")


def test_without_a_file_it_says_whom_it_asks(
    command: Command, serve: Serve, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(OpenAISimulator(models=("qwen", "llama"), text="from home"))
    nobody_at_home(monkeypatch, ollama=f"{server.url}/v1")
    monkeypatch.chdir(tmp_path)
    found = command("ask", "hi", "--backend", backend)
    other = command("ask", "hi", "--model", "llama")

    assert "asked for llama" in other.err
    assert server.requests[-1].json()["model"] == "llama"
    assert (found.code, found.out.strip()) == (0, "from home")
    assert found.err.splitlines() == [
        f"chat-router: ollama: a server at {server.url}/v1 lists 2 models, asked for qwen",
        "chat-router: asked in this order, and nobody else: ollama",
    ]
