"""The gateways of a storm and their store: processes that may be killed, and started again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from redis import RedisError

from benchmarks.gateway.__main__ import Process
from router.replicas.scripts import Keys
from tests.router.replicas.servers import Server, free_port, program_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Member:
    """A gateway in a process of its own, on one port for all its lives.

    Args:
        number: Names it.
        options: Of the process.

    Attributes:
        open: The words of the requests that are open on it.
        doomed: The words of those that were open when it was killed.
        is_down: Whether it is killed, and not started again yet.
        memory: In MiB, after each part of the storm in which it ran from the beginning.
    """

    def __init__(self, number: int, *options: str) -> None:
        self.number = number
        self.open: set[str] = set()
        self.doomed: set[str] = set()
        self.is_down = False
        self.memory: list[float] = []
        self._options = options
        self._is_dying = self._is_new = False
        self.port = free_port()
        self._process = self._started()
        self._process.line()

    def _started(self) -> Process:
        words = ["--role", "gateway", "--port", str(self.port), *self._options]
        return Process(sys.executable, "-m", "benchmarks.gateway.storm", *words)

    def begins(self, word: str) -> None:
        """Note that a request begins on it."""
        self.open.add(word)
        if self._is_dying:
            self.doomed.add(word)

    def ends(self, word: str) -> None:
        """Note that a request ended."""
        self.open.discard(word)

    def measure(self) -> None:
        """Note its memory, unless it was started in this part, and saw a piece of the load."""
        if not self._is_new:
            self.memory.append(self._process.memory)
        self._is_new = False

    async def kill(self) -> None:
        """Kill it, whatever it does."""
        self.doomed |= self.open
        self.is_down = self._is_dying = True
        await to_thread.run_sync(self._process.stop)
        self._is_dying = False

    async def start(self) -> None:
        """Start it again."""
        self._process = self._started()
        if not await to_thread.run_sync(self._process.line):
            raise RuntimeError(f"gateway {self.number} did not start again on port {self.port}")
        self.is_down = False
        self.memory, self._is_new = [], True

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class Store:
    """A redis-server on loopback that the gateways share.

    Args:
        folder: For its files.

    Raises:
        RuntimeError: There is no redis-server.
    """

    def __init__(self, folder: Path) -> None:
        program = program_of("redis-server")
        if program is None:
            raise RuntimeError("there is no redis-server; apt-get install redis-server")
        self._server = Server(program, folder)
        self.url = self._server.url

    async def kill(self) -> None:
        """Kill it."""
        await to_thread.run_sync(self._server.kill)

    async def start(self) -> None:
        """Start it again, empty."""
        await to_thread.run_sync(self._server.start)

    def replicas(self) -> int:
        """Return how many gateways gave it a sign of life in the last seconds."""
        with self._server.client() as client:
            try:
                return int(client.zcard(Keys("storm").alive))
            except RedisError:
                return 0

    async def saw(self, count: int, seconds: float = 15.0) -> bool:
        """Wait until so many gateways share; return whether they do in time."""
        for _ in range(int(seconds / 0.1)):
            if await to_thread.run_sync(self.replicas) == count:
                return True
            await anyio.sleep(0.1)
        return False

    def stop(self) -> None:
        """End it."""
        self._server.kill()


@contextmanager
def members(count: int, *options: str) -> Iterator[list[Member]]:
    """Run so many gateways inside."""
    started: list[Member] = []
    try:
        started.extend(Member(number, *options) for number in range(count))
        yield started
    finally:
        for each in started:
            each.stop()
