"""Simulators that a script started end when the script is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

STARTER = """
import subprocess, sys, time
simulator = subprocess.Popen([sys.executable, "-m", "router", "simulate", "aura"], stdout=subprocess.PIPE)
print(simulator.stdout.readline().decode().strip(), simulator.pid, flush=True)
time.sleep(60)
"""


def listens(host: str, port: str) -> bool:
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


def test_a_simulator_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        url, _, number = starter.stdout.readline().strip().rpartition(" ")
        host, _, port = url.removeprefix("http://").partition(":")
        try:
            assert listens(host, port)
            starter.kill()
            last = time.monotonic() + 10
            while listens(host, port) and time.monotonic() < last:
                time.sleep(0.05)  # noqa: TID251 - no event loop here: the simulator is a process of its own
            assert not listens(host, port)
        finally:
            starter.kill()
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)
