"""The server of the benchmark, in a process of its own, so that its work is not counted.

It answers each POST with server-sent events prepared beforehand: below /stream with one write per event, a
millisecond apart, as a quick model sends them; below /packed the same without the pause; below /burst with
many more events in one write and one HTTP chunk.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from time import sleep
from typing import Final

DELTAS: Final = 50
BURST: Final = 1000
PAUSE: Final = 0.001
_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _event(value: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def events(count: int) -> list[bytes]:
    """Return the events of a reply with so many deltas, as a hosted service sends them."""
    base: dict[str, object] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    deltas: list[dict[str, object]] = [{"content": f"word{n} "} for n in range(count)]
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    return [*(_event({**base, "choices": [choice]}) for choice in [*choices, last]), b"data: [DONE]\n\n"]


_STREAM: Final = [_chunk(event) for event in events(DELTAS)]
_BURST: Final = _chunk(b"".join(events(BURST)))


def _answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            ),
            0,
        )
        while len(rest) < length:
            rest += connection.recv(65536)
        data = rest[length:]
        connection.sendall(_HEAD)
        if head.startswith(b"POST /burst"):
            connection.sendall(_BURST + b"0\r\n\r\n")
            continue
        for chunk in _STREAM:
            if head.startswith(b"POST /stream"):
                sleep(PAUSE)
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")


def _serve(connection: socket.socket) -> None:
    try:
        with connection:
            _answer(connection)
    except OSError:
        return  # the client went away


def main() -> None:
    """Serve on a free port of 127.0.0.1, and print the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
