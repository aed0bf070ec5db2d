"""Server-sent events, as the WHATWG defines their stream: bytes in, events out.

The rules, in the order in which the code meets them:

1. One byte order mark at the very start is skipped.
2. CR, LF and CRLF end a line, and nothing else does. They are all made LF first; a CRLF may be cut in two.
3. A blank line finishes the event. One that had no `data` field is dropped, and with it its name.
4. A line that starts with a colon is a comment. Otherwise the field's name stands before the first colon,
   the value after it, less one leading space; a line without a colon is a field with an empty value.
5. `data` lines are joined with LF. `event` names the event. `id` and `retry` are about reconnecting, which
   would mean a second generation, so they are ignored like every unknown field. Names are case-sensitive.

What the standard does not have: limits, and an event at the end of the body that misses its blank line, which
`flush` hands over for the caller to judge.
"""

from __future__ import annotations

from typing import NamedTuple

from adapters.contract.errors import ReplyTooLarge
from adapters.wire.lines import CR, LF, as_lf

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event.

    Attributes:
        event: Its name; `message` where the server gave none.
        data: Its data lines, joined with LF; bytes, for the JSON decoder.
    """

    event: str
    data: bytes


_new = tuple.__new__  # as `Event(...)`, in two thirds of the time


class SSEDecoder:
    """Turns chunks into events; the same events come out however the bytes are cut.

    Over a limit, `feed` returns the events before the offending one first and raises on the next call, so
    that nothing readable is lost.

    Args:
        limit: The most bytes of one line, and of the data of one event.
        idle_lines: The most lines in a row that finish no event: comments, blank lines, unknown fields.
        error_field: Whether a field named `error`, which older llama.cpp sends in place of `data`, is an
            event named `error` at once.
    """

    __slots__ = (
        "_after_cr", "_begun", "_data", "_error_field", "_failure", "_idle", "_idle_lines", "_limit", "_name",
        "_rest", "_size",
    )  # fmt: skip

    def __init__(self, limit: int, idle_lines: int, error_field: bool = False) -> None:
        self._error_field = error_field
        self._limit = limit
        self._idle_lines = idle_lines
        self._begun = False
        self._after_cr = False  # a LF that comes next belongs to the end before it
        self._rest = bytearray()  # the unfinished line; holds no line end, so it is never searched again
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._idle = 0
        self._failure: ReplyTooLarge | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes.

        Raises:
            ReplyTooLarge: A line, an event or a run of lines without an event is over its limit.
        """
        if self._failure is not None:
            raise self._failure
        if not self._begun:
            chunk = self._without_bom(chunk)
            if not chunk:
                return []
        chunk, self._after_cr = as_lf(chunk, self._after_cr)
        events: list[Event] = []
        try:
            self._decode(chunk, events)
        except ReplyTooLarge as failure:
            self._failure = failure
            self._rest.clear()
            self._data.clear()
            if not events:
                raise
        return events

    def whole(self, chunk: bytes) -> bytes | None:
        """Return the data of a chunk that is one event of one data line, else None, and nothing is taken.

        It is what most chunks are that come singly: the short way does what `feed` does with such a one.
        """
        if chunk[:7] != b"data: {" or chunk[-2:] != b"\n\n" or chunk.find(b"\n") != len(chunk) - 2:
            return None
        if len(chunk) > self._limit or CR in chunk or not (self.at_rest or self._is_new):
            return None
        self._begun = True
        self._idle = 0
        return chunk[6:-2]

    @property
    def _is_new(self) -> bool:
        """Whether nothing was fed yet."""
        return not self._begun and not self._rest

    @property
    def at_rest(self) -> bool:
        """Whether the next byte begins an event: nothing of one before it is kept, and it may come."""
        if self._rest or self._data or self._name or self._after_cr:
            return False
        return self._begun and self._failure is None and self._idle < self._idle_lines

    def passed(self) -> None:
        """Take note of events that were read beside the decoder, while it was at rest."""
        self._idle = 0

    def flush(self) -> Event | None:
        """Return the last event where it misses only its blank line, at the end of the bytes.

        The standard drops such an event. Servers that forget the blank line exist, and so do bodies that were
        cut: the caller accepts the event where its data can be read.

        Raises:
            ReplyTooLarge: As of `feed`.
        """
        if self._failure is not None:
            raise self._failure
        events: list[Event] = []
        if self._rest:
            line = bytes(self._rest)
            self._rest.clear()
            self._line(line, events)
        self._line(b"", events)
        return events[0] if events else None

    def _without_bom(self, chunk: bytes) -> bytes:
        start = bytes(self._rest) + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._rest[:] = start
            return b""
        self._begun = True
        self._rest.clear()
        return start.removeprefix(_BOM)

    def _decode(self, chunk: bytes, events: list[Event]) -> None:
        """Take the chunk apart at its blank lines; a block of one data line is an event at once.

        Only the first block can belong to an event begun earlier: behind each blank line the state is clean.
        """
        rest = self._rest
        if rest:
            end = chunk.find(b"\n")
            if end < 0:
                rest += chunk
                self._check_line(len(rest))
                return
            self._check_line(len(rest) + end)
            line = bytes(rest) + chunk[:end]
            rest.clear()
            self._line(line, events)
            chunk = chunk[end + 1 :]
        blocks = chunk.split(b"\n\n")
        last = blocks.pop()
        small = len(chunk) <= self._limit
        quick = small and not self._data and not self._name and self._idle < self._idle_lines
        for block in blocks:
            if quick and block[:6] == b"data: " and LF not in block:
                events.append(_new(Event, ("message", block[6:])))
                self._idle = 0
                continue
            for line in block.split(b"\n"):
                self._line(line, events)
            self._line(b"", events)
            quick = small and self._idle < self._idle_lines
        if not last:
            return
        lines = last.split(b"\n")
        rest += lines.pop()
        for line in lines:
            self._line(line, events)
        self._check_line(len(rest))

    def _line(self, line: bytes, events: list[Event]) -> None:
        """Take one complete line."""
        self._idle += 1
        if not line:
            self._finish(events)
        else:
            self._check_line(len(line))
            name, _, value = line.partition(b":")  # the name of a comment is empty
            if name == b"data":
                self._append(value[1:] if value[:1] == b" " else value)
            elif name == b"event":
                self._name = value[1:] if value[:1] == b" " else value
            elif name == b"error" and self._error_field:
                events.append(Event("error", value.strip()))
                self._idle = 0
        if self._idle > self._idle_lines:
            raise ReplyTooLarge(
                f"the provider sent {self._idle} lines without an event; the limit is {self._idle_lines}"
            )

    def _append(self, value: bytes) -> None:
        self._size += len(value) + bool(self._data)
        if self._size > self._limit:
            raise ReplyTooLarge(f"the provider sent an event over the limit of {self._limit} bytes")
        self._data.append(value)

    def _finish(self, events: list[Event]) -> None:
        if self._data:
            name = self._name.decode("utf-8", "replace") if self._name else "message"
            events.append(Event(name, b"\n".join(self._data)))
            self._idle = 0
        self._data.clear()
        self._size = 0
        self._name = b""

    def _check_line(self, size: int) -> None:
        if size > self._limit:
            raise ReplyTooLarge(f"the provider sent a line over the limit of {self._limit} bytes")
