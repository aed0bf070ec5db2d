"""A store that is cut off so that packets are dropped, not refused: sockets hang. In a network namespace."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import NotWorking
from router.replicas import Replicas
from tests.depth import QUICK
from tests.router.recording import HELLO
from tests.router.replicas.servers import program_of
from tests.router.replicas.test_real_stores import router_of, told
from tests.router.replicas.test_replicas import first, is_shared, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.skipif(QUICK, reason="it starts a program and a network"), pytest.mark.anyio]
HERE, THERE = "198.18.77.1", "198.18.77.2"
"""Of the range for measurements, which no network uses."""


@pytest.fixture
def anyio_backend() -> str:
    """The threads that talk to the store are the same for both."""
    return "asyncio"


class Network:
    """A namespace with a store in it, and one cable to it.

    Args:
        folder: For the store's socket.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "store.sock"
        self._name = f"router{os.getpid()}"
        self._cable = f"rt{os.getpid()}"
        self._store: subprocess.Popen[bytes] | None = None

    def start(self, program: str) -> None:
        """Lay the cable and start the store, which listens at its far end, and on a socket in its folder.

        Raises:
            subprocess.CalledProcessError: The system does not allow it.
        """
        name, cable = self._name, self._cable
        run("ip", "netns", "add", name)
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "store", "netns", name)
        run("ip", "addr", "add", f"{HERE}/30", "dev", cable)
        run("ip", "link", "set", cable, "up")
        run("ip", "-n", name, "addr", "add", f"{THERE}/30", "dev", "store")
        run("ip", "-n", name, "link", "set", "store", "up")
        run("ip", "netns", "exec", name, "iptables", "-N", "cut")
        run("ip", "netns", "exec", name, "iptables", "-A", "INPUT", "-j", "cut")
        run("ip", "netns", "exec", name, "iptables", "-A", "OUTPUT", "-j", "cut")
        words = ["--bind", THERE, "--protected-mode", "no", "--save", "", "--dir", str(self.socket.parent)]
        words = [program, *words, "--unixsocket", str(self.socket)]
        self._store = subprocess.Popen(["ip", "netns", "exec", name, *words], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with suppress(OSError):
                socket.create_connection((THERE, 6379), 0.2).close()
                return
        raise AssertionError("the store did not listen in 10 s")

    def cut(self) -> None:
        """Let every packet disappear, in both directions."""
        run("ip", "netns", "exec", self._name, "iptables", "-A", "cut", "-j", "DROP")

    def mend(self) -> None:
        run("ip", "netns", "exec", self._name, "iptables", "-F", "cut")

    def stop(self) -> None:
        if self._store is not None:
            self._store.kill()
            self._store.wait()
        for words in (("link", "del", self._cable), ("netns", "del", self._name)):
            subprocess.run(["ip", *words], check=False, capture_output=True)


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=10)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    program = program_of("redis-server")
    if program is None:
        pytest.skip("there is no redis-server: apt-get install redis-server")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a network namespace needs root: sudo")
    for needed in ("ip", "iptables"):
        if shutil.which(needed) is None:
            pytest.skip(f"there is no {needed}: apt-get install iproute2 iptables")
    made = Network(tmp_path)
    try:
        try:
            made.start(program)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this system allows no network namespace: {error.stderr.decode()[:200]}")
        yield made
    finally:
        made.stop()


async def asked_in_time(*routers: Any) -> None:
    for each in routers:
        began = time.monotonic()
        assert "text" == (await each.complete(HELLO)).text
        assert time.monotonic() < began + 2, "a request waited for the store"


async def test_a_network_that_drops_packets_costs_the_sharing_alone(network: Network) -> None:
    far, seen = router_of(f"redis://{THERE}:6379")
    near, _ = router_of(f"unix://{network.socket}")
    async with near:
        async with far:
            await until(lambda: is_shared(far) and is_shared(near))

            network.cut()
            await near.complete(HELLO)  # finds the first provider fallen
            cut_at = time.monotonic()
            while is_shared(far):
                await asked_in_time(far)
                assert time.monotonic() < cut_at + 10, "it does not see that the store is away"
                await anyio.sleep(0.05)
            assert [(True, ""), (False, "TimeoutError")] == [(e.shared, e.reason) for e in told(far, seen)]
            far.reset("first")
            far.isolate("second")  # said while nobody hears it
            await anyio.sleep(1)
            assert near.health().providers[1].breaker.state == "closed"

            network.mend()
            await until(lambda: is_shared(far), 10)
            await until(lambda: near.health().providers[1].breaker.state == "isolated", 10)
            far.reset("second")
            await until(lambda: near.health().providers[1].breaker.state == "closed", 10)
            assert told(far, seen)[-1].shared

            network.cut()
            began = time.monotonic()
        assert time.monotonic() < began + far.timeouts.close + 2, "closing waits for the store"


async def test_what_was_told_while_the_network_dropped_packets_is_heard_afterwards(network: Network) -> None:
    far, _ = router_of(f"redis://{THERE}:6379", "text")
    near, _ = router_of(f"unix://{network.socket}", NotWorking)
    async with near, far:
        await until(lambda: is_shared(far) and is_shared(near))
        network.cut()
        await until(lambda: not is_shared(far), 10)
        await near.complete(HELLO)
        assert first(far).state != "unhealthy"

        network.mend()
        await until(lambda: first(far).state == "unhealthy", 10)
        far_client: Any = Replicas(f"redis://{THERE}:6379").client()
        assert 2 == far_client.zcard("chat-router:{chat}:replicas")
        far_client.close()
