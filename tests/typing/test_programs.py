"""A type checker accepts the right programs, and says of each wrong line what is wrong with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_FOUND = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


def _environment() -> dict[str, str]:
    return {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}


@pytest.mark.timeout(900)
def test_mypy_tells_right_programs_from_wrong_ones() -> None:
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'of-programs'}"  # mypy sees itself what has changed
    command = [
        sys.executable, "-m", "mypy", "--config-file=", "--strict", "--hide-error-context",
        "--no-error-summary", "--no-pretty", cache, "right.py", "wrong.py",
    ]  # fmt: skip
    found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, env=_environment())

    said = {(m["file"], int(m["line"]), m["code"]) for m in map(_FOUND.match, found.stdout.splitlines()) if m}
    lines = (HERE / "wrong.py").read_text().splitlines()
    wanted = {
        ("wrong.py", number, code)
        for number, line in enumerate(lines, 1)
        for code in line.partition("# error: ")[2].split(", ")
        if code and not line.startswith(("A line", '"'))
    }

    assert len(wanted) >= 40, found.stderr
    assert wanted == said, found.stdout
