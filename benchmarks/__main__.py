"""What the router costs, beside raw httpx and raw aiohttp in the same run; with `--peers` beside its peers.

    make bench          ours, raw httpx, raw aiohttp, a hand-written limit: at most two minutes
    make bench-peers    the peers, each in an environment of its own

CPU time is that of the subject's process alone. Machines are noisy: the ratios of medians are what to quote.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from benchmarks import cases, garbage, imports, peers, readme, records, tables
from benchmarks.figures import Measured, rounded
from benchmarks.running import Runner, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cases import Case

SECONDS: Final = 112.0
"""For everything; what a slow machine needs for the one round that always runs comes on top."""
HTTPX, AIOHTTP, LIMIT, OURS = Runner("httpx"), Runner("aiohttp"), Runner("limit"), Runner("ours")
OVER_AIOHTTP, OVER_HTTPX, TRIO = Runner("httpx-aiohttp"), Runner("ours-httpx"), Runner("ours", backend="trio")
HTTPX_TRIO, OVER_HTTPX_TRIO = Runner("httpx", backend="trio"), Runner("ours-httpx", backend="trio")


@dataclass(frozen=True, slots=True)
class Section:
    """Cases that are measured together, in processes of their own, and their share of the time."""

    cases: Sequence[Case]
    runners: Sequence[Runner]
    rounds: int
    share: float


BENCH: Final = (
    Section(
        cases.REPLIES,
        (HTTPX, AIOHTTP, OVER_AIOHTTP, LIMIT, OURS, TRIO, OVER_HTTPX, HTTPX_TRIO, OVER_HTTPX_TRIO),
        5, 0.36,
    ),
    Section(cases.MANY, (HTTPX, AIOHTTP, OVER_AIOHTTP, LIMIT, OURS, TRIO, OVER_HTTPX), 3, 0.34),
    Section(cases.FAILOVER, (OURS, TRIO, OVER_HTTPX), 5, 0.05),
    Section(cases.STREAMS, (HTTPX, AIOHTTP, OURS, TRIO), 3, 0.11),
    Section((*cases.SIZES, *cases.HISTORIES), (HTTPX, AIOHTTP, OURS), 3, 0.06),
    Section(cases.PROVIDERS, (OURS, TRIO), 3, 0.02),
    Section(cases.REQUESTS, (OURS,), 1, 0.05),
)  # fmt: skip


def bench(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure everything but the peers; return the record."""
    machine, begun = records.machine(), time.monotonic()
    found: list[Measured] = []
    for section in BENCH:
        sys.stdout.write(f"{section.cases[0].name} …\n")
        sys.stdout.flush()
        found += measure(section.runners, section.cases, min(rounds, section.rounds), section.share * seconds)
    return {
        "machine": machine,
        "versions": records.versions(),
        "imports": rounded(imports.seconds()),
        "garbage": anyio.run(garbage.allocated),
        "seconds": round(time.monotonic() - begun, 1),
        "measured": records.as_json(found),
    }


def bench_peers(rounds: int) -> None:
    """Measure the peers beside raw httpx and the router; the record is kept after each part."""
    machine = records.machine()
    installed: list[Runner] = []
    missing: dict[str, str] = {}
    for name in peers.PEERS:
        try:
            installed.append(peers.install(name))
        except peers.NotInstalled as error:
            missing[name] = str(error)
    plain = [case for case in cases.REPLIES if not case.tls]
    many = [replace(case, only=()) for case in cases.MANY if not case.tls]
    everyone = (HTTPX, AIOHTTP, OURS, TRIO, *installed)
    found: list[Measured] = []
    chains = (OURS, TRIO, *(each for each in installed if each.name in peers.CHAINS))
    for chosen, runners, at_most in (
        (plain, everyone, rounds),
        (cases.FAILOVER, chains, min(rounds, 2)),
        (many, everyone, 1),
    ):
        sys.stdout.write(f"{chosen[0].name} …\n")
        sys.stdout.flush()
        found += measure(runners, chosen, at_most)
        record = {
            "machine": machine,
            "versions": records.versions(),
            "packages": {each.name: peers.packages(each) for each in installed},
            "missing": missing,
            "measured": records.as_json(found),
        }
        records.save("peers", record)


def main() -> None:
    """Run the benchmark, keep what it found, and fill the README in."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each case and subject, at most (5)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for everything ({SECONDS:g})")
    parser.add_argument("--case", action="append", help="only cases whose name begins so; nothing is kept")
    parser.add_argument("--subject", action="append", help="only these, raw httpx besides; with --case")
    parser.add_argument("--peers", action="store_true", help="the peers; installs them on first use")
    options = parser.parse_args()
    if options.case:
        every = [case for section in BENCH for case in section.cases]
        chosen = [case for case in every if any(case.name.startswith(start) for start in options.case)]
        named = {runner.label: runner for section in BENCH for runner in section.runners}
        labels = ["httpx", *(options.subject or named)]
        runners = [named[label] for label in dict.fromkeys(labels)]
        found = measure(runners, chosen, options.rounds)
        sys.stdout.write(tables.cases(found, [case.name for case in chosen]) + "\n")
        return
    if options.peers:
        bench_peers(options.rounds)
    else:
        records.save("bench", bench(options.rounds, options.seconds))
    readme.update()
    sys.stdout.write(f"see {readme.README.relative_to(readme.README.parents[1])}\n")


if __name__ == "__main__":
    main()
