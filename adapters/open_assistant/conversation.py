"""One conversation at an Open-Assistant site: a chat of its own, one question, its answer, and the deletion.

The answer comes by the event stream until its end, or until the stream is lost; then by reading the message:

    open -> ask -> next: events ----------------------> over
                           |
                           +-> lost: read the message -> over

A chat whose answer may still run is not deleted but hidden: see `adapters.open_assistant.hidden`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, BadReply, ConnectFailed, ConnectionLost, ServiceFailed
from adapters.http.shielded import run_shielded
from adapters.open_assistant.codec import (
    COMPLETE,
    FAILED,
    Ended,
    EventDecoder,
    Message,
    Waiting,
    message_of,
    rest_of,
)
from adapters.open_assistant.errors import failure
from adapters.wire.error_body import words

if TYPE_CHECKING:
    from adapters.http import Answer, Session, WholeAnswer
    from adapters.open_assistant.codec import Item
    from adapters.open_assistant.hidden import HiddenChats

_OWN: Final = 4  # requests of an attempt that are no reading of the message
_KEPT: Final = 3  # readings kept for the time after the stream
_LOOKS: Final = frozenset({3, 10, 30, 70})
"""`pending` events, about one a second, after which the message is looked at; the site waits for 60 s."""
_SLOWEST: Final = 4  # times `polling`
_MISREADINGS: Final = 2
"""Readings of the message that may fail before the site counts as failed."""
_REFUSED: Final = frozenset({500, 501, 503})
"""Statuses over 499 with which the site itself refuses a question; others leave open what became of it."""
_LONGEST_ID: Final = 200


class Conversation:
    """One conversation, from its chat's creation to its deletion. `close` must be called, whatever happened.

    Args:
        session: The HTTP exchanges of the attempt.
        silence: Seconds without a byte after which the event stream is lost.
        polling: Seconds before the second reading of the message.
        hidden: Where a chat goes whose answer may still run when it is left.

    Attributes:
        over: Whether the answer was delivered to its end.
    """

    def __init__(self, session: Session, *, silence: float, polling: float, hidden: HiddenChats) -> None:
        self._session = session
        self._silence = silence
        self._polling = polling
        self._hidden = hidden
        self._running = False  # whether the site may be working on the answer
        self._chat: str | None = None
        self._message = ""
        self._events: Answer | None = None
        self._decoder = EventDecoder(session.limits.line, session.limits.empty)
        self._delivered: list[str] = []
        self._waited = 0
        self._readings = session.limits.steps - _OWN
        self._failed: AdapterError | None = None
        self.over = False

    async def open(self) -> None:
        """Create the chat.

        A cancellation meanwhile would leave a chat behind whose id nobody knows. So it waits for the id, at
        most as long as the clean-up may take.

        Raises:
            AdapterError: The site gave no chat.
        """
        await run_shielded(self._create, self._session.cleanup_timeout)

    async def _create(self) -> None:
        self._chat = self._id_in(await self._session.ask("POST", "/api/chat"))

    async def ask(self, prompt: str, question: dict[str, Any]) -> None:
        """Put the prompt into the chat, ask for an answer, and call for its events at once.

        Args:
            prompt: The whole dialogue as one text.
            question: The body that asks for the answer, without ids.

        Raises:
            AdapterError: A step was refused.
        """
        said = {"chat_id": self._chat, "content": prompt, "parent_id": None}
        answer = await self._session.ask("POST", "/api/chat/prompter_message", json=said)
        asked = {**question, "chat_id": self._chat, "parent_id": self._id_in(answer)}
        self._running = True
        try:
            answer = await self._session.ask("POST", "/api/chat/assistant_message", json=asked)
        except AdapterError as error:
            status = error.status or 200  # without one nobody knows whether the question arrived
            self._running = not (300 <= status < 500 or status in _REFUSED)
            raise
        self._message = self._id_in(answer)
        await self._call_events()

    async def next(self) -> list[Delta]:
        """Return what comes next of the answer, maybe nothing yet; the last delta when it is `over`.

        Raises:
            AdapterError: The answer failed, or cannot be read.
        """
        if self._failed is not None:
            raise self._failed
        events = self._events
        if events is None:
            return await self._poll()
        deltas: list[Delta] = []
        try:
            chunk = await self._read(events)
            for item in self._decoded(events, chunk):
                deltas += await self._take(item)
                if self.over:
                    return deltas
            if chunk is None:
                await self._lose(events)
        except AdapterError as error:
            # Text that came in the same bytes goes first: how bytes are cut changes nothing.
            self._failed = error
            if not deltas:
                raise
        return deltas

    async def close(self) -> None:
        """Leave the event stream, and delete the chat, or hide it where its answer may still run."""
        try:
            await self._leave_events()
        finally:
            if self._chat is not None and self._running:
                self._hidden.add(self._chat, self._message)
                hide = {"chat_id": self._chat, "hidden": True}
                await self._session.clean_up("PUT", "/api/chat", json=hide, ok=(200, 204))
            elif self._chat is not None:
                await self._session.clean_up("DELETE", "/api/chat", query={"chat_id": self._chat})

    # -- the event stream -----------------------------------------------------------------------

    async def _call_events(self) -> None:
        events = self._session.exchange("POST", "/api/chat/events", query=self._ids())
        try:
            with anyio.move_on_after(self._silence):
                self._events = await events.__aenter__()
        except ConnectionLost:
            pass  # the site may have taken the call: a second one would wait for ever
        if self._events is None:
            return
        if self._events.status == 204:  # as the inference server says that the answer is finished
            await self._leave_events()
        elif self._events.status != 200:
            raise await self._events.failure()

    async def _read(self, events: Answer) -> bytes | None:
        """Return the next bytes of the event stream; None at its end, in order or not."""
        chunks = aiter(events.chunks())
        try:
            # Not open across a yield: it is left before anybody gets what was read.
            with anyio.move_on_after(self._silence):
                return await anext(chunks)
        except (StopAsyncIteration, ConnectionLost):
            pass
        return None

    def _decoded(self, events: Answer, chunk: bytes | None) -> list[Item]:
        try:
            return self._decoder.flush() if chunk is None else self._decoder.feed(chunk)
        except BadReply as error:
            raise events.located(error) from None

    async def _leave_events(self) -> None:
        events, self._events = self._events, None
        if events is not None:
            if self.over:
                events.ended()
            await events.__aexit__(None, None, None)

    async def _lose(self, events: Answer) -> None:
        if self._decoder.is_no_stream:
            said = self._session.shown(words(self._decoder.head))
            raise BadReply(f"{events.where}: not an event stream but {said}", status=events.status)
        await self._leave_events()

    async def _take(self, item: Item) -> list[Delta]:
        if isinstance(item, Waiting):
            self._session.meter.empty()
            # The first one is told: the site answers, though without content.
            return [*([] if self._waited else [Delta()]), *await self._look()]
        if isinstance(item, Ended):
            return self._end(item)
        self._session.meter.content(item)
        if not item:
            return []
        self._delivered.append(item)
        return [Delta(text=item)]

    def _end(self, end: Ended) -> list[Delta]:
        state = None if end.message is None else end.message.state
        if end.error is not None or state in FAILED:
            self._running = False
            raise failure(state, end.error, self._where("events"), self._session.shown)
        if end.message is None or state != COMPLETE:
            return []  # no proof of anything: the stream is over, and the message itself will tell
        return self._finish(end.message)

    async def _look(self) -> list[Delta]:
        """Look at the message now and then while the stream says no more than that it waits."""
        self._waited += 1
        if self._waited not in _LOOKS or self._readings <= _KEPT:
            return []
        try:
            message = await self._message_now(_SLOWEST * self._polling)
        except AdapterError:
            return []  # the stream is still there, and decides
        return self._judge(message)

    # -- the message ----------------------------------------------------------------------------

    async def _poll(self) -> list[Delta]:
        """Read the message until it is finished, a fixed number of times."""
        failures: list[AdapterError] = []
        pause = self._polling
        while self._readings > 0:
            try:
                deltas = self._judge(await self._message_now(self._silence))
            except (ServiceFailed, ConnectionLost, ConnectFailed) as error:
                failures.append(error)
                if len(failures) == _MISREADINGS:
                    raise
            if self.over:
                return deltas
            await anyio.sleep(pause)
            pause = min(2 * pause, _SLOWEST * self._polling)
        raise ServiceFailed(
            f"{self._where('message')}: the event stream ended early, and the answer is still not finished"
        )

    async def _message_now(self, seconds: float) -> Message:
        self._readings -= 1
        with anyio.move_on_after(seconds):
            answer = await self._session.ask("GET", "/api/chat/message", query=self._ids())
            message = message_of(answer.json())
            if message is None:
                raise BadReply(f"{answer.where} gave no message object", status=answer.status)
            return message
        raise ServiceFailed(f"{self._where('message')}: no answer within {seconds:g} s")

    def _judge(self, message: Message) -> list[Delta]:
        if message.state in FAILED:
            self._running = False
            raise failure(message.state, None, self._where("message"), self._session.shown)
        if message.state != COMPLETE:
            return []
        self._running = False
        if message.text is None or rest_of(message.text, "".join(self._delivered)) is None:
            raise BadReply(
                f"{self._where('message')}: the event stream ended early, and the finished answer is not the "
                "one that was streamed"
            )
        return self._finish(message)

    def _finish(self, message: Message) -> list[Delta]:
        """Return what of the finished answer was not delivered yet, and the proof of its end."""
        self.over, self._running = True, False
        streamed = "".join(self._delivered)
        content = streamed if message.text is None else message.text
        rest = rest_of(content, streamed) or ""
        deltas = []
        if rest:
            self._session.meter.content(rest)
            deltas.append(Delta(text=rest))
        final = content if content != streamed + rest else None
        return [*deltas, Delta(finish_reason="stop", final_text=final)]

    # -- words ----------------------------------------------------------------------------------

    def _ids(self) -> dict[str, str]:
        return {"chat_id": self._chat or "", "message_id": self._message}

    def _id_in(self, answer: WholeAnswer) -> str:
        message = message_of(answer.json())
        found = None if message is None else message.id
        # What is not printable, half a surrogate pair for instance, may not be sendable in an address either.
        if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID or not found.isprintable():
            raise BadReply(f"{answer.where} gave no id; is it an Open-Assistant site?", status=answer.status)
        return found

    def _where(self, step: str) -> str:
        method = "POST" if step == "events" else "GET"
        return f"{self._session.name}: {method} /api/chat/{step}"
