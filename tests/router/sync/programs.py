"""Simulators that serve from a thread of the test, and programs in processes of their own that ask them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anyio.from_thread import start_blocking_portal

from tests.depth import sampled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.simulators.server import Simulator

    S = TypeVar("S", bound=Simulator)

ASK: Final = [{"role": "user", "content": "Hello"}]
BACKENDS: Final = ("asyncio", "trio")
SOME_BACKENDS: Final = sampled(BACKENDS, 0.5, "backends of processes")


@contextmanager
def served(make: Callable[..., S], **options: Any) -> Iterator[S]:
    """Serve a simulator beside the test, which blocks."""
    with start_blocking_portal() as portal:

        async def made() -> S:
            return make(**options)

        simulator = portal.call(made)
        with portal.wrap_async_context_manager(simulator):
            yield simulator


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for another thread or process; fail where it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.005)  # noqa: TID251 - nothing tells when a process has done it


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "always::ResourceWarning", "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
