"""Runs every library through the scenarios, keeps what came of it, and fills docs/why/comparison.md in.

python -m benchmarks.comparison          some five minutes; the first time it installs the libraries
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks import peers, records
from benchmarks.comparison import page
from benchmarks.comparison.peers import PEERS

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENTS: Final = {"litellm-group": "litellm"}
"""Whose environment a library uses that has none of its own."""
DISTRIBUTIONS: Final = {
    "langchain": "langchain-core",
    "litellm-group": "litellm",
    "pydantic-ai": "pydantic-ai-slim",
}
"""Whose version is told, where the package has another name."""
SECONDS: Final = 600
"""After which a library is given up."""


def play(name: str, python: str, port: int) -> list[dict[str, Any]]:
    """Return what came of the scenarios with one library."""
    command = [python, "-m", "benchmarks.comparison.driving", name, str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [{"peer": name, **json.loads(line)} for line in done.stdout.splitlines() if line.startswith("{")]


def installed(python: str, distribution: str) -> str:
    """Return the version of a package in an environment."""
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Install, run, keep, fill in."""
    pythons = {"ours": sys.executable}
    packages = {"ours": version("chat-router")}
    missing: dict[str, str] = {}
    for name in PEERS:
        if name == "ours":
            continue
        try:
            runner = peers.install(ENVIRONMENTS.get(name, name))
        except peers.NotInstalled as error:
            missing[name] = str(error)
        else:
            pythons[name] = runner.python
            packages[name] = installed(runner.python, DISTRIBUTIONS.get(name, name))
    upstream = [sys.executable, "-m", "benchmarks.comparison.upstream"]
    with subprocess.Popen(
        upstream, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        port = int(served.stdout.readline())
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda name: play(name, pythons[name], port), pythons))
        served.stdin.close()
    record = {
        "machine": records.machine(),
        "packages": packages,
        "missing": missing,
        "played": [each for results in found for each in results],
    }
    records.save("comparison", record)
    page.update()


if __name__ == "__main__":
    main()
