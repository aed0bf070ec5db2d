"""A simulated openchat-ui or chatbot-ui (legacy): raw text without a content type, every error a 500.

These servers know no other failing status; what went wrong is told by the reason phrase. And whatever happens
to the reply behind them, they do not tell: the response never ends, or ends as if it were complete.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Unpack

from adapters.simulators.framing import Framing
from adapters.simulators.reply_streams import PAGE
from adapters.simulators.server import Answer, Exchange, Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.simulators.received import Received
    from adapters.simulators.script import ScriptOptions

Generation = Literal["openchat-ui", "openchat-ui-main", "chatbot-ui"]
"""Which of the two programs; of openchat-ui the branch that was deployed (`vercel`), or the main one."""

MODELS: Final[Mapping[Generation, Mapping[str, str]]] = MappingProxyType(
    {
        "openchat-ui": {"openchat_3.6": "OpenChat 3.6 (latest)"},
        "openchat-ui-main": {
            "openchat_v3.2_mistral": "OpenChat Aura",
            "openchat_3.6": "OpenChat 3.6 (latest)",
        },
        "chatbot-ui": {"gpt-3.5-turbo": "GPT-3.5", "gpt-4": "GPT-4"},
    }
)
RESERVED: Final[Mapping[Generation, int]] = MappingProxyType(
    {"openchat-ui": 768, "openchat-ui-main": 768, "chatbot-ui": 1000}
)
"""Tokens of the client's `tokenLimit` that are kept for the reply."""
_UNUSABLE: Final = "openchat_3.6"  # the main branch calls its tokenizer with a flag that is refused


class AuraSimulator(Simulator):
    """A simulated openchat-ui or chatbot-ui (legacy).

    Args:
        generation: Which program; openchat-ui refuses models that it does not know with a bare 500, and its
            main branch so refuses `openchat_3.6` too, though it lists it. chatbot-ui hands any name on.
        sign_in: Whether it demands a session: the cookie of `/sign-in`, and the user agent that got it.
        **options: As of `Simulator`.

    Attributes:
        sessions: Session cookie -> the user agent that it was given to; empty it, and all have expired.
        seen: What the model would have seen of each turn: the messages that fit in the client's `tokenLimit`.
    """

    service: ClassVar[str] = "aura"
    default_text: ClassVar[str] = "Hello from the simulated OpenChat user interface."
    without: ClassVar[frozenset[str]] = frozenset({"json_error", "endless_comments"})
    aliases: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "cut": "stall_after",
            "cut_clean": "stall_after",
            "error_event": "cut_clean",
            "error_after": "cut_clean",
        }
    )
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "401": "status 500, and the reason phrase says that the key is not accepted",
            "403": "status 500, and the reason phrase says that access is denied",
            "404": "status 500, and the reason phrase says that something was not found",
            "429": "status 500, and the reason phrase says that there are too many requests",
            "500": "status 500, and the reason phrase says that the service failed",
            "503": "status 500, and the reason phrase says that the service is overloaded",
            "cut": "the reply breaks off behind the server: some content, and the response never ends",
            "cut_clean": "the reply ends early behind the server: some content, and the response never ends",
            "error_event": "an error behind the server: the text stops, and the body ends as if complete",
            "error_after": "an error behind the server: the text stops, and the body ends as if complete",
        }
    )

    def __init__(
        self,
        *,
        generation: Generation = "openchat-ui",
        sign_in: bool = False,
        **options: Unpack[ScriptOptions],
    ) -> None:
        if generation not in MODELS:
            raise ValueError(f"no generation {generation!r} of this service; there are: {', '.join(MODELS)}")
        super().__init__(**options)
        self._generation: Generation = generation
        self._demands_session = sign_in
        self.sessions: dict[str, str] = {}
        self._given = 0
        self.seen: list[list[dict[str, Any]]] = []

    def failure(self, status: int, message: str) -> Answer:
        """Return the only error these servers know; `message` becomes the reason phrase."""
        return Answer(500, "Error", "text/plain;charset=UTF-8", reason=message)

    async def not_found(self, exchange: Exchange) -> None:
        """Answer with the page that is shown for unknown addresses."""
        self.unknown.append(exchange.received)
        await exchange.respond(404, PAGE, content_type="text/html; charset=utf-8")

    async def answer(self, exchange: Exchange) -> None:
        """Answer a chat request, a look at the models or at the page."""
        received = exchange.received
        if self._demands_session and received.path == "/sign-in":
            await self._sign_in(exchange)
        elif self._demands_session and received.path.startswith("/api/") and not self._is_known(received):
            await exchange.respond(401, "sign in first", content_type="text/plain")
        elif received.path == "/api/chat":
            await self._chat(exchange)
        elif received.path == "/api/models":
            await self._list(exchange)
        elif received.method in ("GET", "HEAD") and received.path == "/":
            await exchange.respond(200, PAGE, content_type="text/html; charset=utf-8")
        else:
            await self.not_found(exchange)

    async def _sign_in(self, exchange: Exchange) -> None:
        """Give the browser a session; in truth somebody types a password here."""
        session = f"session-{self._given}-of-{id(self):x}"
        self._given += 1
        self.sessions[session] = exchange.received.header("user-agent") or ""
        cookie = f"session={session}; Path=/; HttpOnly"
        await exchange.respond(
            200, PAGE, content_type="text/html; charset=utf-8", headers=[("Set-Cookie", cookie)]
        )

    def _is_known(self, received: Received) -> bool:
        agent = self.sessions.get(received.cookies().get("session", ""))
        return agent is not None and agent == received.header("user-agent")

    async def _list(self, exchange: Exchange) -> None:
        if _body(exchange) is None:
            await exchange.answer(self.failure(500, "Internal Server Error"))
            return
        models = [{"id": number, "name": name} for number, name in MODELS[self._generation].items()]
        await exchange.respond(200, json.dumps(models), content_type="text/plain;charset=UTF-8")

    async def _chat(self, exchange: Exchange) -> None:
        body = _body(exchange) or {}
        model, messages = body.get("model"), body.get("messages")
        if not isinstance(model, dict) or not isinstance(messages, list) or not self._knows(model.get("id")):
            await exchange.answer(self.failure(500, "Internal Server Error"))
            return
        prompt = str(body.get("prompt") or "")
        given = [message for message in messages if isinstance(message, dict)]
        kept = _kept(given, prompt, model.get("tokenLimit"), RESERVED[self._generation])
        self.seen.append(kept)
        await self.turn(exchange, Framing(), prompt=str(kept[-1].get("content", "")) if kept else "")

    def _knows(self, model: Any) -> bool:
        if self._generation == "openchat-ui-main" and model == _UNUSABLE:
            return False
        return self._generation == "chatbot-ui" or str(model) in MODELS[self._generation]


def _kept(messages: list[dict[str, Any]], prompt: str, limit: Any, reserved: int) -> list[dict[str, Any]]:
    """Return the newest messages that fit: the limit is the client's, and so is the loss."""
    if not isinstance(limit, int):
        return messages
    kept: list[dict[str, Any]] = []
    used = _tokens(prompt)
    for message in reversed(messages):
        used += _tokens(str(message.get("content", "")))
        if used + reserved > limit:
            break
        kept.insert(0, message)
    return kept


def _tokens(text: str) -> int:
    # Four characters to a token, rounded up: near enough to what a tokenizer says of English text.
    return -(-len(text) // 4)


def _body(exchange: Exchange) -> dict[str, Any] | None:
    if exchange.received.method != "POST":
        return None
    try:
        body = exchange.received.json()  # whatever its content type says
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
