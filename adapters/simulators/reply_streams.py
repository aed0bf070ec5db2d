"""Answers a turn with its fault. What a fault does is said in `FAULTS`; here it is done.

1. Faults that need no word of the protocol come instead of a reply: `_instead`.
2. Faults in the reply: `_write` writes the framing's pieces and stops where the fault does.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio

from adapters.simulators.exchange import Answer, Exchange  # noqa: TC001 - named in a dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.simulators.framing import Framing, Piece
    from adapters.simulators.script import Script

SLOW: Final = 0.05
"""Seconds before each delta under the fault `slow`."""
PAGE: Final = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><p>A page.</p></body></html>\n"
_GARBAGE: Final = b"SSH-2.0-simulated\r\n\x00\x01\x02\xfe\xff\r\n\r\n"
_MESSAGES: Final = {
    401: "The key or session is not accepted",
    403: "Access denied",
    404: "Not found",
    429: "Too many requests",
    500: "The service failed",
    503: "The service is overloaded",
}
_BROKEN_OFF: Final = ("cut", "cut_clean", "reset_after", "stall_after", "error_after")
_READ_FIRST: Final = 0.02  # seconds for the client to read what a reset might take out of its buffer


@dataclass(frozen=True, slots=True)
class Turn:
    """One request for generation, and what becomes of it.

    Attributes:
        framing: How the protocol writes the reply.
        text: The reply.
        script: The simulator's script.
        fault: The fault that strikes this turn.
        failure: The service's own form of an error, from a status and a message.
        elsewhere: Another origin, for redirects.
    """

    framing: Framing
    text: str
    script: Script
    fault: str | None
    failure: Callable[[int, str], Answer]
    elsewhere: str


async def answer_turn(exchange: Exchange, turn: Turn) -> None:
    """Answer `turn` with its fault."""
    if not await _instead(exchange, turn):
        await _write(exchange, turn)


async def _instead(exchange: Exchange, turn: Turn) -> bool:
    match turn.fault:
        case "reset":
            await exchange.abort()
        case "close":
            await exchange.hang_up()
        case "stall":
            await exchange.stall()
        case "garbage":
            await exchange.send_raw(_GARBAGE)
            await exchange.hang_up()
        case "html":
            await exchange.respond(200, PAGE, content_type="text/html; charset=utf-8")
        case "json_error":
            await exchange.answer(replace(turn.failure(500, _MESSAGES[500]), status=200, reason=None))
        case "redirect":
            await exchange.respond(307, headers=[("Location", turn.elsewhere)], content_type=None)
        case str() as status if status.isdigit():
            await exchange.answer(_refusal(turn, int(status)))
        case _:
            return False
    return True


def _refusal(turn: Turn, status: int) -> Answer:
    answer = turn.failure(status, _MESSAGES[status])
    wait = turn.script.retry_after
    if wait is None and status == 429:
        wait = "1"
    if not wait or answer.status not in (429, 503):  # a service may have another status for it
        return answer
    return replace(answer, headers=(*answer.headers, ("Retry-After", wait)))


async def _write(exchange: Exchange, turn: Turn) -> None:
    framing, fault = turn.framing, turn.fault
    if fault == "gzip":
        await _send_gzipped(exchange, turn)
        return
    await exchange.start(
        200, content_type=framing.content_type, headers=framing.headers, framed=framing.framed
    )
    if fault == "stall_headers":
        await exchange.stall()
    if fault == "error_event":
        await exchange.send(framing.error(_MESSAGES[500]))
        await exchange.finish()
        return
    await _send_all(exchange, framing.opening())
    if fault == "endless_comments":
        await _comment_for_ever(exchange, turn)
    await _send_content(exchange, turn)
    if fault in _BROKEN_OFF:
        await _break_off(exchange, framing, fault)
        return
    await _send_all(exchange, framing.ending("" if fault == "empty" else turn.text))
    if framing.keeps_open:
        await exchange.stall()
    await exchange.finish()


async def _send_content(exchange: Exchange, turn: Turn) -> None:
    if turn.fault == "empty":
        await _send_all(exchange, turn.framing.nothing())
        return
    pieces = list(turn.framing.content(turn.script.split(turn.text)))
    if turn.fault in _BROKEN_OFF:
        pieces = pieces[: max(1, len(pieces) // 2)]
    delay = max(turn.script.delay, SLOW if turn.fault == "slow" else 0.0)
    for piece in pieces:
        if delay:
            await anyio.sleep(delay)
        await exchange.send(piece)


async def _break_off(exchange: Exchange, framing: Framing, fault: str | None) -> None:
    match fault:
        case "cut":
            await exchange.hang_up()
        case "reset_after":
            await anyio.sleep(_READ_FIRST)
            await exchange.abort()
        case "stall_after":
            await exchange.stall()
        case "error_after":
            await exchange.send(framing.error(_MESSAGES[500]))
            await exchange.finish()
        case _:
            await exchange.finish()


async def _comment_for_ever(exchange: Exchange, turn: Turn) -> None:
    comment = turn.framing.comment()
    while True:
        await exchange.send(comment)
        if turn.script.delay:
            await anyio.sleep(turn.script.delay)


async def _send_gzipped(exchange: Exchange, turn: Turn) -> None:
    framing = turn.framing
    pieces = [*framing.opening(), *framing.content(turn.script.split(turn.text)), *framing.ending(turn.text)]
    body = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    await exchange.start(
        200, content_type=framing.content_type, headers=(*framing.headers, ("Content-Encoding", "gzip"))
    )
    await exchange.send(gzip.compress(body))
    await exchange.finish()


async def _send_all(exchange: Exchange, pieces: Iterable[Piece]) -> None:
    for piece in pieces:
        await exchange.send(piece)
