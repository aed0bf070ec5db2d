"""A simulated WordPress site with the AI Engine plugin, in three generations.

    1.x   asks for no nonce, but refuses a wrong one
    2.x   asks for the nonce that its page shows (2.0.1 to 2.4.3)
    3.x   asks for the nonce that `start_session` gives, and falls back to its own chatbot (3.0.3 and later)

Its routes are below `/wp-json`, and behind `/index.php?rest_route=` in any case.
"""

from __future__ import annotations

import hashlib
import html
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Unpack, get_args

from adapters.simulators.ai_engine import Manner, Stream, Whole, php_json
from adapters.simulators.reply_streams import PAGE
from adapters.simulators.server import Answer, Exchange, Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.simulators.received import Received
    from adapters.simulators.script import ScriptOptions

Generation = Literal["1.x", "2.x", "3.x"]
"""Which generation of the plugin."""

LIMIT: Final = "You have reached the limit."
REJECTED: Final = "Sorry, your query has been rejected."
_SUBMIT: Final = "/mwai-ui/v1/chats/submit"
_INDEX: Final = "/mwai-ui/v1"
_START: Final = "/mwai/v1/start_session"
_CONTEXT: Final = 4
_HTML: Final = "text/html; charset=UTF-8"
_FORBIDDEN: Final = "Sorry, you are not allowed to do that."
_NO_ROUTE: Final = "No route was found matching the URL and request method."


class OpchatgptsSimulator(Simulator):
    """A simulated WordPress site with AI Engine.

    Args:
        generation: Of the plugin; may be changed while it serves, as an update does, or a return from one.
        page: The path at which the chatbot is shown.
        bot_id: The chatbot that the site has.
        custom_id: A chatbot of the page's own, which the page shows; None: none.
        permalinks: False: nothing is below `/wp-json`.
        **options: As of `Simulator`.

    Attributes:
        custom_id: Set another one, and the site has forgotten the first.
        handshakes: How many sessions were started and pages with the chatbot shown.
    """

    service: ClassVar[str] = "opchatgpts"
    default_text: ClassVar[str] = "Hello from the simulated AI Engine."
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "401": "status 401, rest_forbidden: as for a missing nonce",
            "403": "status 403, rest_forbidden: access denied",
            "404": "status 404, rest_no_route: the plugin is not there",
            "429": "status 429 with Retry-After, as a page of the front end",
            "503": "status 503, as a page of the front end",
            "empty": "an end event with success and an empty reply",
            "limit": "the words of the owner's limit, as an error event or with status 500",
            "typed_events": "live events with a subtype, which are notices, stand between those with text",
            "endless_comments": "live events with a subtype, which are notices, come without end",
        }
    )

    def __init__(
        self,
        *,
        generation: Generation = "3.x",
        page: str = "/",
        bot_id: str = "default",
        custom_id: str | None = None,
        permalinks: bool = True,
        **options: Unpack[ScriptOptions],
    ) -> None:
        if generation not in get_args(Generation):
            known = ", ".join(get_args(Generation))
            raise ValueError(f"no generation {generation!r} of this service; there are: {known}")
        super().__init__(**options)
        self.custom_id = custom_id
        self.handshakes = 0
        self.generation: Generation = generation
        self._page = page
        self._bot_id = bot_id
        self._permalinks = permalinks
        self._tick = 0

    @property
    def nonce(self) -> str:
        """The current nonce, the same for all visitors."""
        return _nonce(self._tick)

    def expire_nonce(self, ticks: int = 2) -> None:
        """Let ticks of twelve hours pass. After one a given nonce is old, after two it is refused."""
        self._tick += ticks

    def failure(self, status: int, message: str) -> Answer:
        """Return an error in the form in which this status comes from such a site."""
        if status in (429, 503):
            return Answer(status, PAGE, _HTML)
        if status in (401, 403, 404):
            code, words = ("rest_no_route", _NO_ROUTE) if status == 404 else ("rest_forbidden", _FORBIDDEN)
            return _refusal(status, code, words)
        return Answer(status, {"success": False, "message": message})

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request for the page, for a session, for the list of routes, or for a reply."""
        received = exchange.received
        route = self._route(received)
        match received.method, route:
            case "POST", path if path == _SUBMIT:
                await self._submit(exchange)
            case "POST", path if path == _START and self.generation == "3.x":
                self.handshakes += 1
                started = {"success": True, "sessionId": f"session{self.handshakes}", "restNonce": self.nonce}
                cookie = ("Set-Cookie", f"mwai_session_id=session{self.handshakes}; path=/; HttpOnly")
                await exchange.respond(200, started, headers=[cookie])
            case "GET", path if path == _INDEX:
                await exchange.respond(200, {"namespace": "mwai-ui/v1", "routes": {_INDEX: {}, _SUBMIT: {}}})
            case _, str():
                await exchange.answer(self.failure(404, _NO_ROUTE))
            case "GET", None if received.path == self._page:
                self.handshakes += 1
                await exchange.respond(200, self._shown(), content_type=_HTML)
            case _:
                self.unknown.append(received)
                await exchange.respond(404, PAGE, content_type=_HTML)

    def _route(self, received: Received) -> str | None:
        """Return the REST route that is asked for, or None where it is none."""
        if received.path in ("/", "/index.php") and "rest_route" in received.query:
            return received.query["rest_route"]
        if received.path.startswith("/wp-json/") and self._permalinks:
            return received.path.removeprefix("/wp-json")
        return None

    def _shown(self) -> str:
        """Return the page with the chatbot."""
        system = {
            "botId": self._bot_id,
            "customId": self.custom_id,
            "sessionId": None if self.generation == "3.x" else "N/A",
            "restNonce": self.nonce if self.generation == "2.x" else None,
            "contextId": _CONTEXT,
            "stream": True,
        }
        attribute = html.escape(php_json(system))
        chatbot = f"<div class='mwai-chatbot-container' data-params='{{}}' data-system='{attribute}'></div>"
        return f'<!DOCTYPE html>\n<html lang="en-US"><body>\n{chatbot}\n</body></html>\n'

    async def _submit(self, exchange: Exchange) -> None:
        received = exchange.received
        sent = received.header("x-wp-nonce")
        if sent is not None and sent not in (_nonce(self._tick), _nonce(self._tick - 1)):
            refused = _refusal(403, "rest_cookie_invalid_nonce", "Cookie check failed")
        elif sent is None and self.generation != "1.x":
            refused = self.failure(401, _FORBIDDEN)
        else:
            await self._chat(exchange, sent)
            return
        await exchange.answer(refused)

    async def _chat(self, exchange: Exchange, sent: str | None) -> None:
        body = _body(exchange.received)
        if body is None:
            await exchange.answer(_refusal(400, "rest_invalid_json", "Invalid JSON body passed."))
            return
        message = str(body.get("newMessage") or "").strip()
        streamed = bool(body.get("stream"))
        headers = () if sent is None else (("X-WP-Nonce", self.nonce),)
        if not message or not (body.get("botId") or body.get("customId")):
            await exchange.respond(403, {"success": False, "message": REJECTED}, headers=headers)
        elif not self._knows(body):
            await _fail(exchange, REJECTED, "application/json; charset=UTF-8" if streamed else None, headers)
        elif self.strikes("limit"):
            self.turns += 1
            await _fail(exchange, LIMIT, Stream.content_type if streamed else None, headers)
        else:
            old = self.generation == "3.x" and sent != self.nonce
            typed = self.strikes("typed_events") is not None
            manner = Manner(headers, self.generation == "3.x", self.nonce if old else None, typed)
            await self.turn(exchange, Stream(manner) if streamed else Whole(manner), prompt=message)

    def _knows(self, body: Mapping[str, Any]) -> bool:
        if self.generation == "3.x" or body.get("botId") == self._bot_id:
            return True
        return self.custom_id is not None and body.get("customId") == self.custom_id


def _nonce(tick: int) -> str:
    return hashlib.sha256(f"wp_rest {tick}".encode()).hexdigest()[:10]


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "data": {"status": status}})


def _body(received: Received) -> dict[str, Any] | None:
    """Return the fields of a body: none where it does not say that it is JSON, None where it lies."""
    if not (received.header("content-type") or "").startswith("application/json"):
        return {}
    try:
        body = received.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else {}


async def _fail(
    exchange: Exchange, message: str, content_type: str | None, headers: tuple[tuple[str, str], ...]
) -> None:
    """Answer with an error that comes before a reply: as an event with status 200, or as JSON with 500."""
    if content_type is None:
        await exchange.respond(500, {"success": False, "message": message}, headers=headers)
        return
    event = f"data: {php_json({'type': 'error', 'data': message})}\n\n"
    await exchange.respond(200, event, content_type=content_type, headers=headers)
