"""Serves an application of the manual with uvicorn, in a thread of its own, on a free port."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE: Final = 20.0
"""Seconds for what takes milliseconds on an idle machine."""


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve an ASGI application inside; the value is its origin."""
    # Without its protocol, asyncio leaves Nagle's algorithm on: 40 ms for each reply.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=anyio.run, args=(server.serve, [listener]))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait until something in another thread is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        threading.Event().wait(0.005)
