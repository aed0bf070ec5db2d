"""What the router costs, against raw httpx doing the same on the same loopback server in the same run.

    make bench

CPU time of this process only; both sides take turns, and the ratio is that of the medians, because machines
are noisy. Raw httpx means: one client, `aiter_lines()`, `json.loads()` of each event, its content appended.
"""

from __future__ import annotations

import argparse
import gc
import json
import socket
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from adapters import OpenAICompatible
from benchmarks.server import BURST, DELTAS
from router import Router

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MESSAGES: Final = [{"role": "user", "content": "Count, please."}]
IMPORTS: Final = {
    "import router": "import router",
    "import httpx": "import httpx",
}


async def raw(client: httpx.AsyncClient, url: str) -> str:
    """Do what an application does with httpx alone."""
    parts: list[str] = []
    body = {"model": "m", "messages": MESSAGES, "stream": True}
    async with client.stream("POST", url, json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                content = json.loads(line[6:])["choices"][0]["delta"].get("content")
                if content:
                    parts.append(content)
    return "".join(parts)


async def routed(router: Router) -> str:
    """Do the same through the router."""
    async with await router.stream(MESSAGES) as reply:
        return "".join([str(delta) async for delta in reply])


async def _cpu(run: Callable[[], Awaitable[str]], times: int) -> float:
    gc.collect()
    started = time.process_time()
    for _ in range(times):
        await run()
    return (time.process_time() - started) / times


async def compare(port: int, path: str, rounds: int, times: int) -> tuple[float, float]:
    """Return the median CPU seconds per reply of raw httpx and of the router, taking turns."""
    base = f"http://127.0.0.1:{port}/{path}"
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        Router([OpenAICompatible(base, model="m")]) as router,
    ):
        sides: dict[str, Callable[[], Awaitable[str]]] = {
            "raw": lambda: raw(client, f"{base}/chat/completions"),
            "routed": lambda: routed(router),
        }
        if await sides["raw"]() != await sides["routed"]():
            raise RuntimeError("the two sides do not read the same text; the figures would mean nothing")
        seconds: dict[str, list[float]] = {"raw": [], "routed": []}
        for _ in range(rounds):
            for side, run in sides.items():
                seconds[side].append(await _cpu(run, times))
    return statistics.median(seconds["raw"]), statistics.median(seconds["routed"])


async def first_content(port: int, rounds: int) -> tuple[float, float]:
    """Return the median seconds to first content, alone and with one dead provider in front."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
    good = f"http://127.0.0.1:{port}/packed"
    async with (
        Router([OpenAICompatible(good, name="good")]) as alone,
        Router([OpenAICompatible(dead, name="dead"), OpenAICompatible(good, name="good")]) as behind,
    ):
        seconds: dict[Router, list[float]] = {alone: [], behind: []}
        for _ in range(rounds):
            for router, found in seconds.items():
                started = time.perf_counter()
                async with await router.stream(MESSAGES):
                    found.append(time.perf_counter() - started)
        return statistics.median(seconds[alone]), statistics.median(seconds[behind])


def import_seconds(statement: str, rounds: int) -> float:
    """Return the median seconds that `statement` takes in a fresh interpreter."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(rounds)
    )
    return statistics.median(float(run.stdout) for run in runs)


def report(port: int, backend: str, rounds: int) -> None:
    """Run everything on one backend, and print its table."""
    print(f"{backend}: CPU of this process, medians of {rounds} rounds taking turns")
    for label, path, times, unit, per in (
        (f"{DELTAS} deltas, 1 ms apart", "stream", 10, "reply", 1),
        (f"{DELTAS} deltas, no pause", "packed", 20, "reply", 1),
        (f"{BURST} deltas in one write", "burst", 2, "delta", BURST),
    ):
        bare, ours = anyio.run(compare, port, path, rounds, times, backend=backend)
        print(
            f"  {label:25} raw httpx {bare / per * 1e6:7.1f} µs   router {ours / per * 1e6:7.1f} µs a {unit}"
            f"   ratio {ours / bare:.2f}"
        )
    alone, behind = anyio.run(first_content, port, rounds * 5, backend=backend)
    print(f"  {'first content':25} alone {alone * 1e3:.2f} ms   with one dead in front {behind * 1e3:.2f} ms")


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--backend", choices=("asyncio", "trio"), action="append")
    options = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.server"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        for backend in options.backend or ("asyncio", "trio"):
            report(port, backend, options.rounds)
    finally:
        server.kill()
        server.wait()
    print("import, medians of fresh interpreters")
    for label, statement in IMPORTS.items():
        print(f"  {label:24} {import_seconds(statement, options.rounds):.3f} s")


if __name__ == "__main__":
    main()
