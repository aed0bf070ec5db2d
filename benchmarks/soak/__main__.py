"""Runs the soak, judges it, keeps the result, and fails where something grew or a reply was wrong."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from functools import partial

import anyio

from benchmarks import readme, records
from benchmarks.figures import rounded
from benchmarks.running import line, process
from benchmarks.soak.judging import judge
from benchmarks.soak.load import Load


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run it; exit code 1 where the run was not clean."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200, help="how long (1200)")
    parser.add_argument("--rate", type=float, default=85, help="requests a second (85)")
    parser.add_argument("--backend", default="asyncio", help="asyncio or trio")
    parser.add_argument("--no-files", action="store_true", help="print only")
    options = parser.parse_args()
    machine = records.machine()
    with process([sys.executable, "-m", "benchmarks.soak.service"], 0) as service:
        told = line(service.stdout)
        load = Load(told["urls"], told["text"], options.rate, options.seconds, say)
        anyio.run(partial(load.run), backend=options.backend)
    judged = judge(load.samples)
    record = {
        "machine": machine,
        "versions": records.versions(),
        "seconds": options.seconds,
        "rate": options.rate,
        "backend": options.backend,
        "counts": dict(load.counts.most_common()),
        "failures": dict(load.failures.most_common()),
        "judged": [rounded(asdict(each)) for each in judged],
        "samples": [rounded(sample) for sample in load.samples[:: max(1, len(load.samples) // 60)]],
    }
    say(readme.soak(record))
    if not options.no_files:
        records.save("soak", record)
        readme.update()
    complaints = [each.complaint for each in judged if not each.flat]
    if load.counts["wrong"]:
        complaints.append(f"{load.counts['wrong']} replies were neither whole nor failed: see the counts")
    if complaints:
        sys.exit("not flat:\n" + "\n".join(complaints))
    say("flat: nothing grew by more than is allowed, and no reply was wrong")


if __name__ == "__main__":
    main()
