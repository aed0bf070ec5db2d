"""`chat-router init`: a first file that loads as it stands, and holds no key."""

import io
import re
import tomllib
from pathlib import Path

import pytest

from adapters.openai.presets import PRESETS
from adapters.simulators.openai import OpenAISimulator
from router.cli import init
from router.cli.init_file import EXAMPLES, Written, text_of
from router.config import load
from router.config.environment import look_around
from tests.depth import QUICK
from tests.router.cli.conftest import Command, Serve, nobody_at_home
from tests.router.cli.terminal import talking

KEY = "sk-canary-of-init-0123456789"


def test_what_is_found_is_written_and_can_be_asked(
    tmp_path: Path, serve: Serve, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(OpenAISimulator(text="From home.", models=("llama3",)))
    nobody_at_home(monkeypatch, ollama=f"{simulator.url}/v1")
    monkeypatch.chdir(tmp_path)
    keys = {"GROQ_API_KEY": KEY, "CHAT_ROUTER_GROQ_MODEL": "llama", "XAI_API_KEY": KEY}
    found = command("init", **keys)
    text = (tmp_path / "router.toml").read_text()

    assert (found.code, found.err) == (0, "")
    assert "wrote router.toml, which is valid: 2 providers: groq > ollama" in found.out
    assert "to fill in: xai: name its model (https://docs.x.ai/docs)" in found.out
    assert "next: chat-router chat --config router.toml" in found.out
    assert KEY not in found.out + text
    assert 'api_key = { env = "GROQ_API_KEY" }' in text
    assert [each.get("model") for each in tomllib.loads(text)["provider"]] == ["llama", "llama3"]
    assert command("config", "check", "router.toml").code == 0


def test_with_nothing_found_it_asks_simulated_services(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("init", "--yes")

    assert (found.code, found.err) == (0, "")
    assert "nothing was found here" in found.out
    assert "chat-router simulate h2o openai --port 8001" in found.out
    assert command("config", "check").out == "ok: 2 providers: h2o > openai\n"


def test_a_gateway_that_runs_here_is_told_and_not_written(
    tmp_path: Path, serve: Serve, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(OpenAISimulator(models=("chat-router", "h2o/")))
    nobody_at_home(monkeypatch, vllm=f"{simulator.url}/v1")
    monkeypatch.chdir(tmp_path)
    found = command("init", OPENAI_API_KEY=KEY)

    assert f"a chat-router gateway at {simulator.url}/v1: left out" in found.out
    assert [
        each["adapter"] for each in tomllib.loads((tmp_path / "router.toml").read_text())["provider"]
    ] == ["openai"]
    assert f"gateway at {simulator.url}/v1: left out" in command("doctor", "--format", "json").out


def test_a_key_alone_is_asked_and_nothing_is_simulated(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("init", OPENAI_API_KEY=KEY)
    (provider,) = tomllib.loads((tmp_path / "router.toml").read_text())["provider"]

    assert provider == {
        "adapter": "openai", "api_key": {"env": "OPENAI_API_KEY"}, "model": PRESETS["openai"].model,
    }  # fmt: skip
    assert "simulate" not in found.out


@pytest.mark.parametrize(
    ("key", "words", "mistakes"),
    [
        ("XAI_API_KEY", "xai: name its model (https://docs.x.ai/docs)", ["model"]),
        ("AZURE_OPENAI_API_KEY", "azure: put your address in, and the deployment as model", ["base_url"]),
    ],
)  # fmt: skip
def test_beside_a_key_that_wants_more_nothing_is_simulated(
    key: str,
    words: str,
    mistakes: list[str],
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("init", **{key: KEY})
    text = (tmp_path / "router.toml").read_text()
    check = command("config", "check", "router.toml")

    assert (found.code, found.err) == (0, "")
    assert f"to fill in: {words}" in found.out
    assert "wrote router.toml, which has to be filled in first" in found.out
    assert "simulate" not in found.out + text
    assert check.code != 0
    assert all(f"provider 1: {each}: " in check.err for each in mistakes)


def test_what_has_ended_is_not_written(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("init", PERPLEXITY_API_KEY=KEY)

    assert "perplexity: PERPLEXITY_API_KEY is set, not asked: the service ended" in found.out
    assert "perplexity" not in (tmp_path / "router.toml").read_text()


def test_every_example_in_the_comments_loads(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    text = text_of("router.toml", [Written("groq", variable="GROQ_API_KEY", model="llama")])
    uncommented = re.sub(r"^# ?(?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    file.write_text(uncommented)
    loaded = load(file, {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY})

    assert [each.name for each in loaded.providers] == ["groq", *(each.adapter for each in EXAMPLES)]
    assert loaded.timeouts.total == 600
    assert loaded.retry.attempts == 2


def test_a_file_that_is_there_is_left_unless_forced(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "router.toml"
    file.write_text("mine = 1\n")

    refused = command("init")
    assert (refused.code, refused.err.count("\n"), file.read_text()) == (64, 1, "mine = 1\n")
    assert "overwrite it with --force" in refused.err
    assert command("init", "--force").code == 0
    assert "[[provider]]" in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["router.toml"]


def test_a_key_that_cannot_be_used_writes_nothing(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("init", OPENROUTER_API_KEY=f"{KEY}\n2")

    assert (found.code, list(tmp_path.iterdir())) == (64, [])
    assert "nothing was written" in found.err
    assert KEY not in found.err


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ("\n\n", ["groq"]),  # xai is left to be filled in
        ("1 2\ngrok-4\n", ["groq", "xai"]),
        ("9\n1 1\n2\ngrok-4\n", ["xai"]),
    ],
)
async def test_it_asks_whom_and_in_which_order(
    answers: str,
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = {"GROQ_API_KEY": KEY, "CHAT_ROUTER_GROQ_MODEL": "llama", "XAI_API_KEY": KEY}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = await look_around(environ, local=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    file = tmp_path / "router.toml"

    assert init.write(file, found, asks=True) == 0
    assert [adapter.name for adapter in load(file, environ).providers] == names
    assert KEY not in capsys.readouterr().out


@pytest.mark.skipif(QUICK, reason="a process starts")
def test_at_a_terminal_ctrl_c_writes_nothing(tmp_path: Path) -> None:
    with talking("init", cwd=tmp_path, OPENROUTER_API_KEY=KEY) as talk:
        talk.until("Whom to ask")

        assert talk.leave() == 130
    assert list(tmp_path.iterdir()) == []
    assert KEY not in talk.shown
