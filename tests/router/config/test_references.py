"""Secrets come from the environment and from files, reach the wire, and stand nowhere else."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest

from adapters.simulators.aura import AuraSimulator
from adapters.simulators.openai import OpenAISimulator
from router import ConfigError, Router
from router.config import load, shown
from tests.router.cli.conftest import Command, Serve
from tests.router.config.good import put

KEY = "sk-hunter2-from-somewhere-else"
MESSAGES = [{"role": "user", "content": "Hi"}]
NOBODY = 65534  # a user without rights, on every Unix


def chain(url: str, where: str, adapter: str = "openai") -> str:
    key = "api_key" if adapter == "openai" else "key"
    model = 'model = "m"\n' if adapter == "openai" else ""
    return f'[[provider]]\nadapter = "{adapter}"\nbase_url = "{url}"\n{key} = {where}\n{model}'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("where", "content"),
    [
        ('{ env = "THE_KEY" }', None),
        ('{ file = "the-key" }', KEY),
        ('{ file = "the-key" }', f"{KEY}\n"),
        ('{ file = "the-key" }', f"\ufeff{KEY}\r\n"),
        ('{ file = "sub/../the-key" }', f"{KEY}\n\n"),
    ],
)
async def test_a_secret_reaches_the_wire(
    where: str,
    content: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "sub").mkdir()
    if content is not None:
        (tmp_path / "the-key").write_bytes(content.encode())
    monkeypatch.chdir("/")  # a path is relative to the file, wherever the process is
    async with OpenAISimulator(api_key=KEY) as simulator:
        file = put(tmp_path, chain(f"{simulator.url}/v1", where))
        router = Router.from_config(file, environ={"THE_KEY": KEY})
        async with router:
            reply = await router.complete(MESSAGES)
    told = "".join([repr(router), repr(reply), caplog.text, *capsys.readouterr()])

    assert reply.finish_reason == "stop"
    assert simulator.requests[-1].header("authorization") == f"Bearer {KEY}"
    assert "hunter2" not in told


@pytest.mark.anyio
async def test_headers_and_cookies_reach_the_wire(tmp_path: Path) -> None:
    async with AuraSimulator() as simulator:
        text = f"""{chain(simulator.url, '{ env = "THE_KEY" }', "aura")}
headers = {{ x-title = {{ plain = "my application" }}, x-api-key = {{ env = "THE_KEY" }} }}
cookies = {{ session = {{ env = "THE_KEY" }}, language = {{ plain = "en" }} }}
"""
        config = load(put(tmp_path, text), {"THE_KEY": KEY})
        async with Router(config.providers, **config.policies) as router:
            await router.complete(MESSAGES)
    request = simulator.requests[-1]

    assert request.header("x-title") == "my application"
    assert request.header("x-api-key") == KEY
    assert request.header("cookie") == f"session={KEY}; language=en"
    assert request.json()["key"] == KEY
    assert "hunter2" not in repr(config) + shown(config) + repr(vars(router))


def test_the_command_asks_with_a_secret_and_tells_nothing_of_it(
    tmp_path: Path, serve: Serve, command: Command, backend: str
) -> None:
    well, sick = serve(OpenAISimulator(api_key=KEY)), serve(OpenAISimulator(api_key="another"))
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    first = chain(f"{sick.url}/v1", '{ env = "THE_KEY" }') + 'name = "sick"\n'
    file = put(tmp_path, first + chain(f"{well.url}/v1", '{ file = "key" }'))

    found = command("ask", "Hi", "--config", str(file), "-v", "--backend", backend, THE_KEY=KEY)
    shown = command("config", "show", str(file), THE_KEY=KEY)

    assert found.code == 0
    assert "sick: failed" in found.err
    assert [simulator.requests[-1].header("authorization") for simulator in (sick, well)] == [
        f"Bearer {KEY}"
    ] * 2
    assert shown.code == 0
    assert 'api_key = { env = "THE_KEY" }' in shown.out
    assert 'api_key = { file = "key" }' in shown.out
    assert "hunter2" not in found.out + found.err + shown.out + shown.err


@pytest.mark.parametrize("value", ["hunter2\u00e9", "hunter2 hunter2;", "hunter2\udcff"])
def test_a_secret_that_cannot_be_sent_is_told_and_not_shown(value: str, tmp_path: Path) -> None:
    text = chain("http://127.0.0.1:1", '{ env = "THE_KEY" }', "aura")
    text += 'cookies = { session = { env = "THE_KEY" } }\n'
    with pytest.raises(ConfigError) as caught:
        load(put(tmp_path, text), {"THE_KEY": value})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", ["api_key", "headers = {{ authorization = {} }}", "proxy"])
def test_a_literal_secret_is_told_how_to_be_written_and_not_shown(given: str, tmp_path: Path) -> None:
    value = f'"http://me:{KEY}@a"' if given == "proxy" else f'"{KEY}"'
    line = given.format(value) if "{" in given else f"{given} = {value}"
    with pytest.raises(ConfigError) as caught:
        load(put(tmp_path, f'[[provider]]\nadapter = "openai"\nbase_url = "http://a"\n{line}'), {})

    assert '{ env = "NAME" }' in str(caught.value)
    assert '{ file = "path" }' in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("mode", "notes"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o602, 1)])
def test_a_secret_that_everybody_can_read_is_noted(mode: int, notes: int, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(mode)
    config = load(put(tmp_path, chain("http://127.0.0.1:1", '{ file = "key" }')), {})

    assert len(config.notes) == notes
    assert all("chmod 600 key" in note for note in config.notes)


@contextmanager
def without_root() -> Iterator[None]:
    """Act as a user for whom files can be closed: to root nothing is."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_secret_that_cannot_be_read_is_a_mistake() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0)
        file = put(folder, chain("http://127.0.0.1:1", '{ file = "key" }'))
        with without_root(), pytest.raises(ConfigError, match="Permission denied"):
            load(file, {})


@pytest.mark.anyio
async def test_loading_asks_nobody(tmp_path: Path) -> None:
    async with OpenAISimulator() as simulator:
        file = put(tmp_path, chain(f"{simulator.url}/v1", '{ env = "THE_KEY" }'))
        router = await anyio.to_thread.run_sync(lambda: load(file, {"THE_KEY": KEY}), abandon_on_cancel=False)
        await anyio.wait_all_tasks_blocked()

    assert router.providers
    assert simulator.requests == []


@pytest.mark.parametrize("setting", ["api_key", "proxy", "headers.x-key", "cookies.a", "model"])
def test_a_found_file_sends_no_variable_but_those_of_the_router(setting: str, tmp_path: Path) -> None:
    """A cloned folder may hold a router.toml that names a cloud key and an address of its own."""

    def text(name: str) -> str:
        table = '[[provider]]\nadapter = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
        return f'{table}{setting} = {{ env = "{name}" }}\n'

    environ = {"OPENAI_API_KEY": KEY, "CHAT_ROUTER_OPENAI_API_KEY": KEY}
    with pytest.raises(ConfigError) as caught:
        load(put(tmp_path, text("OPENAI_API_KEY")), environ, trusted=False)
    (mistake,) = caught.value.mistakes

    assert (mistake.line, mistake.key) == (4, f"provider 1: {setting}.env")
    assert "begin with CHAT_ROUTER_" in mistake.text
    assert "--config" in mistake.text
    assert KEY not in str(caught.value)
    assert load(put(tmp_path, text("OPENAI_API_KEY")), environ).providers
    assert load(put(tmp_path, text("CHAT_ROUTER_OPENAI_API_KEY")), environ, trusted=False).providers


def test_a_found_file_does_not_learn_which_variables_are_set(tmp_path: Path) -> None:
    text = chain("http://127.0.0.1:1/v1", '{ env = "OPENAI_API_KEY" }')
    told = []
    for environ in ({}, {"OPENAI_API_KEY": KEY}):
        with pytest.raises(ConfigError) as caught:
            load(put(tmp_path, text), environ, trusted=False)
        told.append(str(caught.value))

    assert told[0] == told[1]
