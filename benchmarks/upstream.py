"""The mock upstream, in a process of its own, so that its work is not counted.

It answers each POST with server-sent events prepared beforehand, as `cases.Case.path` says; `/status/500/…`
answers with that status; GET `/cpu` tells the CPU seconds that this process has used, so that a run can show
that the upstream was not what limited it.

    python -m benchmarks.upstream      prints {"port": …, "tls_port": …, "ca": "…"} and serves until killed
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Final, cast

import trustme

HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _event(choice: dict[str, object]) -> bytes:
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return b"data: " + json.dumps(value).encode() + b"\n\n"


@cache
def writes(deltas: int, write: int) -> tuple[bytes, ...]:
    """Return what is written for a reply of so many deltas, so many to a write; an HTTP chunk is a delta."""
    pieces = [
        _chunk(
            _event({"index": 0, "delta": {"content": f"word{n} "}, "logprobs": None, "finish_reason": None})
        )
        for n in range(deltas)
    ]
    joined = [b"".join(pieces[start : start + write]) for start in range(0, deltas, write)]
    stop = _chunk(_event({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}))
    joined[-1] += stop + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return (HEAD + joined[0], *joined[1:])


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._data = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop a reply that nobody reads."""
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._answer(head.split(b" ", 2)[1].decode())

    def _answer(self, path: str) -> None:
        _, first, second, third, *_ = [*path.split("/"), "", "", ""]
        if first == "cpu":
            self._plain(200, json.dumps({"cpu": time.process_time()}).encode())
        elif first == "status":
            self._plain(int(second), b'{"error": {"message": "no", "code": "server_error"}}')
        elif second == "0":
            for piece in writes(int(first), int(third)):
                self._transport.write(piece)
        else:
            self._task = asyncio.get_running_loop().create_task(
                self._paced(int(first), int(second), int(third))
            )

    def _plain(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)

    async def _paced(self, deltas: int, pause_ms: int, write: int) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        for piece in writes(deltas, write):
            self._transport.write(piece)
            at += pause_ms / 1000
            await asyncio.sleep(max(0.0, at - loop.time()))


async def serve() -> None:
    """Serve plain and TLS on free ports of 127.0.0.1, and print them."""
    loop = asyncio.get_running_loop()
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    file = Path(tempfile.mkdtemp()) / "ca.pem"
    file.write_bytes(ca.cert_pem.bytes())
    plain = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=4096)
    secure = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=4096, ssl=context)
    ports = {
        "port": plain.sockets[0].getsockname()[1],
        "tls_port": secure.sockets[0].getsockname()[1],
        "ca": str(file),
    }
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    async with plain, secure:
        await loop.create_future()


def main() -> None:
    """Serve until killed; on uvloop where it is installed, so that the upstream is quick."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())


if __name__ == "__main__":
    main()
