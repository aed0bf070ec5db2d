"""The gateway before one OpenAI-compatible upstream, in one process: prints its port, and serves until killed.

    python -m benchmarks.gateway.server http://127.0.0.1:8001/50/10/1
"""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn

from adapters import Limits, OpenAICompatible
from router import Router
from router.gateway import app


def main(upstream: str) -> None:
    """Serve until killed."""
    provider = OpenAICompatible(upstream, name="upstream", model="m", limits=Limits(connections=2000, idle_connections=2000))
    router = Router([provider], observers=[])
    # Without its protocol, asyncio leaves Nagle's algorithm on: 40 ms for each reply.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    # A plain uvicorn logs a traceback for an answer that is dropped on purpose.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(app(router), log_config=None, lifespan="off", http="httptools", backlog=4096)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(sys.argv[1])
