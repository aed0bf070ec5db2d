r"""What AI Engine's chatbot sends: the reply, as events or whole, and its page about the bot. Sans-I/O.

    data: {"type":"live","data":"Hel"}                           text to append
    data: {"type":"live","subtype":"status","data":"…"}          a notice, no text (2.8.3 and later)
    data: {"type":"end","data":"{\"success\":true,\"reply\":…}"}  the whole answer once more, in a string
    data: {"type":"error","data":"You have reached the limit."}  the end of a reply that failed
    {"success":true,"reply":"Hello","usage":{…}}                 an answer without stream

Which of these a body holds is told by the body: errors come as events under `application/json`, too.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adapters.contract import Usage
from adapters.contract.errors import AdapterError, BadReply, ReplyTooLarge
from adapters.wire.error_body import is_page
from adapters.wire.json import decode
from adapters.wire.sse import SSEDecoder
from adapters.wire.text import SurrogateJoiner, encodable

_HEAD: Final = 64  # bytes that tell which kind of body it is
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_LINES: Final = (b"data:", b"event:", b"retry:", b"id:", b":")  # how a stream of events begins
_ATTRIBUTE: Final = re.compile(r"""data-system\s*=\s*(?:'([^']*)'|"([^"]*)")""")
_CHATBOTS: Final = 16  # on one page, at most


@dataclass(frozen=True, slots=True)
class End:
    """The proof that a reply is complete.

    Attributes:
        rest: What the reply has beyond the deltas; all of it where no delta came.
        final_text: The reply where it is not the deltas joined: a filter of the site changed it, and it is
            what the site's owner means.
        empty: Whether nothing at all was said. The plugin reports many failures of its backend so.
        usage: Token counts.
        token: A new nonce, where the one sent grows old.
    """

    rest: str = ""
    final_text: str | None = None
    empty: bool = False
    usage: Usage | None = None
    token: object = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The reply failed; nothing comes after this.

    Attributes:
        message: The plugin's words, or its backend's.
        code: WordPress's own word, where it was WordPress that refused.
    """

    message: str
    code: str = ""


Event = str | End | Failure | AdapterError
"""Text to append (`""` is a notice without content), the end, or why there is none."""


class _Object(msgspec.Struct):
    type: Any = None
    subtype: Any = None
    data: Any = None
    success: Any = None
    reply: Any = None
    message: Any = None
    error: Any = None
    code: Any = None
    usage: Any = None
    new_token: Any = None


class ReplyDecoder:
    """Turns the chunks of a body with status 200 into events; the same ones however the bytes are cut.

    Nothing comes after an `End`, a `Failure` or an error. Of a body that was cut there is no `End`.

    Args:
        line: The most bytes of one event.
        whole: The most bytes of an answer without stream.
        idle_lines: The most lines in a row without an event.
    """

    __slots__ = ("_body", "_ended", "_events", "_head", "_joiner", "_sse", "_texts", "_whole")

    def __init__(self, line: int, whole: int, idle_lines: int) -> None:
        self._sse = SSEDecoder(line, idle_lines)
        self._whole = whole
        self._head = b""
        self._body: bytearray | None = None  # of an answer without stream
        self._events = 0
        self._ended = False
        self._joiner = SurrogateJoiner()
        self._texts: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes.

        Raises:
            ReplyTooLarge: An event, a run of lines without one, or a whole answer is over its limit.
            BadReply: It is an HTML page.
        """
        if self._ended:
            return []
        if len(self._head) < _HEAD:
            self._begin(chunk)
        if self._body is None:
            return self._read([event.data for event in self._sse.feed(chunk)])
        self._body += chunk
        if len(self._body) > self._whole:
            raise ReplyTooLarge(f"the answer is over the limit of {self._whole} bytes")
        return []

    def flush(self) -> list[Event]:
        """Return what the end of the body completes.

        Raises:
            ReplyTooLarge: As of `feed`.
            BadReply: The body was neither events nor an answer.
        """
        if self._ended:
            return []
        if self._body is not None:
            self._ended = True
            return [self._answer(bytes(self._body))]
        last = self._sse.flush()
        if last is not None:
            try:
                return self._read([last.data], strict=True)
            except BadReply:  # the body was cut in the middle of an event
                return []
        if not self._events and not any(line.startswith(self._head[: len(line)]) for line in _LINES):
            raise BadReply("the answer is neither events nor JSON")
        return []

    def _begin(self, chunk: bytes) -> None:
        """Keep the first bytes, and tell by them how to read the body."""
        first = not self._head
        self._head += (chunk.lstrip(_BLANK) if first else chunk)[: _HEAD - len(self._head)]
        if is_page(self._head):
            raise BadReply("the answer is an HTML page with status 200")
        if first and self._head[:1] in (b"{", b"["):
            self._body = bytearray()

    def _read(self, documents: list[bytes], *, strict: bool = False) -> list[Event]:
        events: list[Event] = []
        for document in documents:
            try:
                event = self._event(document)
            except BadReply as error:
                if strict:
                    raise
                event = error
            self._events += 1
            events.append(event)
            if not isinstance(event, str):
                self._ended = True
                break
        return events

    def _event(self, document: bytes) -> Event:
        fields = decode(document, _Object)
        kind, data = fields.type, fields.data
        if kind == "live":
            if not isinstance(data, str) or fields.subtype not in (None, "", "content"):
                return ""
            text = self._joiner.feed(data)
            if text:
                self._texts.append(text)
            return text
        if kind == "end":
            if isinstance(data, str | dict):
                return self._answer(data)
            raise BadReply("the provider sent an end mark without the reply that belongs to it")
        if kind == "error":
            return Failure(_said(data))
        return self._answer(document) if kind is None and fields.success is not None else ""

    def _answer(self, data: bytes | str | dict[str, Any]) -> End | Failure:
        fields = msgspec.convert(data, _Object) if isinstance(data, dict) else decode(data, _Object)
        failed = fields.success is not True and bool(fields.code or fields.message or fields.error)
        if fields.success is False or failed:
            said = _said(fields.message) or _said(fields.error)
            return Failure(said, fields.code if isinstance(fields.code, str) else "")
        if fields.success is not True and not isinstance(fields.reply, str):
            raise BadReply("the provider sent JSON that is neither a reply nor an error of AI Engine")
        return self._end(fields)

    def _end(self, fields: _Object) -> End:
        late = self._joiner.flush()
        streamed = "".join(self._texts) + late
        reply = encodable(fields.reply) if isinstance(fields.reply, str) else ""
        usage, token = _usage(fields.usage), fields.new_token
        if not streamed:
            return End(reply if reply.strip() else "", empty=not reply.strip(), usage=usage, token=token)
        if reply.startswith(streamed):
            return End(late + reply[len(streamed) :], usage=usage, token=token)
        same = not reply or _plain(reply) == _plain(streamed)
        return End(late, None if same else reply, usage=usage, token=token)


def _said(value: object, depth: int = 2) -> str:
    """Return the words of an error: text, or the message of an object around it."""
    if isinstance(value, dict) and depth:
        return _said(value.get("message"), depth - 1) or _said(value.get("error"), depth - 1)
    return encodable(value) if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """Return a text without what the plugin itself changes: it trims, and makes a lone newline a hard one."""
    return text.replace("  \n", "\n").strip()


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    counts = [value.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    known = [c if isinstance(c, int) and not isinstance(c, bool) and c >= 0 else None for c in counts]
    return Usage(*known) if any(count is not None for count in known) else None


@dataclass(frozen=True, slots=True)
class Chatbot:
    """What a page tells about the chatbot on it.

    Attributes:
        bot_id: Of a bot that the site keeps.
        custom_id: Of a bot with settings of this page's own; the site forgets it after 24 hours.
        nonce: As the page has it: missing on 1.x and from 2.4.4 on. Not checked.
        session: The visitor's session, where the page names one.
        context_id: The number of the page.
    """

    bot_id: str | None = None
    custom_id: str | None = None
    nonce: object = None
    session: str | None = None
    context_id: int | None = None


def chatbot(page: bytes) -> Chatbot | None:
    """Return what the first chatbot on an HTML page has in its `data-system`, or None where there is none."""
    for number, found in enumerate(_ATTRIBUTE.finditer(page.decode("utf-8", "replace"))):
        if number == _CHATBOTS:
            break
        try:
            fields = decode(html.unescape(found[1] or found[2] or ""))
        except BadReply:
            continue
        if isinstance(fields, dict) and ("botId" in fields or "customId" in fields):
            context = fields.get("contextId")
            return Chatbot(
                _word(fields.get("botId")),
                _word(fields.get("customId")),
                fields.get("restNonce"),
                _word(fields.get("sessionId")),
                context if isinstance(context, int) and not isinstance(context, bool) else None,
            )
    return None


def _word(value: object) -> str | None:
    return encodable(value) if isinstance(value, str) and 0 < len(value) <= 200 else None
