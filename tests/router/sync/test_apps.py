"""The blocking router inside of real programs: Flask under gunicorn, Django under waitress, a Jupyter kernel.

Each runs in an environment of its own, made by `make clients`, and listens on loopback only; they are run by
`make test-servers`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from adapters.simulators.openai import OpenAISimulator
from tests.router.gateway.clients.setting_up import lack_of, python_of
from tests.router.sync.programs import served, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
APPS = "tests.router.sync.apps"
ASKED_FOR = os.environ.get("REAL_SERVERS") == "1"
pytestmark = [
    pytest.mark.skipif(not ASKED_FOR, reason="real programs take a while; run: make test-servers"),
    pytest.mark.skipif(lack_of("sync") is not None, reason=str(lack_of("sync"))),
]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "always::ResourceWarning", **more}


@contextmanager
def running(port: int, log: Path, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server of the environment until the block is over; it must end by itself when it is told to."""
    command = [str(python_of("sync")), *arguments]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, cwd=ROOT, env=environment(**more), stderr=said) as process,
    ):

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                    return bool(answer.status == 200)
            except (URLError, ConnectionError, TimeoutError):
                return False

        try:
            until(answers, 60)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            finally:
                process.kill()


def asked(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/chat", timeout=60) as answer:
        body: bytes = answer.read()
        return body


def gunicorn(port: int, *more: str) -> list[str]:
    where = ["--bind", f"127.0.0.1:{port}", "--threads", "4", "--graceful-timeout", "5"]
    return ["-m", "gunicorn", *where, *more, f"{APPS}.flask_app:app"]


@pytest.mark.parametrize("workers", [["--workers", "1"], ["--workers", "2", "--preload"]])
def test_flask_under_gunicorn_with_threads(workers: list[str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with (
        served(OpenAISimulator, text="Hello from afar") as simulator,
        running(port, log, *gunicorn(port, *workers), CHAT_AT=f"{simulator.url}/v1") as process,
        ThreadPoolExecutor(8) as pool,
    ):
        bodies = list(pool.map(lambda _: asked(port), range(32)))

    assert bodies == [b"Hello from afar"] * 32
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()


def test_a_visitor_who_leaves_closes_the_reply_in_gunicorn(tmp_path: Path) -> None:
    port = free_port()
    with (
        served(OpenAISimulator, text="word " * 20_000, delay=0.01) as simulator,
        running(port, tmp_path / "log", *gunicorn(port), CHAT_AT=f"{simulator.url}/v1"),
    ):
        with urlopen(f"http://127.0.0.1:{port}/chat", timeout=60) as answer:
            assert answer.read(5)
        until(lambda: simulator.running == 0, 60)


def test_django_under_waitress(tmp_path: Path) -> None:
    port = free_port()
    with (
        served(OpenAISimulator, text="Hello from afar") as simulator,
        running(port, tmp_path / "log", "-m", f"{APPS}.django_app", str(port), CHAT_AT=f"{simulator.url}/v1"),
        ThreadPoolExecutor(8) as pool,
    ):
        assert list(pool.map(lambda _: asked(port), range(32))) == [b"Hello from afar"] * 32


def test_cells_of_a_notebook() -> None:
    with (
        served(OpenAISimulator, text="Hello") as simulator,
        served(OpenAISimulator, text="word " * 20_000, delay=0.01) as slow,
    ):
        addresses = {"CHAT_AT": f"{simulator.url}/v1", "SLOW_AT": f"{slow.url}/v1"}
        done = subprocess.run(
            [str(python_of("sync")), "-m", f"{APPS}.notebook"],
            cwd=ROOT, env=environment(**addresses), capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        told = dict(json.loads(line) for line in done.stdout.splitlines())
        until(lambda: slow.running == 0, 30)

    assert told["sync"].split("|")[0] == "Hello"
    assert "".join(told["sync"].split("|")[1:]).strip() == "Hello"
    assert told["a cell that awaits"].strip() == told["both in one cell"].strip() == "Hello"
    assert told["interrupted"].strip().startswith("word")
    assert told["interrupted"].strip().endswith("KeyboardInterrupt")
    assert told["after that"].strip() == "Hello"
