"""The unit of systemd, checked by its own tools, and the options that unit and Containerfile name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

DEPLOY: Final = Path(__file__).parents[2] / "docs" / "deploy"
UNIT: Final = DEPLOY / "chat-router.service"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
def test_the_unit_has_no_mistakes(tmp_path: Path) -> None:
    text = UNIT.read_text()
    command = "/opt/chat-router/bin/chat-router serve"
    assert text.count(command) == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(command, f"{sys.executable} serve"))
    done = analyze("verify", "--man=no", copy)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_unit_exposes_little() -> None:
    done = analyze("security", "--offline=true", "--threshold=20", UNIT)  # of 100
    assert done.returncode == 0, done.stdout[-300:]


def test_both_start_the_command_with_options_that_it_has() -> None:
    from router.cli.serve import command

    known = {f"--{name}" for name in command.__annotations__}
    said = UNIT.read_text() + (DEPLOY / "Containerfile").read_text()
    lines = [line for line in said.splitlines() if line.startswith(("ExecStart=", "CMD "))]
    options = {
        word.strip('",[]') for line in lines for word in line.split() if word.strip('"').startswith("--")
    }
    assert len(lines) == 2
    assert {"--config", "--port"} <= options <= known
