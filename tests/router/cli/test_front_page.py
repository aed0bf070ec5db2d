"""`chat-router` alone: what it is, what it found, what to run next."""

from pathlib import Path

import pytest

from adapters.simulators.openai import OpenAISimulator
from tests.router.cli.conftest import Command, Serve, nobody_at_home

KEY = "sk-canary-of-the-page-0123456789"
OLLAMA = '[[provider]]\nadapter = "ollama"\nmodel = "llama3"\n'


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_with_nothing_found_it_leads_to_the_demo(command: Command) -> None:
    found = command()

    assert (found.code, found.err) == (0, "")
    assert "no key in a usual variable" in found.out
    named = [line.split()[1] for line in found.out.splitlines() if line.startswith("  chat-router")]
    assert named == ["demo", "init", "providers"]
    assert max(map(len, found.out.splitlines())) <= 100


def test_what_is_found_is_told_by_name(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(OpenAISimulator(models=("llama3",)))
    nobody_at_home(monkeypatch, ollama=f"{simulator.url}/v1")
    found = command(OPENAI_API_KEY=KEY, CHAT_ROUTER_H2O_COOKIE=KEY)

    assert found.code == 0
    assert "openai: OPENAI_API_KEY is set, asked for gpt-6-luna" in found.out
    assert "lists 1 model, asked for llama3" in found.out
    assert "for providers of your own: CHAT_ROUTER_H2O_COOKIE" in found.out
    assert "chat-router init" in found.out
    assert KEY not in found.out


@pytest.mark.parametrize(
    ("text", "line", "next_"),
    [
        (OLLAMA, "router.toml: 1 provider: ollama", "chat-router chat --config router.toml"),
        (OLLAMA + "[timeouts]\nx = 1\n", "router.toml: a mistake", "chat-router config check router.toml"),
        (
            OLLAMA + 'api_key = { env = "GROQ_API_KEY" }\n',
            "router.toml: read only where it is named",
            "chat-router chat --config router.toml",
        ),
    ],
)
def test_a_file_is_told(text: str, line: str, next_: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text(text)
    found = command()

    assert (found.code, found.err) == (0, "")
    assert line in found.out
    assert next_ in found.out


def test_a_file_that_was_found_runs_no_code(command: Command, tmp_path: Path) -> None:
    (tmp_path / "harm.py").write_text("raise SystemExit('it ran')\n")
    (tmp_path / "router.toml").write_text('[[provider]]\nadapter = "harm:Harm"\n')

    for arguments in ((), ("doctor",)):
        found = command(*arguments)

        assert found.code == 0
        assert "it ran" not in found.out + found.err
