"""A service that does what its path says, and an adapter that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from adapters import ChatRequest, Conditions, Delta, HTTPAdapter
from adapters.simulators.server import Exchange, Simulator
from adapters.wire.text import TextDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PIECES = 5


class Service(Simulator):
    """Knows no protocol: each path is one way to answer."""

    service = "test"

    async def answer(self, exchange: Exchange) -> None:
        received = exchange.received
        match received.path.strip("/").split("/"):
            case ["status", number]:
                body = {"message": "so it is"}
                await exchange.respond(
                    int(number), body, headers=[("X-Request-Id", "r-1"), ("Retry-After", "3")]
                )
            case ["pieces"]:
                await exchange.start()
                for n in range(PIECES):
                    await exchange.send(f"piece {n} ")
                await exchange.finish()
            case ["pieces", "then", "silence"]:
                await exchange.start()
                await exchange.send("piece 0 ")
                await exchange.stall()
            case ["big", size]:
                await exchange.respond(200, b"x" * int(size))
            case ["big", size, "error"]:
                await exchange.respond(500, b"x" * int(size))
            case ["silence"]:
                await exchange.stall()
            case ["silence", "error"]:
                await exchange.start(503)
                await exchange.send("overloaded")
                await exchange.stall()
            case ["lost", "on", "reuse"]:
                if len(self.requests) > 1:
                    await exchange.hang_up()
                else:
                    await exchange.respond(200, "fine")
            case ["lost", "once"]:
                if len(self.requests) == 1:
                    await exchange.hang_up()
                else:
                    await exchange.respond(200, "gone")
            case ["cookies"]:
                pairs = [("Set-Cookie", "a=1; Path=/; Secure"), ("Set-Cookie", "b=2")]
                await exchange.respond(200, {"sent": received.header("cookie")}, headers=pairs)
            case ["echo"]:
                await exchange.respond(
                    200, {"headers": dict(received.headers), "body": received.body.decode()}
                )
            case _:
                await self.not_found(exchange)


class Asker(HTTPAdapter):
    """Asks for the path that the message names, and yields the body's text."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        decoder = TextDecoder()
        async with (
            self._session(request.conditions) as session,
            session.exchange("POST", request.messages[0].text, content=b"") as answer,
        ):
            if answer.status != 200:
                raise await answer.failure()
            async for chunk in answer.chunks():
                yield Delta(decoder.feed(chunk))  # noqa: ASYNC119 - the tests close it


def ask(path: str, **conditions: Any) -> ChatRequest:
    return ChatRequest.build([{"role": "user", "content": path}]).under(Conditions(**conditions))


async def settle() -> None:
    """Let the other side see what happened here."""
    await anyio.sleep(0.01)
