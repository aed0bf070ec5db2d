"""A mock service with OpenAI's chat completions, that misbehaves as the address says.

    POST /NAME/BEHAVIOUR/v1/chat/completions    NAME is any word, by which it is asked for afterwards
    GET  /seen/NAME                             the requests: when each came, and when its client left

Standard library only. It serves on a free port of 127.0.0.1 until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONGEST: Final = 30.0
"""Seconds of silence after which the service gives up itself."""
STREAM: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"connection: close\r\n\r\n"
)
CALL: Final = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
}
PIECES: Final = 3
"""Of a whole text; a reply that breaks off has one less."""
RETRY_AFTER: Final = {"status-429": 3, "limited-once": 1}


class Left(Exception):
    """The client closed its connection."""


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _completion(behaviour: str) -> dict[str, Any]:
    calls = [{key: value for key, value in CALL.items() if key != "index"}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    if behaviour != "tool":
        message = {"role": "assistant", "content": "whole"}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "stop" if behaviour != "tool" else "tool_calls",
    }
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


class Service:
    """What all addresses share.

    Attributes:
        seen: Name -> its requests.
    """

    def __init__(self) -> None:
        self.seen: dict[str, list[dict[str, Any]]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.lower().split("\r\n")
            lengths = [int(line[15:]) for line in lines if line.startswith("content-length:")]
            body = await reader.readexactly(lengths[0]) if lengths else b""
            path = head.split(" ", 2)[1].split("/")
            if path[1] == "seen":
                await self._whole(writer, 200, self.seen.get(path[2], []))
                return
            record = {"at": time.monotonic(), "left": None, "ended": None}
            self.seen.setdefault(path[1], []).append(record)
            await self._answer(path[1], path[2], json.loads(body), reader, writer, record)
            record["ended"] = time.monotonic()
        except (Left, ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(
        self,
        name: str,
        behaviour: str,
        asked: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        record: dict[str, Any],
    ) -> None:
        """Write what a behaviour says, and note when the client leaves meanwhile."""
        gone = asyncio.ensure_future(reader.read(1))  # a client of one request sends nothing more

        async def leave() -> None:
            await gone
            record["left"] = time.monotonic()

        writing = asyncio.ensure_future(self._write(name, behaviour, asked, writer))
        leaving = asyncio.ensure_future(leave())
        await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not writing.done():
            writing.cancel()
            raise Left
        leaving.cancel()
        writing.result()

    async def _write(
        self, name: str, behaviour: str, asked: dict[str, Any], writer: asyncio.StreamWriter
    ) -> None:
        first = len(self.seen[name]) == 1
        if behaviour.startswith("status-") or (behaviour == "limited-once" and first):
            status = 429 if behaviour == "limited-once" else int(behaviour[7:])
            error = {"error": {"message": f"refused with {status}", "type": "mock", "code": None}}
            await self._whole(writer, status, error, RETRY_AFTER.get(behaviour))
        elif behaviour == "html":
            page = b"<!DOCTYPE html><html><body>Be right back.</body></html>"
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n"
            writer.write(f"{head}connection: close\r\n\r\n".encode() + page)
        elif behaviour == "silent":
            await asyncio.sleep(LONGEST)
        elif not asked.get("stream"):
            await self._whole(writer, 200, _completion(behaviour))
        else:
            writer.write(STREAM)
            async for event in _events(name, behaviour):
                writer.write(_chunked(event))
                await writer.drain()
            if behaviour != "cut":
                writer.write(b"0\r\n\r\n")
        await writer.drain()

    @staticmethod
    async def _whole(
        writer: asyncio.StreamWriter, status: int, value: object, retry_after: int | None = None
    ) -> None:
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        if retry_after is not None:
            head += f"retry-after: {retry_after}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
        await writer.drain()


async def _events(name: str, behaviour: str) -> AsyncIterator[bytes]:
    """The events of a stream, whole or broken off."""
    yield _event({"role": "assistant", "content": ""})
    if behaviour == "pings":
        for _ in range(int(LONGEST / 0.1)):
            yield b": ping\n\n"
            await asyncio.sleep(0.1)
        return
    if behaviour == "tool":
        yield _event({"tool_calls": [CALL]})
        yield _event({}, "tool_calls")
    elif behaviour != "empty":
        pieces = 100 if behaviour == "long" else PIECES
        for number in range(pieces):
            if number == PIECES - 1 and behaviour in ("cut", "cut-clean", "error-event", "stall-after"):
                break
            yield _event({"content": f"{name}{number} "})
            if behaviour == "long":
                await asyncio.sleep(0.1)
        if behaviour == "stall-after":
            await asyncio.sleep(LONGEST)
        if behaviour == "error-event":
            yield b'data: {"error": {"message": "the model broke", "type": "server_error", "code": 500}}\n\n'
            return
        if behaviour in ("cut", "cut-clean", "stall-after"):
            return
        yield _event({}, "stop")
    else:
        yield _event({}, "stop")
    yield b"data: [DONE]\n\n"


async def main() -> None:
    """Serve, and print the port."""
    server = await asyncio.start_server(Service().serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
