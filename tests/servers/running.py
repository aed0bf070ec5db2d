"""Starts the servers for the tests: on loopback, on a free port, until the tests are over."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from adapters import OpenAICompatible
from tests.servers.places import place_of

KEY: Final = "sk-loopback"
_FILES: Final = Path(__file__).parent / "files"
_PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        name: Of the server.
        base_url: Of its API.
    """

    name: str
    base_url: str

    def adapter(self, model: str | None, *, key: str | None = KEY, name: str = "it") -> OpenAICompatible:
        """Return an adapter that asks it for a model."""
        return OpenAICompatible(self.base_url, api_key=key, model=model, name=name)


def commands(name: str, port: int, folder: Path, relayed_to: str) -> tuple[list[str], dict[str, str]]:
    """Return how a server is started, and with which variables. Each is told to listen on loopback.

    LiteLLM listens on all addresses where it is not told; the other two on loopback.
    """
    where = ["--host", "127.0.0.1", "--port", str(port)]
    if name == "litellm":
        program = str(folder / "venv" / "bin" / "litellm")
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_DOCS": "True"}
        quiet["RELAYED_TO"] = relayed_to
        return [program, "--config", str(_FILES / "litellm.yaml"), *where], quiet
    if name == "llama_cpp":
        settings = ["--ctx-size", "512", "--parallel", "1", "--threads", "1", "--offline", "--alias", "tiny"]
        model = ["--model", str(folder / "tiny.gguf"), "--api-key", KEY]
        # In place of the model's own: the server finds out from it how such a model would think aloud.
        template = ["--jinja", "--chat-template-file", str(_FILES / "tiny.jinja")]
        return [str(folder / "llama-server"), *model, *template, *settings, *where], {}
    program = str(folder / "node_modules" / ".bin" / "llmock")
    fixtures = ["--fixtures", str(_FILES / "aimock.json"), "--strict"]
    return ["node", program, *fixtures, *where], {"AIMOCK_API_KEYS": KEY}


@contextlib.contextmanager
def running(name: str, relayed_to: str = "http://127.0.0.1:9/v1") -> Iterator[Running]:
    """Run a server while the block lasts; it must have been set up.

    Args:
        name: Of the server.
        relayed_to: Where LiteLLM's proxy asks for its model `relayed`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command, variables = commands(name, port, place_of(name), relayed_to)
    log = place_of(name) / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place_of(name),
        )
    try:
        server = Running(name, f"http://127.0.0.1:{port}/v1")
        _wait_for(server, process, log)
        yield server
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _wait_for(server: Running, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server lists its models.

    Raises:
        RuntimeError: It ended, or is not ready in time.
    """
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            headers = {"authorization": f"Bearer {KEY}"}
            if httpx.get(f"{server.base_url}/models", headers=headers, timeout=5).status_code == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    raise RuntimeError(f"{server.name} did not become ready; it said:\n{log.read_text()[-2000:]}")
