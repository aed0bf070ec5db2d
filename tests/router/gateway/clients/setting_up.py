"""Sets up an environment for each kind of program: `make clients`. What cannot be had says why."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from tests.servers.places import HOME

FOLDER: Final = HOME.parent / "clients"
"""Outside of the checkout, as the servers are."""
_PYPROJECT: Final = Path(__file__).parents[4] / "pyproject.toml"
_PROJECT: Final = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
OURS: Final[list[str]] = _PROJECT["dependencies"]
"""What chat-router needs."""
PYTHON: Final = {
    "openai-1.57.0": ("openai==1.57.0", "httpx==0.27.2"),
    "langchain": ("langchain-openai==1.7.4",),
    "pydantic-ai": ("pydantic-ai-slim[openai]==2.68.0",),
    "sync": (
        "flask==3.1.3", "gunicorn==27.0.1", "django==5.2.19", "waitress==3.0.2", "ipykernel==7.4.0",
        "jupyter-client==8.10.0", *OURS,
    ),
}  # fmt: skip
"""Environment -> its packages. openai 1.57 is of December 2024; it breaks with httpx 0.28. `sync` runs
programs with a blocking router inside, so it has what chat-router needs."""
NODE: Final = {"node": ("openai@6.49.0",)}


def lack_of(name: str) -> str | None:
    """Return why the programs of an environment cannot be run, or None where they can."""
    folder = FOLDER / name
    if (folder / "READY").exists():
        return None
    reason = folder / "REASON"
    if reason.exists():
        return f"{name} could not be set up: {reason.read_text().strip()}"
    return f"{name} is not set up; run: make clients"


def python_of(name: str) -> Path:
    """Return the Python of an environment."""
    return FOLDER / name / "bin" / "python"


def commands_of(name: str) -> list[list[str]]:
    """Return what makes an environment."""
    folder = str(FOLDER / name)
    if name in NODE:
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
        return [["node", "--version"], ["npm", "install", *quiet, "--prefix", folder, *NODE[name]]]
    install = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", folder], [*install, *PYTHON[name]]]


def set_up(name: str) -> None:
    """Make an environment, or write down why it cannot be made."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in commands_of(name):
        if shutil.which(command[0]) is None:
            (folder / "REASON").write_text(f"{command[0]} is not on this machine")
            return
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no words"]
            (folder / "REASON").write_text(words[0][:200])
            return
    (folder / "READY").touch()


def main() -> None:
    """Set up what is not there."""
    for name in (*PYTHON, *NODE):
        if lack_of(name) is not None:
            set_up(name)
        sys.stdout.write(f"{name}: {lack_of(name) or 'ready'}\n")


if __name__ == "__main__":
    main()
