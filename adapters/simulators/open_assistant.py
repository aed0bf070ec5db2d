"""A simulated Open-Assistant web site: sessions, chats, messages with states, and an event stream read once.

What its inference server does behind the site is simulated as well: an answer goes on when nobody reads it.
So after a broken stream the message still reaches its end, `afterwards`. And a chat that is deleted while its
answer runs costs the worker its connection, so that a later answer is aborted.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack

import anyio

from adapters.simulators.exchange import Answer, Exchange
from adapters.simulators.framing import Framing
from adapters.simulators.open_assistant_chats import BROKEN, MODELS, WRONG, Chats, Message
from adapters.simulators.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.simulators.framing import Piece
    from adapters.simulators.received import Received
    from adapters.simulators.script import ScriptOptions

PAGE: Final = "<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>"
_LOST: Final = "Aborted due to worker error."
_STATUSES: Final = ("401", "403", "404", "429", "500", "503")
_FATES: Final = ("cancelled", "finished_early", "timeout_error")
_ENDS: Final = ("complete", "in_progress", "aborted_by_worker")


def event(kind: str, **fields: Any) -> str:
    """Return an event as the site writes it: one line of ASCII JSON, ended by CRLF."""
    return f"data: {json.dumps({'event_type': kind, **fields})}\r\n\r\n"


class Events(Framing):
    """The event stream of one answer.

    Args:
        message: The answer.
        site: Whose script holds.
    """

    def __init__(self, message: Message, site: OpenAssistantSimulator) -> None:
        self._message = message
        self._site = site

    def opening(self) -> Iterable[Piece]:
        """Return the places in the queue, and pings."""
        size = self._site.queue
        places = [event("pending", queue_position=place, queue_size=size) for place in range(size, 0, -1)]
        return [*places, *[self.comment()] * self._site.pings]

    def delta(self, text: str) -> Piece:
        """Return a token."""
        return event("token", text=text)

    def nothing(self) -> Iterable[Piece]:
        """Return an empty token."""
        return [event("token", text="")]

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the final message, which is complete now."""
        self._message.state = "complete"
        self._message.content = text if self._site.final is None or not text else self._site.final
        return [event("message", message=self._message.as_json())]

    def error(self, message: str) -> Piece:
        """Return the error event, in the worker's own words."""
        self._message.state = "aborted_by_worker"
        return event("error", error=self._site.worker_says, message=self._message.as_json())

    def comment(self) -> Piece:
        """Return a ping."""
        return ": ping - 2023-10-01 12:00:00.000000\r\n\r\n"


class OpenAssistantSimulator(Simulator):
    """A site with one user.

    Args:
        session: The value of the user's session cookie.
        secure: Whether the site believes itself to be at an https address; it wants the other cookie then.
        chat: False: the chat is switched off.
        queue: How many `pending` events come before the first token.
        pings: How many pings come before the first token.
        final: The content of the final message, where it is not the text that was streamed.
        worker_says: The text of error events.
        afterwards: The state that a message reaches when its stream broke off: complete, in_progress,
            aborted_by_worker.
        late: How many readings of such a message find it still in progress.
        tick: Seconds between the `pending` events that come for ever.
        longest: The most characters of a prompt.
        options: See `Simulator`.

    Attributes:
        created: The ids of all chats ever created.
        deleted: The ids of those that were deleted.
        hidden: The ids of those that are hidden.
        crashes: How many chats were deleted while their answer ran.
    """

    service = "open_assistant"
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "401": "status 403 without a body when the answer is asked for: nobody is signed in",
            "403": "status 403 without a body when the answer is asked for: the user is banned",
            "404": "status 404 without a body when the answer is asked for: the chat is switched off",
            "429": "status 500 'Something went wrong' when the answer is asked for: the rate limit",
            "500": "status 500 'Something went wrong' when the answer is asked for: the server failed",
            "503": "status 503 when the answer is asked for: the work queue is full",
            "cancelled": "another question cancelled the answer: `pending` for ever",
            "dies": "the inference server dies: some content, then silence without pings",
            "finished_early": "the answer is complete before its events are called for: an empty stream",
            "timeout_error": "no worker came in time: `pending`, then the error event Timeout",
        }
    )
    aliases: ClassVar[Mapping[str, str]] = MappingProxyType({"dies": "stall_after"})

    def __init__(
        self,
        *,
        session: str = "simulated.session.token",
        secure: bool = False,
        chat: bool = True,
        queue: int = 0,
        pings: int = 0,
        final: str | None = None,
        worker_says: str = "Aborted due to worker error.",
        afterwards: str = "complete",
        late: int = 0,
        tick: float = 1.0,
        longest: int = 100_000,
        **options: Unpack[ScriptOptions],
    ) -> None:
        if afterwards not in _ENDS:
            raise ValueError(f"no message ends as {afterwards!r}; allowed are {', '.join(_ENDS)}")
        super().__init__(**options)
        self._session, self._chat_is_on = session, chat
        self._cookie = "__Secure-next-auth.session-token" if secure else "next-auth.session-token"
        self.queue, self.pings, self.final, self.worker_says = queue, pings, final, worker_says
        self._afterwards, self._late, self._tick = afterwards, late, tick
        self._chats = Chats(longest)
        self.created = self._chats.created
        self.deleted = self._chats.deleted

    @property
    def hidden(self) -> set[str]:
        """The ids of the chats that are hidden, and not deleted."""
        return self._chats.hidden

    @property
    def crashes(self) -> int:
        """How many chats were deleted while their answer ran."""
        return self._chats.crashes

    def failure(self, status: int, message: str) -> Answer:
        """Return what the site makes of a failure; it has few words."""
        if status in (401, 403, 404):
            return Answer(404 if status == 404 else 403, b"", None)
        if status == 503:
            return Answer(503, {"message": "The server is currently busy. Please try again later."})
        return WRONG

    def strikes(self, *names: str) -> str | None:
        """Return the script's fault, as `Simulator` does; `dies` is of the kind of `stall_after`."""
        return super().strikes(*names, "dies") if "stall_after" in names else super().strikes(*names)

    async def not_found(self, exchange: Exchange) -> None:
        """Answer with the page that is shown for unknown addresses."""
        self.unknown.append(exchange.received)
        await exchange.respond(404, PAGE, content_type="text/html; charset=utf-8")

    async def answer(self, exchange: Exchange) -> None:
        """Answer a call of the chat, or say who is signed in."""
        received = exchange.received
        if received.path == "/api/auth/session":
            user = {"user": {"name": "alice", "role": "general"}, "expires": "2023-11-01T12:00:00.000Z"}
            await exchange.respond(200, user if self._by_cookie(received) == self._session else {})
        elif received.path != "/api/chat" and not received.path.startswith("/api/chat/"):
            await self.not_found(exchange)
        elif (self._by_cookie(received) or _bearer(received)) != self._session:
            await exchange.answer(self.failure(403, ""))
        elif not self._chat_is_on:
            await exchange.answer(self.failure(404, ""))
        elif received.path == "/api/chat/events":
            await self._events(exchange)
        elif (answer := self._answer_to(received)) is not None:
            await exchange.answer(answer)
        else:
            await self.not_found(exchange)

    def _by_cookie(self, received: Received) -> str:
        # As next-auth does it: all cookies whose name begins so are joined, in the order they came.
        found = received.cookies().items()
        return "".join(value for name, value in found if name.startswith(self._cookie))

    def _answer_to(self, received: Received) -> Answer | None:
        try:
            body = received.json() if received.body else {}
        except ValueError:
            return Answer(400, "Invalid JSON")
        body = body if isinstance(body, dict) else {}
        match received.path.removeprefix("/api/chat"):
            case "":
                chat_id = received.query.get("chat_id", "")
                if received.method == "GET" and chat_id in self.created - self.deleted:
                    self._go_on(chat_id)
                return self._chats.call(received.method, chat_id, body)
            case "/models":
                return Answer(200, [{"name": model, "parameter_configs": []} for model in MODELS])
            case "/prompter_message":
                return self._chats.prompt(body)
            case "/assistant_message":
                return self._ask(body)
            case "/message":
                return self._read(received.query.get("message_id", ""))
        return None

    def _ask(self, body: dict[str, Any]) -> Answer:
        if (status := self.strikes(*_STATUSES)) is not None:
            self.turns += 1
            answer = self.failure(int(status), "")
            wait = self.script.retry_after
            return replace(answer, headers=(("Retry-After", wait),)) if wait and status == "503" else answer
        made = self._chats.ask(body)
        if isinstance(made, Answer):
            return made
        as_asked = made.as_json()  # what befalls it comes after this answer
        match self.strikes(*_FATES):
            case "cancelled":
                made.state = "cancelled"
            case "timeout_error":
                made.state = "timeout"
            case "finished_early":
                self.turns += 1
                made.state, made.content = "complete", self._text(made)
        return Answer(200, as_asked)

    def _read(self, message_id: str) -> Answer:
        message = self._chats.find(message_id)
        if message is None:
            return BROKEN
        self._go_on(message.chat_id, message)
        return Answer(200, message.as_json())

    def _go_on(self, chat_id: str, asked: Message | None = None) -> None:
        """Let the worker finish what nobody reads any more."""
        chat = self._chats.kept[chat_id]
        for message in chat.messages.values() if asked is None else (asked,):
            if not message.running or not (message.left or (chat.hidden and not message.called)):
                continue
            if message.late > 0:
                message.late -= 1
            else:
                message.state = self._afterwards
                message.content = self._text(message) if self._afterwards == "complete" else None

    async def _events(self, exchange: Exchange) -> None:
        message = self._chats.find(exchange.received.query.get("message_id", ""))
        if message is None or message.role != "assistant":
            await exchange.answer(BROKEN)
        elif message.finished:
            await exchange.start(200)
            await exchange.finish()
        elif message.state == "timeout" and not message.called:
            message.called = True
            self.turns += 1
            await exchange.start(200)
            await exchange.send(event("pending", queue_position=1, queue_size=1))
            await exchange.send(event("error", error="Timeout", message=message.as_json()))
            await exchange.finish()
        elif message.called or message.state != "pending":
            await self._wait_for_ever(exchange)
        elif self._chats.lost_workers:
            self._chats.lost_workers -= 1
            self.turns += 1
            message.state = "aborted_by_worker"
            await exchange.start(200)
            await exchange.send(event("error", error=_LOST, message=message.as_json()))
            await exchange.finish()
        else:
            message.called = True
            message.late = self._late
            try:
                await self.turn(exchange, Events(message, self), prompt=self._asked(message))
            finally:
                # Whatever became of its reader, the worker goes on.
                message.left = True
                message.state = message.state if message.finished else "in_progress"

    async def _wait_for_ever(self, exchange: Exchange) -> None:
        self.turns += 1
        await exchange.start(200)
        while True:
            await exchange.send(event("pending", queue_position=0, queue_size=0))
            await anyio.sleep(self._tick)

    def _asked(self, message: Message) -> str:
        prompt = self._chats.find(message.parent_id or "")
        return "" if prompt is None else str(prompt.content)

    def _text(self, message: Message) -> str:
        return (
            self.script.reply(self.default_text, self._asked(message)) if self.final is None else self.final
        )


def _bearer(received: Received) -> str:
    scheme, _, value = (received.header("authorization") or "").partition(" ")
    return value if scheme == "Bearer" else ""
