"""Keys in a file: several, and those that a command prints; and the other settings of this kind."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from adapters.http.keys import KeyUnavailable
from adapters.simulators.openai import OpenAISimulator
from router import ConfigError, Router
from router.config import load, shown
from router.config.commands import LARGEST, Command
from tests.router.recording import HELLO, Recorder

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-canary-4711"
PRINTS = f"print('{KEY}')"


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def written(folder: Path, lines: str, url: str = "http://127.0.0.1:9/v1") -> Path:
    path = folder / "router.toml"
    path.write_text(f'[[provider]]\nadapter = "openai"\nbase_url = "{url}"\nmodel = "m"\n{lines}\n')
    return path


def quoted(words: list[str]) -> str:
    return "[" + ", ".join(f"'''{word}'''" for word in words) + "]"


@pytest.mark.anyio
async def test_a_command_gives_the_key_and_is_run_again_when_it_is_refused(tmp_path: Path) -> None:
    counts = "open('runs', 'a').write('.'); print('sk-' + str(len(open('runs').read())))"
    async with OpenAISimulator(keys={"sk-2": 200}) as simulator:
        path = written(tmp_path, f"api_key = {{ command = {quoted(python(counts))} }}", f"{simulator.url}/v1")
        seen = Recorder()
        async with Router.from_config(path, observers=[seen]) as router:
            for _ in range(2):
                assert (await router.complete(HELLO)).verdict == "complete"

    assert (tmp_path / "runs").read_text() == "..", "it runs in the folder of the file"
    sent = [request.header("authorization") for request in simulator.requests]
    assert sent == ["Bearer sk-1", "Bearer sk-2", "Bearer sk-2"]


@pytest.mark.anyio
async def test_several_keys_are_named_by_reference(tmp_path: Path) -> None:
    lines = f'api_keys = [{{ env = "A" }}, {{ env = "B" }}, {{ command = {quoted(python(PRINTS))} }}]'
    async with OpenAISimulator(keys={"sk-of-a": 429, "sk-of-b": 402, KEY: 200}) as simulator:
        path = written(tmp_path, lines, f"{simulator.url}/v1")
        seen = Recorder()
        environ = {"A": "sk-of-a", "B": "sk-of-b"}
        async with Router.from_config(path, environ=environ, observers=[seen]) as router:
            await router.complete(HELLO)

    assert [attempt.key for attempt in seen.ledger] == ["#1", "#2", "#3"]
    assert "canary" not in repr(seen.events)
    assert '{ env = "B" }' in shown(load(path, environ)).replace("{env", "{ env").replace('"}', '" }')


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (f"print('{KEY}'); raise SystemExit(7)", "failed with exit code 7"),
        (f"print('{KEY}'); print('{KEY}')", "printed 2 lines"),
        ("pass", "printed no lines"),
        (f"print('{KEY}ä')", "printed what a header cannot carry"),
        (f"print('{KEY}' * {LARGEST})", "printed more than 64 KiB"),
        (f"import time; print('{KEY}', flush=True); time.sleep(60)", "took longer than 0.5 s and was ended"),
        (
            "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
            "took longer than 0.5 s and was ended",
        ),
    ],
)
def test_a_command_without_a_key_is_told_by_its_exit_code_and_shows_nothing(
    tmp_path: Path, program: str, said: str
) -> None:
    started = time.monotonic()

    with pytest.raises(KeyUnavailable) as caught:
        Command(python(program), tmp_path, seconds=0.5)()

    assert said in str(caught.value)
    assert "canary" not in repr(caught.value)
    assert time.monotonic() - started < 10


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    words = [*python("import sys; print(sys.argv[1])"), "$HOME;echo|x"]

    assert Command(words, tmp_path)().reveal() == "$HOME;echo|x"
    assert "HOME" not in repr(Command(words, tmp_path))
    with pytest.raises(KeyUnavailable, match="'no-such-program' cannot be run: No such file"):
        Command(["no-such-program", KEY], tmp_path)()


@pytest.mark.anyio
async def test_a_command_that_fails_is_told_in_the_ledger(tmp_path: Path) -> None:
    path = written(tmp_path, f"api_key = {{ command = {quoted(python('raise SystemExit(3)'))} }}")
    seen = Recorder()
    async with Router.from_config(path, observers=[seen]) as router:
        with pytest.raises(Exception, match="failed with exit code 3"):
            await router.complete(HELLO)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('api_key = { command = "print-key" }', "it must be an array"),
        ("api_key = { command = [] }", "must be the program and its arguments"),
        ("api_key = { command = ['x', 7] }", "must be the program and its arguments"),
        ('api_key = "sk-canary"', "a secret must not stand in this file"),
        ('api_keys = ["sk-canary"]', "a secret must not stand in this file"),
        ("api_keys = []", "api_keys is empty"),
        ('api_keys = { env = "A" }', "it must be an array"),
        ('api_keys = [{ env = "A" }, { env = "A" }]', "same key twice"),
        ('api_key = { env = "A" }\napi_keys = [{ env = "B" }]', "give one of them"),
        ('headers = { x-token = { command = ["x"] } }', "where the value is|write"),
        ('verify = { ca = "none.pem" }', "none.pem cannot be read: No such file"),
        ('verify = { caa = "none.pem" }', "did you mean 'ca'"),
        ('verify = "ca.pem"', "a table or true or false, without quotes"),
        ('verify = { key = "x", password = "canary" }', "a secret must not stand in this file"),
        ("first_content = 0", "more than 0 seconds"),
        ('stall = "60"', "it must be a number"),
        ("http2 = 1", "it must be true or false"),
    ],
)
def test_wrong_settings_are_told_before_anything_is_sent(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load(written(tmp_path, lines), {"A": "sk-of-a-canary", "B": "sk-of-b"})
    assert "canary" not in str(caught.value)


def test_a_file_that_was_only_found_names_no_command_and_no_foreign_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names a command, which runs code"):
        load(written(tmp_path, 'api_key = { command = ["x"] }'), {}, trusted=False)
    with pytest.raises(ConfigError, match="leads out of the folder"):
        load(written(tmp_path, 'verify = { ca = "../ca.pem" }'), {}, trusted=False)


def test_settings_of_a_file_are_those_of_the_code(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    lines = 'verify = { ca = "ca.pem" }\nhttp2 = true\nfirst_content = 120\nstall = 60'
    config = load(written(tmp_path, lines), {})
    adapter: Any = config.providers[0]

    assert (adapter.first_content, adapter.stall) == (120, 60)
    assert "over httpx, with HTTP/2" in repr(adapter)
    (tmp_path / "again.toml").write_text(shown(config))
    again: Any = load(tmp_path / "again.toml", {}).providers[0]
    assert (again.first_content, again.stall, repr(again)) == (120, 60, repr(adapter))


def test_every_adapter_has_its_own_clocks(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    head = '[[provider]]\nadapter = "adapters.scripted:ScriptedAdapter"\nname = "s"\nscript = ["a"]'
    path.write_text(f"{head}\nfirst_content = 7\nstall = 3\n")

    adapter = load(path, {}).providers[0]

    assert (adapter.first_content, adapter.stall) == (7, 3)
