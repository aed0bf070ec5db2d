"""The parser of answers: HTTP/1.1 without I/O, strict and limited. Pure.

httptools parses heads and chunked bodies. What it lets through is checked here, since two readers of one
connection must never disagree about where an answer ends:

- the first bytes are `HTTP/1.0 ` or `HTTP/1.1 `, and the status is 100 to 599;
- there is no transfer coding but exactly one `chunked`, and none on HTTP/1.0;
- a head, its lines, answers before the answer, trailers and the framing of chunks have limits: the parser
  has none, and calls nobody while a header is unfinished.

Bodies with a length, and bodies that end with the connection, are counted here: their end is known to the
byte. What lies behind a chunked body is the begin of another message to httptools, or an error, except for CR
and LF, which it swallows in silence. But a chunked body ends with two line ends behind another byte, so
that anything swallowed shows in the last bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.contract.errors import BadReply, ReplyTooLarge

_END: Final = b"\r\n\r\n"
"""Of a head, and of a chunked body."""
_STARTS: Final = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_START: Final = len(_STARTS[0])
_CHUNK_FRAMING: Final = 64
"""Bytes of framing that each piece of a chunked body may have: a size, two line ends, leading zeros."""


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """What an answer may have at most beside its body.

    Attributes:
        head: Bytes of one head.
        head_lines: Header lines of one head.
        informational: Answers 1xx before the answer.
        framing: Bytes of chunk extensions and trailers together.
        trailer_lines: Lines of trailers.

    Raises:
        ValueError: A limit is not positive.
    """

    head: int = 64 << 10
    head_lines: int = 256
    informational: int = 16
    framing: int = 16 << 10
    trailer_lines: int = 64

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not value > 0:
                raise ValueError(f"ParserLimits({each.name}={value!r}): it must be greater than zero")


class ResponseParser:
    """Parses the answer to one request: bytes in, status, headers and pieces of the body out.

    Args:
        limits: See `ParserLimits`.
        without_body: The request was HEAD, so the answer ends with its head.

    Attributes:
        status: The HTTP status; 0 until the head of the final answer is complete.
        version: `1.0` or `1.1`.
        reason: The reason phrase as sent.
        headers: Names in lower case, and values, in the order they came.
        informational: How many answers 1xx came before.
        framed: Whether the end of the body can be told from a lost connection.
        complete: Whether the answer is whole.
        behind: Whether bytes came that are behind the answer.
    """

    __slots__ = (
        "_accounted",
        "_chunked",
        "_cut",
        "_fed",
        "_given_up",
        "_head_ended",
        "_keep",
        "_left",
        "_limits",
        "_message_ended",
        "_parser",
        "_pieces",
        "_start",
        "_tail",
        "_trailer_lines",
        "_without_body",
        "behind",
        "complete",
        "framed",
        "headers",
        "informational",
        "on_body",
        "reason",
        "status",
        "version",
    )

    def __init__(self, limits: ParserLimits, without_body: bool = False) -> None:
        self._limits = limits
        self._without_body = without_body
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._fed = 0  # bytes of this head, later bytes of the chunked body with its framing
        self._start = b""  # the first bytes of this head
        self._tail = b""  # the last bytes that may begin the end of this head, or belong to that of the body
        self._head_ended = False
        self._message_ended = False
        self._cut = 0
        self._keep = False
        self._chunked = False
        self._left: int | None = None  # of a body with a length
        self._accounted = 0  # of the bytes fed: those of the pieces taken, and what framing each may have
        self._trailer_lines = 0
        self.status = 0
        self.version = ""
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.informational = 0
        self.framed = False
        self.complete = False
        self.behind = False
        # Made for the first byte: of a crowd of requests, all are sent before the first is answered.
        self._parser: HttpResponseParser | None = None
        self._given_up = False

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange: ended by its framing, and nothing behind."""
        return self.complete and self.framed and self._keep and not self.behind

    @property
    def holding(self) -> int:
        """Bytes of the body that were not taken yet."""
        return sum(map(len, self._pieces))

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header; the name in lower case."""
        for each, value in self.headers:
            if each == name:
                return value
        return None

    def feed(self, data: bytes) -> None:
        """Parse what was received.

        Raises:
            BadReply: The answer breaks HTTP/1.1, or is ambiguous.
            ReplyTooLarge: The answer is over a limit.
        """
        while data and not self.status:
            data = self._feed_head(data)
        if not data:
            return
        if self.complete:
            self.behind = True
        elif self._chunked:
            self._feed_chunks(data)
        elif self._left is None:
            self._pieces.append(data)
        else:
            self._feed_counted(data, self._left)

    def end(self) -> bool:
        """Take note that the peer closed, and return whether the answer is whole."""
        if self.status and not self.framed:
            self.complete = True
        self.close()
        return self.complete

    def take(self) -> bytes:
        """Return the bytes of the body so far, each once; empty where there are none."""
        pieces = self._pieces
        if not pieces:
            return b""
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._accounted += len(data) + _CHUNK_FRAMING * len(pieces)
        pieces.clear()
        return data

    def close(self) -> None:
        """Let go of the parser in C, which refers back to this object."""
        self._parser = None
        self._given_up = True

    # -- heads ----------------------------------------------------------------------------------

    def _feed_head(self, data: bytes) -> bytes:
        """Parse the part of `data` that belongs to this head, and return what lies behind it."""
        if len(self._start) < _START:
            self._check_start(data)
        seen = self._tail + data
        found = seen.find(_END)
        size = len(data) if found < 0 else found + len(_END) - len(self._tail)
        self._fed += size
        if self._fed > self._limits.head:
            raise ReplyTooLarge(f"the head of the answer is over {self._limits.head} bytes")
        self._parse(data[:size])
        if len(self.headers) > self._limits.head_lines:
            raise ReplyTooLarge(f"the head of the answer has over {self._limits.head_lines} lines")
        if found < 0:
            self._tail = seen[1 - len(_END) :]
            return b""
        if not self._head_ended:
            raise BadReply("the head of the answer has an empty line that does not end it")
        self._judge()
        return data[size:]

    def _check_start(self, data: bytes) -> None:
        self._start = start = (self._start + data[:_START])[:_START]
        if start not in _STARTS and not any(each.startswith(start) for each in _STARTS):
            raise BadReply("the answer does not begin with HTTP/1.1 or HTTP/1.0")

    def _judge(self) -> None:
        """Decide what a complete head means: an answer before the answer, or the answer and its framing."""
        parser = self._parser
        status = parser.get_status_code() if parser else 0
        if not 100 <= status <= 599:
            raise BadReply(f"the answer has the status {status:03}; 100 to 599 exist")
        if status < 200:
            self._skip()
            return
        self.version = "1.1" if self._start == _STARTS[0] else "1.0"
        if self._without_body or status in (204, 304):
            # What announces a body there is about a body that is not sent.
            self.framed = self.complete = True
        else:
            self._find_framing()
        self.status = status
        self._fed = 0
        self._message_ended = False
        if not self._chunked:
            self.close()

    def _skip(self) -> None:
        self.informational += 1
        if self.informational > self._limits.informational:
            raise ReplyTooLarge(f"over {self._limits.informational} answers 1xx came before the answer")
        self.headers.clear()
        self.reason = self._start = self._tail = b""
        self._fed = 0
        self._head_ended = self._message_ended = False

    def _find_framing(self) -> None:
        coding = length = None
        for name, value in self.headers:
            if name == b"transfer-encoding":
                if coding is not None or value.lower() != b"chunked":
                    raise BadReply("the answer has a Transfer-Encoding that is not one chunked")
                coding = value
            elif name == b"content-length":
                length = value
        if coding is not None:
            if self.version == "1.0":
                raise BadReply("the answer is HTTP/1.0 and chunked, which HTTP/1.0 does not have")
            self.framed = self._chunked = True
        elif length is not None:
            self.framed = True
            self._left = int(length)
            self.complete = not self._left

    # -- bodies ---------------------------------------------------------------------------------

    def _feed_counted(self, data: bytes, left: int) -> None:
        self._pieces.append(data[:left])
        self._left = max(left - len(data), 0)
        self.complete = len(data) >= left
        self.behind = len(data) > left

    def _feed_chunks(self, data: bytes) -> None:
        self._fed += len(data)
        self._parse(data)
        if len(data) <= len(_END):
            data = self._tail + data
        self._tail = data[-len(_END) - 1 :]
        if self._message_ended:
            del self._pieces[self._cut :]
            self.complete = True
            # No line end stands before those of the end, so these are the last bytes of the message.
            self.behind = self.behind or self._tail[1:] != _END or self._tail[0] in _END
            self.close()
        self._check_framing()

    def _check_framing(self) -> None:
        limits = self._limits
        if self._trailer_lines > limits.trailer_lines:
            raise ReplyTooLarge(f"the answer has over {limits.trailer_lines} lines of trailers")
        framing = self._fed - self._accounted
        if framing > limits.framing and not self._message_ended:
            framing -= self.holding + _CHUNK_FRAMING * len(self._pieces)
            if framing > limits.framing:
                raise ReplyTooLarge(
                    f"the answer has over {limits.framing} bytes of chunk extensions and trailers"
                )

    def _parse(self, part: bytes) -> None:
        if self._given_up:
            raise BadReply("bytes came after the answer was given up")
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpResponseParser(self)
        try:
            parser.feed_data(part)
        except (HttpParserUpgrade, HttpParserError) as error:
            if self._chunked and self._message_ended:
                self.behind = True
                return
            if isinstance(error, HttpParserUpgrade):
                raise BadReply("the answer switches to another protocol, which was not asked for") from None
            raise BadReply(f"the answer breaks HTTP/1.1: {error}") from None

    # -- called by httptools --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Take note of the begin of a message; after the end of this answer it lies behind it."""
        self.behind = self._message_ended

    def on_status(self, part: bytes) -> None:
        """Take a part of the reason phrase."""
        if not self.status:
            self.reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; after the head it is a trailer, or belongs to an answer behind this one."""
        if not self.status:
            self.headers.append((name.lower(), value.strip(b" \t")))
        elif not self._message_ended:
            self._trailer_lines += 1

    def on_headers_complete(self) -> None:
        """Take note of the end of a head."""
        if not self.status:
            self._head_ended = True
            parser = self._parser
            self._keep = parser is not None and parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Take note of the end of a message, and of how much of the body belongs to it."""
        if not self._message_ended:
            self._message_ended = True
            self._cut = len(self._pieces)
