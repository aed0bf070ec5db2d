"""A Ctrl-C while the command is still loading ends it as quietly as a later one."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from router._interrupt import is_command
from tests.depth import sampled
from tests.router.cli.command import ROOT, environment

if TYPE_CHECKING:
    from pathlib import Path

LOADED = ["adapters.contract.message", "anyio", "router._router", "typer", "router.cli.app"]
"""Modules in the order in which they are loaded; the signal comes when Python has told of one."""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The command as pip installs it."""
    path = tmp_path / "chat-router"
    path.write_text("import sys\nfrom router.__main__ import main\nsys.exit(main())\n", encoding="utf-8")
    return path


def interrupted(module: str, *program: str) -> tuple[int, bytes]:
    """Start the command, send it a SIGINT when it has loaded a module, and return its code and its errors."""
    command = [sys.executable, "-X", "importtime", *program, "simulate", "h2o"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, cwd=ROOT, env=environment()) as process:
        assert process.stderr is not None
        errors, sent = b"", False
        try:
            for line in process.stderr:  # Python writes each line at once
                if line.rstrip().endswith(b" " + module.encode()):
                    process.send_signal(signal.SIGINT)
                    sent = True
                if not line.startswith(b"import time:"):
                    errors += line
                assert sent or b"router.cli.simulate" not in line, f"{module} was not loaded"
            return process.wait(60), errors
        finally:
            process.kill()


@pytest.mark.parametrize("module", sampled(LOADED, 0.2, "early interrupts"))
def test_a_ctrl_c_while_it_loads_ends_the_module_quietly(module: str) -> None:
    assert interrupted(module, "-m", "router") == (130, b"")


@pytest.mark.parametrize("module", sampled(LOADED, 0.2, "early interrupts of the script"))
def test_a_ctrl_c_while_it_loads_ends_the_script_quietly(module: str, script: Path) -> None:
    assert interrupted(module, str(script)) == (130, b"")


@pytest.mark.parametrize(
    ("argv", "original", "is_ours"),
    [
        (["-m", "ask"], ["python", "-X", "dev", "-m", "router", "ask"], True),
        (["-m", "router"], ["python", "-m", "pytest", "router"], False),
        (["-m"], ["python", "-m", "router"], True),
        (["/usr/bin/chat-router", "demo"], ["python", "/usr/bin/chat-router", "demo"], True),
        (["/usr/bin/app", "chat-router"], ["python", "/usr/bin/app", "chat-router"], False),
        (["-c"], ["python", "-c", "import router"], False),
        ([""], ["python"], False),
        ([], ["python"], False),
    ],
)
def test_only_the_command_is_interrupted_in_this_way(
    argv: list[str], original: list[str], is_ours: bool
) -> None:
    assert is_command(argv, original) is is_ours


@pytest.mark.parametrize(
    ("before", "handler"),
    [
        ("", "default_int_handler"),
        ("sys.argv[0] = 'chat-router'; signal.signal(signal.SIGINT, signal.SIG_IGN)", "SIG_IGN"),
    ],
)
def test_who_wants_another_handling_keeps_it(before: str, handler: str) -> None:
    """A program that imports the library, and the command where a shell has it ignore the signal."""
    code = f"import signal, sys\n{before}\nimport router\n"
    code += f"assert signal.getsignal(signal.SIGINT) is signal.{handler}, signal.getsignal(signal.SIGINT)"

    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), cwd=ROOT, timeout=60)
