"""The gateway before one OpenAI-compatible upstream: prints its port, and serves until killed.

python -m benchmarks.gateway.server http://127.0.0.1:8001/50/10/1
"""

from __future__ import annotations

import logging
import socket
import sys

from adapters import Limits, OpenAICompatible
from router import Router
from router.gateway import GatewaySettings
from router.gateway.gateway import Gateway
from router.gateway.serving.garbage import collect_seldom
from router.gateway.serving.server import GatewayServer


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens, and print its port: a free one where `port` is 0."""
    # Without its protocol, asyncio leaves Nagle's algorithm on: 40 ms for each reply.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a killed one may linger
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    return listener


def quiet() -> None:
    """Log no traceback for an answer that is dropped on purpose, as a plain uvicorn does."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def main(upstream: str) -> None:
    """Serve until killed."""
    provider = OpenAICompatible(
        upstream, name="upstream", model="m", limits=Limits(connections=2000, idle_connections=2000)
    )
    router = Router([provider], observers=[])
    listener = listening()
    quiet()
    collect_seldom()
    GatewayServer(Gateway(router, GatewaySettings(), local=True)).run([listener])


if __name__ == "__main__":
    main(sys.argv[1])
