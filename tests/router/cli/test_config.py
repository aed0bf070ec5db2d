"""`chat-router config`, and what other commands do with a file."""

import os
import re
from pathlib import Path

import pytest

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from tests.router.cli.command import run
from tests.router.cli.conftest import Command, Serve
from tests.router.cli.terminal import on_terminal
from tests.router.config.good import ENVIRON, GOOD, put

OK = '[[provider]]\nadapter = "aura"\nbase_url = "http://127.0.0.1:1"\n'


def table(adapter: str, url: str, rest: str = "") -> str:
    return f'[[provider]]\nadapter = "{adapter}"\nbase_url = "{url}"\n{rest}\n'


def test_a_good_file_is_ok_in_one_line(tmp_path: Path) -> None:
    found = run("config", "check", str(put(tmp_path, GOOD)), **ENVIRON)

    assert (found.code, found.err) == (0, "")
    assert found.out == "ok: 5 providers: first > opchatgpts > open_assistant > aura > chat_anywhere\n"


def test_one_provider_is_one(tmp_path: Path, command: Command) -> None:
    assert command("config", "check", str(put(tmp_path, OK))).out == "ok: 1 provider: aura\n"


@pytest.mark.parametrize(
    "arguments", [("config", "check"), ("config", "show"), ("health", "-c"), ("ask", "Hi", "-c")]
)
def test_every_mistake_is_a_line_and_the_exit_code_64(
    arguments: tuple[str, ...], tmp_path: Path, command: Command
) -> None:
    file = put(tmp_path, f"{OK}[timeouts]\nstal = 1\ntotal = -1\n")
    found = command(*arguments, str(file))

    assert (found.code, found.out) == (64, "")
    assert found.err.splitlines() == [
        f"chat-router: {file} has 2 mistakes:",
        f"{file}:5: timeouts.stal: unknown key 'stal'; did you mean 'stall'?",
        f"{file}:6: timeouts.total: is -1.0; it must be at least 0.5 seconds: no attempt starts with less",
    ]


def test_a_process_tells_mistakes_without_a_traceback(tmp_path: Path) -> None:
    found = run("config", "check", str(put(tmp_path, "a = \n")))

    assert (found.code, found.out, found.err.count("\n")) == (64, "", 1)


def test_a_terminal_is_not_taken_over_by_a_file(tmp_path: Path) -> None:
    file = put(tmp_path, OK + '"\\u001b]0;title\\u0007" = 1\n')
    shown = on_terminal("config", "check", str(file))

    assert shown.code == 64
    assert "\x1b" not in shown.err


def test_a_note_goes_to_standard_error(tmp_path: Path, command: Command) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o644)
    found = command("config", "check", str(put(tmp_path, f'{OK}key = {{ file = "key" }}\n')))

    assert (found.code, found.out) == (0, "ok: 1 provider: aura\n")
    assert found.err == "chat-router: key can be read by every user of this machine; chmod 600 key\n"


def test_what_is_shown_is_a_file(tmp_path: Path, command: Command) -> None:
    shown = command("config", "show", str(put(tmp_path, GOOD)), **ENVIRON)
    again = command("config", "show", str(put(tmp_path, shown.out)), **ENVIRON)

    assert shown.code == 0
    assert shown.out == again.out


@pytest.mark.parametrize("name", ["check", "show", "schema"])
def test_help_says_how(name: str, command: Command) -> None:
    found = command("config", name, "--help")

    assert found.code == 0
    assert f"chat-router config {name}" in found.out


@pytest.mark.parametrize("name", ["check", "show"])
def test_no_file_is_a_mistake(
    name: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = command("config", name)

    assert (found.code, found.err) == (
        64,
        "chat-router: there is no router.toml in this folder; name a file\n",
    )


# -- the chain of a file ----------------------------------------------------------------------------


def test_the_chain_of_a_file_is_asked_in_its_order(
    tmp_path: Path, serve: Serve, command: Command, backend: str
) -> None:
    sick, well = serve(load("h2o")(fault="500")), serve(load("aura")(text="I am well."))
    unasked = serve(load("chat_anywhere")())
    text = table("h2o", sick.url) + table("aura", well.url) + table("chat_anywhere", unasked.url)
    found = command("ask", "Hi", "--config", str(put(tmp_path, text)), "-v", "--backend", backend)

    assert (found.code, found.out) == (0, "I am well.\n")
    assert "h2o: failed" in found.err
    assert "aura: committed" in found.err
    assert unasked.requests == []


def test_the_policies_of_a_file_hold(tmp_path: Path, serve: Serve, command: Command) -> None:
    """By default 500 is tried again in a later round; this file allows one attempt, and turns the order."""
    sick, well = serve(OpenAISimulator(fault="500")), serve(load("aura")(text="I am well."))
    policies = """
[retry]
attempts = 1
[strategy]
kind = "weighted"
weights = { openai = 0, aura = 1 }
"""
    text = table("openai", f"{sick.url}/v1", 'model = "m"') + table("aura", well.url) + policies
    file = str(put(tmp_path, text))

    assert command("ask", "Hi", "-c", file).out == "I am well.\n"
    assert sick.requests == []
    assert command("ask", "Hi", "-c", file, "-p", "openai").code == 1
    assert len(sick.requests) == 1


def test_an_option_goes_before_the_file(tmp_path: Path, serve: Serve, command: Command) -> None:
    simulator = serve(load("aura")(fault="stall"))
    file = str(put(tmp_path, table("aura", simulator.url) + "[timeouts]\ntotal = 100\nfirst_content = 90\n"))
    found = command("ask", "Hi", "-c", file, "--timeout", "0.6", "-v")

    assert found.code == 1
    assert re.search(r"first content due within 0\.[56]\d* s", found.err)


def test_providers_of_a_file_are_chosen_by_name(tmp_path: Path, serve: Serve, command: Command) -> None:
    one, other = serve(load("aura")(text="One.")), serve(load("aura")(text="Other."))
    weights = '[strategy]\nkind = "weighted"\nweights = { aura = 1, other = 0 }\n'
    text = table("aura", one.url) + table("aura", other.url, 'name = "other"') + weights
    file = str(put(tmp_path, text))

    assert command("ask", "Hi", "-c", file).out == "One.\n"
    assert command("ask", "Hi", "-c", file, "-p", "other", "-p", "aura").out == "Other.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-p", "auro"), "has no provider 'auro'; did you mean 'aura'?"),
        (("-p", "h2o=http://127.0.0.1:1"), "--provider takes the names in the file"),
        (("-p", "aura", "-p", "aura"), "--provider aura is given twice"),
    ],
)
def test_a_name_that_is_not_in_the_file_is_a_mistake(
    arguments: tuple[str, ...], words: str, tmp_path: Path, command: Command
) -> None:
    found = command("ask", "Hi", "-c", str(put(tmp_path, OK)), *arguments)

    assert (found.code, found.err.count("\n")) == (64, 1)
    assert words in found.err


def test_health_checks_the_chain_of_a_file(tmp_path: Path, serve: Serve, command: Command) -> None:
    one, other = serve(load("h2o")()), serve(load("aura")())
    found = command(
        "health", "--config", str(put(tmp_path, table("h2o", one.url) + table("aura", other.url)))
    )

    assert found.code == 0
    assert "h2o" in found.out
    assert "aura" in found.out


# -- a file that was only found ---------------------------------------------------------------------


def test_the_file_in_this_folder_is_found(
    tmp_path: Path, serve: Serve, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(load("aura")(text="Found."))
    put(tmp_path, table("aura", simulator.url))
    monkeypatch.chdir(tmp_path)

    assert command("ask", "Hi").out == "Found.\n"
    assert command("config", "check").out == "ok: 1 provider: aura\n"
    assert command("health").code == 0


def test_it_is_not_looked_for_where_providers_are_named(
    tmp_path: Path, serve: Serve, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(load("aura")(text="Named."))
    put(tmp_path, "this is no TOML")
    monkeypatch.chdir(tmp_path)

    assert command("ask", "Hi", "-p", f"aura={simulator.url}").out == "Named.\n"


@pytest.mark.parametrize("arguments", [("ask", "Hi"), ("config", "check"), ("health",)])
def test_a_found_file_runs_no_code(
    arguments: tuple[str, ...], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_of_a_stranger.py").write_text("open('ran', 'w').close()")
    put(tmp_path, '[[provider]]\nadapter = "evil_of_a_stranger:Some"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = command(*arguments)

    assert (found.code, found.err.count("\n")) == (64, 1)
    assert "which runs code, but this file was found, not named" in found.err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["../key", "{folder}/key", "link"])
def test_a_found_file_reads_no_file_outside_of_its_folder(
    where: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o600)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "key")
    file = put(folder, f'{OK}key = {{ file = "{where.format(folder=tmp_path)}" }}\n')
    monkeypatch.chdir(folder)
    found = command("config", "check")

    assert (found.code, found.err.count("\n")) == (64, 1)
    assert "leads out of the folder" in found.err
    assert command("config", "check", str(file)).code == 0


def test_a_found_file_that_everybody_can_write_is_not_used(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path, OK)
    file.chmod(0o666)
    monkeypatch.chdir(tmp_path)
    found = command("config", "check")

    assert found.code == 64
    assert "can be written by every user of this machine" in found.err
    assert command("config", "check", "router.toml").code == 0


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives files away")
def test_a_found_file_of_another_user_is_not_used(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(put(tmp_path, OK), 65534, 65534)
    monkeypatch.chdir(tmp_path)

    assert "belongs to another user" in command("config", "check").err
