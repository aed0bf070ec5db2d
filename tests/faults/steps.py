"""What a faulty server does, as data: bytes, pauses in seconds, words, and runs of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable

LAST: Final = b"0\r\n\r\n"
"""The last chunk of a chunked body."""


class Do(Enum):
    """What is done instead of sending bytes."""

    CLOSE = auto()
    """Close in order (FIN)."""
    RESET = auto()
    """Reset (RST), after what was sent had time to be read."""
    HALF_CLOSE = auto()
    """Close this direction only, and wait until the client has gone."""
    SILENCE = auto()
    """Say nothing more, until the client has gone."""


@dataclass(frozen=True)
class Repeat:
    """The same bytes again and again, `pause` seconds before each.

    What is called endless ends at `most` bytes, with silence: enough for any limit, and finite for a client
    that has none.
    """

    piece: bytes
    pause: float = 0.0
    most: int = 64 << 20


Step: TypeAlias = bytes | float | Do | Repeat
Script: TypeAlias = tuple[Step, ...]


class Line(Protocol):
    """The server's end of a connection."""

    async def send(self, data: bytes) -> None: ...
    async def pause(self, seconds: float) -> None: ...
    async def silence(self) -> None: ...
    async def close(self, *, reset: bool = False) -> None: ...
    async def half_close(self) -> None: ...


async def play(line: Line, script: Script) -> None:
    """Do what `script` says."""
    for step in script:
        match step:
            case bytes():
                await line.send(step)
            case float() | int():
                await line.pause(step)
            case Repeat():
                await _repeat(line, step)
            case Do.CLOSE:
                await line.close()
            case Do.RESET:
                await line.pause(0.02)
                await line.close(reset=True)
            case Do.HALF_CLOSE:
                await line.half_close()
                await line.silence()
            case Do.SILENCE:
                await line.silence()
            case _:
                assert_never(step)


async def _repeat(line: Line, repeat: Repeat) -> None:
    for _ in range(repeat.most // len(repeat.piece)):
        if repeat.pause:
            await line.pause(repeat.pause)
        await line.send(repeat.piece)
    await line.silence()


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """Return `data` as one chunk of a chunked body."""
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def chunked(pieces: Iterable[bytes]) -> bytes:
    """Return each piece as a chunk, without the last chunk."""
    return b"".join(chunk(piece) for piece in pieces if piece)


def head(status: int | str = 200, *fields: str, kind: str | None = "text/event-stream") -> bytes:
    """Return the head of an answer; `kind` is its content type."""
    lines = [f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} As it is"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


CHUNKED: Final = "Transfer-Encoding: chunked"


def streamed(*pieces: bytes, kind: str | None = "text/event-stream") -> bytes:
    """Return a whole answer with status 200, chunked, one chunk a piece."""
    return head(200, CHUNKED, kind=kind) + chunked(pieces) + LAST


def whole(status: int, body: bytes = b"", *fields: str, kind: str = "application/json") -> bytes:
    """Return a whole answer with its length."""
    return head(status, f"Content-Length: {len(body)}", *fields, kind=kind) + body
