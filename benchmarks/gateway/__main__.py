"""Runs the benchmark of the gateway, prints its table, and keeps it in `results/gateway.json`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters import OpenAICompatible
from benchmarks.gateway.load import at_once, connected, one_by_one, request_of
from router import Router
from tests.servers.places import lack_of, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS: Final = Path(__file__).parents[1] / "results" / "gateway.json"
GOALS: Final = {
    "added over the router in process, ms": 0.8,
    "added over the raw upstream, ms": 1.5,
    "100 streams, s": 0.65,
    "1000 streams, s": 1.3,
    "peak memory, MiB": 150.0,
}
_DELTAS: Final = 50


class Process:
    """A server in a process of its own.

    Args:
        command: What to run.
    """

    def __init__(self, *command: str) -> None:
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_DOCS": "True"}
        self.running = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **quiet},
        )

    def line(self) -> str:
        """Return the first line that it prints."""
        assert self.running.stdout is not None
        return self.running.stdout.readline()

    @property
    def peak(self) -> float:
        """Its most memory so far, in MiB."""
        status = Path(f"/proc/{self.running.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    @property
    def memory(self) -> float:
        """Its memory now, in MiB."""
        status = Path(f"/proc/{self.running.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu(self) -> float:
        """The seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def stop(self) -> None:
        """End it."""
        self.running.kill()
        self.running.wait()
        assert self.running.stdout is not None
        self.running.stdout.close()


@contextmanager
def process(*command: str) -> Iterator[Process]:
    """Run a server inside."""
    started = Process(*command)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def gateway(upstream: str) -> Iterator[tuple[Process, int]]:
    """Serve the gateway before an upstream, and return its port."""
    with process(sys.executable, "-m", "benchmarks.gateway.server", upstream) as started:
        yield started, int(started.line())


@contextmanager
def litellm(upstream: str) -> Iterator[tuple[Process, int]]:
    """Serve LiteLLM's proxy before an upstream, one worker, and return its port."""
    with tempfile.TemporaryDirectory() as folder:
        model = {"model": "openai/m", "api_base": upstream, "api_key": "x"}
        settings = {
            "model_list": [{"model_name": "m", "litellm_params": model}],
            "general_settings": {"master_key": "sk-1"},
        }
        (Path(folder) / "config.yaml").write_text(json.dumps(settings))
        port = 18_473
        binary = str(place_of("litellm") / "venv" / "bin" / "litellm")
        options = ["--config", f"{folder}/config.yaml", "--host", "127.0.0.1", "--port", str(port)]
        with process(binary, *options, "--num_workers", "1") as started:
            asyncio.run(_listens(port))
            yield started, port


async def _listens(port: int) -> None:
    for _ in range(240):
        try:
            client = await connected(port)
        except OSError:
            await asyncio.sleep(0.5)
        else:
            client.close()
            return
    raise RuntimeError("the server does not listen after two minutes")


async def added(upstream: str, own: int, rounds: int, count: int) -> dict[str, float]:
    """Return the medians of a request, in ms: raw, by the router here, by a gateway; the parts in turns."""
    raw_port, path = int(upstream.split(":")[2].split("/")[0]), "/" + upstream.split("/", 3)[3]
    raw_request = request_of(f"{path}/chat/completions", "m")
    request = request_of("/v1/chat/completions", "m")
    took: dict[str, list[float]] = {"raw": [], "router": [], "gateway": []}
    async with Router([OpenAICompatible(upstream, model="m")], observers=[]) as router:
        for _ in range(rounds):
            took["raw"] += await one_by_one(raw_port, raw_request, count)
            for _ in range(count):
                began = time.perf_counter()
                await router.complete([{"role": "user", "content": "hello"}])
                took["router"].append(time.perf_counter() - began)
            took["gateway"] += await one_by_one(own, request, count)
    found = {name: statistics.median(times) * 1000 for name, times in took.items()}
    found["gateway, p99"] = statistics.quantiles(took["gateway"], n=100)[98] * 1000
    return found


def measured(
    source: Process, port: int, serve: Any, rounds: int, count: int, sizes: list[int]
) -> dict[str, Any]:
    """Return the figures of one gateway before an upstream, which listens on a port."""
    upstream = f"http://127.0.0.1:{port}"
    figures: dict[str, Any] = {}
    with serve(f"{upstream}/1/0/1") as (_, own):
        asyncio.run(one_by_one(own, request_of("/v1/chat/completions", "m"), 20))
        times = asyncio.run(added(f"{upstream}/1/0/1", own, rounds, count))
        figures |= {f"{name}, ms": value for name, value in times.items()}
        figures["added over the router in process, ms"] = times["gateway"] - times["router"]
        figures["added over the raw upstream, ms"] = times["gateway"] - times["raw"]
    with serve(f"{upstream}/{_DELTAS}/10/1") as (started, own):
        request = request_of("/v1/chat/completions", "m")
        for streams in sizes:
            tries = []
            for _ in range(rounds):
                before = (source.cpu, started.cpu, time.process_time())
                seconds, whole = asyncio.run(at_once(own, request, streams, _DELTAS))
                after = (source.cpu, started.cpu, time.process_time())
                tries.append((seconds, whole, *(b - a for a, b in zip(before, after, strict=True))))
            named = f"{streams} streams"
            figures[f"{named}, s"] = statistics.median(each[0] for each in tries)
            figures[f"{named}, quickest, s"] = min(each[0] for each in tries)
            figures[f"{named}, whole"] = f"{sum(each[1] for each in tries)}/{streams * rounds}"
            # They share the machine: what upstream and load take, the gateway may have to wait for.
            for place, who in enumerate(("upstream", "gateway", "load"), 2):
                figures[f"{named}, CPU of the {who}, s"] = statistics.median(each[place] for each in tries)
        figures["peak memory, MiB"] = started.peak
    return figures


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=300, help="requests of a round, one after the other")
    parser.add_argument("--no-peer", action="store_true", help="leave LiteLLM's proxy out")
    given = parser.parse_args()
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        upstream = stack.enter_context(process(sys.executable, "-m", "benchmarks.upstream"))
        port = int(json.loads(upstream.line())["port"])
        results["chat-router"] = measured(upstream, port, gateway, given.rounds, given.count, [100, 1000])
        reason = "left out" if given.no_peer else lack_of("litellm")
        results["litellm proxy"] = (
            {"skipped": reason} if reason else measured(upstream, port, litellm, 2, 50, [100])
        )
    for name, figures in results.items():
        print(name)
        for what, value in figures.items():
            shown = f"{value:8.3f}" if isinstance(value, float) else value
            goal = f"   (goal {GOALS[what]:g})" if name == "chat-router" and what in GOALS else ""
            print(f"  {what:40} {shown}{goal}")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
