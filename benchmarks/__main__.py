"""What the router costs, beside raw httpx and raw aiohttp in the same run; with `--peers` beside its peers.

    make bench          ours, raw httpx, raw aiohttp, a hand-written limit
    make bench-peers    the peers too, each in an environment of its own

CPU time is that of the subject's process alone. Machines are noisy: the ratios of medians are what to quote.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from benchmarks.cases import CASES, FAILOVER
from benchmarks.running import Runner, measure
from benchmarks.tables import as_markdown, write

RESULTS: Final = Path(__file__).parent / "results"
PEERS: Final = {
    "openai": ("openai", "anyio"),
    "litellm": ("litellm", "anyio"),
    "pydantic-ai": ("pydantic-ai-slim[openai]", "anyio"),
    "langchain": ("langchain-openai", "anyio"),
}
"""Subject -> what its environment needs."""


def peer(name: str) -> Runner:
    """Return the runner of a peer, its environment made on first use."""
    folder = Path(__file__).parent / ".peers" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        sys.stdout.write(f"installing {name} …\n")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
        (folder / "ready").touch()
    return Runner(name, str(python))


def main() -> None:
    """Run the benchmark, print its tables, and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each case and subject (5)")
    parser.add_argument("--case", action="append", help="only cases whose name begins so")
    parser.add_argument("--subject", action="append", help="only these, raw httpx besides")
    parser.add_argument("--peers", action="store_true", help="the peers, too; installs them on first use")
    parser.add_argument("--no-files", action="store_true", help="print only")
    options = parser.parse_args()
    base = [Runner("httpx"), Runner("aiohttp"), Runner("limit"), Runner("ours"), Runner("ours-httpx")]
    base += [Runner("ours", backend="trio"), Runner("httpx", backend="trio")]
    if options.subject:
        base = [each for each in base if each.label in {"httpx", *options.subject}]
    chains = [each for each in base if each.name.startswith("ours")]
    if options.peers:
        peers = [peer(name) for name in PEERS]
        base, chains = [*base, *peers], [*chains, *(each for each in peers if each.name != "openai")]

    def chosen(name: str) -> bool:
        return not options.case or any(name.startswith(start) for start in options.case)

    plain = [case for case in CASES if chosen(case.name) and not (options.peers and case.tls)]
    failing = [case for case in FAILOVER if chosen(case.name)]
    found = measure(base, plain, options.rounds) if plain else []
    if failing:
        found += measure(chains, failing, options.rounds)
    sys.stdout.write(as_markdown(found))
    if not options.no_files:
        write(found, RESULTS, "peers" if options.peers else "bench")


if __name__ == "__main__":
    main()
