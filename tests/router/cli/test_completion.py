"""The tab key, in real shells."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.depth import sampled
from tests.router.cli.command import COMMAND, ROOT, environment
from tests.router.cli.conftest import Command

LINES = [
    ("chat-router hea", "health"),
    ("chat-router ask --provid", "--provider"),
    ("chat-router ask -p backup:ollam", "ollama"),
    ("chat-router ask -c chain.toml -p ser", "server-of-mine"),
    ("chat-router ask --config ch", "chain.toml"),
    ("chat-router health --format ju", "junit"),
    ("chat-router simulate h2", "h2o"),
]
ASKING = {
    "bash": "source ./script; COMP_LINE={line}; COMP_POINT=${{#COMP_LINE}}; _chat_router chat-router; "
    'printf "%s\\n" "${{COMPREPLY[@]}}"; [[ $COMPREPLY ]] || compgen -f {last}',
    "fish": "source ./script; complete -C {line}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program = tmp_path / "bin" / "chat-router"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {shlex.join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    (tmp_path / "chain.toml").write_text('[[provider]]\nname = "server-of-mine"\nadapter = "h2o"\n')
    return tmp_path


ASKED = [("bash", *each) for each in LINES] + [("fish", *each) for each in LINES[1:5:3]]
"""What is completed is the same in all of them."""


@pytest.mark.parametrize(
    ("shell", "line", "word"), sampled(ASKED, 0.2, "completed lines", lambda each: each[0])
)
def test_a_real_shell_completes(shell: str, line: str, word: str, folder: Path, command: Command) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    (folder / "script").write_text(command("completion", shell).out)
    plain = {"bash": ["--norc", "--noprofile"], "fish": ["--no-config"]}[shell]
    asking = ASKING[shell].format(line=shlex.quote(line), last=shlex.quote(line.split()[-1]))
    variables = environment(HOME=str(folder))
    done = subprocess.run(
        [shell, *plain, "-c", asking],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**variables, "PATH": f"{folder / 'bin'}:{variables['PATH']}"},
        text=True,
    )

    assert done.stderr == ""
    assert word in [each.partition("\t")[0] for each in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_real_shell_reads_the_script(shell: str, tmp_path: Path, command: Command) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    script = tmp_path / "script"
    script.write_text(command("completion", shell).out)

    subprocess.run([shell, "-n", str(script)], check=True)


def test_without_a_shell_it_says_how_to_install_each(command: Command) -> None:
    found = command("completion")

    assert found.code == 0
    assert "chat-router completion bash > ~/.chat-router.bash" in found.out
    assert "~/.zfunc/_chat-router" in found.out
    assert "~/.config/fish/completions/chat-router.fish" in found.out
