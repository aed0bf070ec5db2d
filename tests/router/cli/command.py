"""Runs the real command as a process of its own, with an environment that holds nothing unexpected."""

import os
import subprocess
import sys
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

from adapters.openai.presets import PRESETS

COMMAND = (sys.executable, "-m", "router")
ROOT = Path(__file__).parents[3]
_LEFT_OUT = ("CHAT_ROUTER_", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_", "TERM")


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    code: int
    out: str
    err: str


KEYS = frozenset(variable for each in PRESETS.values() for variable in each.variables)
"""The usual variables of keys: the command would ask the services of whoever runs the tests."""


def environment(**further: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_LEFT_OUT) and name not in KEYS
    }
    return {**kept, "TERM": "xterm-256color", "PYTHONWARNINGS": "default", **further}


def run(*arguments: str, **variables: str) -> Ended:
    """Run the command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=b"",
        capture_output=True,
        env=environment(**variables),
        timeout=180,  # a busy machine is slower, not wrong
        check=False,
        cwd=ROOT,
    )
    found = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in found.err
    assert "Warning" not in found.err
    return found


async def run_beside(*arguments: str, **variables: str) -> Ended:
    """Run the command to its end, while simulators serve in this event loop."""
    return await anyio.to_thread.run_sync(lambda: run(*arguments, **variables))


async def started(*arguments: str, **variables: str) -> Process:
    """Start the command, to be signalled; the process is an async context manager."""
    return await anyio.open_process(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, env=environment(**variables), cwd=ROOT
    )


async def rest_of(stream: AsyncIterable[bytes] | None) -> bytes:
    """Return all that comes until the end of `stream`."""
    assert stream is not None
    return b"".join([piece async for piece in stream])
