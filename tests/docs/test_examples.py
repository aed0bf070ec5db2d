"""Every example of the manual runs as it stands, and prints what the page says."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Final

import jsonschema
import pytest
import respx
import typer

from router import Router
from router.cli.app import app
from router.cli.health import spelled_out
from router.cli.inspection import FORMATS
from router.config import schema
from tests.docs.pages import PAGES, Block, blocks, read
from tests.docs.running import compare, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYTHON: Final = list(blocks("python"))
TOML: Final = list(blocks("toml"))
SSE: Final = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hello from home."}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@pytest.fixture
def known_services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OpenAI at its limit, OpenRouter down, Ollama well, as far as httpx can tell."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-two")
    with respx.mock(assert_all_called=False) as mock:
        mock.post("https://api.openai.com/v1/chat/completions").respond(429, json={"error": "slow down"})
        mock.post("https://openrouter.ai/api/v1/chat/completions").respond(503, json={"error": "down"})
        mock.post("http://127.0.0.1:11434/v1/chat/completions").respond(
            200, headers={"content-type": "text/event-stream"}, content=SSE
        )
        yield


@pytest.mark.parametrize("block", [block for block in PYTHON if block.runs], ids=lambda block: block.name)
def test_an_example_runs(
    block: Block,
    addresses: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)  # some write a file
    if ".preset(" in block.text:
        request.getfixturevalue("known_services")
    run(block, addresses)
    printed = capsys.readouterr()

    assert not printed.err
    compare(block, printed.out)


def test_every_shown_output_belongs_to_an_example_that_runs() -> None:
    shown = sum(page.read_text(encoding="utf-8").count("\n```text\n") for page in PAGES)

    assert shown == sum(bool(block.printed) and bool(block.runs or block.apart) for block in PYTHON)


@pytest.mark.parametrize("block", [block for block in PYTHON if block.apart], ids=lambda block: block.name)
def test_an_example_that_runs_apart_is_known_to_its_test(block: Block) -> None:
    assert block.page in read(str(block.apart))


@pytest.mark.parametrize("block", [block for block in PYTHON if not block.runs], ids=lambda block: block.name)
def test_an_example_that_is_only_shown_compiles(block: Block) -> None:
    compile(block.text, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("block", [block for block in TOML if block.runs], ids=lambda block: block.name)
def test_an_example_of_a_configuration_loads(block: Block, tmp_path: Path) -> None:
    text = block.text
    environ = dict.fromkeys(re.findall(r'env = "(\w+)"', text), "a-key-of-some-length")
    environ |= dict.fromkeys(["OPENAI_API_KEY", "OPENROUTER_API_KEY"], "a-key-of-some-length")
    for number, name in enumerate(re.findall(r'file = "(.+?)"', text)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"a-secret-of-some-length-{number}\n", encoding="utf-8")
    file = tmp_path / "router.toml"
    file.write_text(text, encoding="utf-8")
    names = Router.from_config(file, environ=environ).providers
    said = re.findall(r"^# ok: .*$", read(block.name.partition(":")[0]), re.MULTILINE)

    assert not said or f"# ok: {len(names)} providers: {' > '.join(names)}" in said
    jsonschema.validate(tomllib.loads(text), schema())


def test_the_table_of_forms_names_them_all() -> None:
    page = read("docs/guides/health.md")
    table = page[page.index("## The health report") : page.index("## History")]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(FORMATS)


@pytest.mark.parametrize(
    "line", re.findall(r"^chat-router health (.*?) *(?:#.*)?$", read("docs/guides/health.md"), re.MULTILINE)
)
def test_a_command_of_health_is_one(line: str) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # the command is a group
    arguments = list(spelled_out(line.split()))

    assert commands["health"].make_context("health", arguments).params["form"] in FORMATS


@pytest.mark.parametrize("block", list(blocks("sh")), ids=lambda block: block.name)
def test_a_command_that_is_shown_is_one(block: Block) -> None:
    """Each call of `chat-router` parses, with the options it shows."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # as above
    for part in re.split(r"\n| (?:&&|\||>) ", block.text):
        if not part.startswith("chat-router "):
            continue
        name, *arguments = shlex.split(part, comments=True)[1:]
        command = commands[name]
        if hasattr(command, "commands"):
            command, arguments = command.commands[arguments[0]], arguments[1:]

        command.make_context(name, list(spelled_out(arguments)) if name == "health" else arguments)


@pytest.mark.parametrize(
    "page",
    sorted({block.page for block in [*PYTHON, *TOML] if re.search(r"127\.0\.0\.1:800[12]\b", block.text)}),
)
def test_a_page_whose_examples_ask_the_simulated_servers_says_how_they_are_started(page: str) -> None:
    """By the one line of the first steps, which the fixture of these tests starts."""
    [started] = re.findall(r"^chat-router simulate .+$", read("docs/start.md"), re.MULTILINE)
    text = read(page)

    assert started in text
    assert page in ("README.md", "docs/start.md") or "start.md#the-simulated-servers" in text


@pytest.mark.parametrize(
    "page", sorted({block.page for block in PYTHON if re.search(r"127\.0\.0\.1:8000\b", block.text)})
)
def test_a_page_whose_examples_ask_a_gateway_says_how_it_is_started(page: str) -> None:
    assert "chat-router serve --demo" in read(page)
