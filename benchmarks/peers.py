"""The peers: each in an environment of its own, which is made on first use."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from benchmarks.running import Runner

FOLDER: Final = Path(__file__).parent / ".peers"
PEERS: Final = {
    "openai": ("openai", "anyio"),
    "g4f": ("g4f", "aiohttp", "anyio"),
    "litellm": ("litellm", "anyio"),
    "pydantic-ai": ("pydantic-ai-slim[openai]", "anyio"),
    "langchain": ("langchain-openai", "anyio"),
}
"""Subject -> what its environment needs."""
CHAINS: Final = frozenset(PEERS) - {"openai"}
"""Those that have a chain of providers."""


class NotInstalled(Exception):
    """A peer's environment could not be made; the message says why."""


def install(name: str) -> Runner:
    """Return the runner of a peer, its environment made on first use.

    Raises:
        NotInstalled: Its packages cannot be installed, or cannot be imported.
    """
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        sys.stdout.write(f"installing {name} …\n")
        sys.stdout.flush()
        venv.create(folder, with_pip=True, clear=True)
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *PEERS[name],
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            words = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
            raise NotInstalled(words[-1] if words else f"pip ended with {done.returncode}")
        (folder / "ready").touch()
    return Runner(name, str(python))


def packages(runner: Runner) -> str:
    """Return the name and version of the package that a peer's environment was made for."""
    name = PEERS[runner.name][0].partition("[")[0]
    code = f"import json, importlib.metadata as m; print(json.dumps(m.version({name!r})))"
    done = subprocess.run([runner.python, "-c", code], capture_output=True, text=True, check=True)
    return f"{name} {json.loads(done.stdout)}"
