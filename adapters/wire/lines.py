"""Bytes in, lines out: for protocols of one JSON object a line, and for all that is not quite that.

Only LF and CRLF end a line, and a lone CR where it is asked for. U+2028, NEL, form feed and the other ends
that `str.splitlines` knows are content: models write them. So bytes are split here, never text.
"""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import ReplyTooLarge

CR: Final = 0x0D
"""As a number: bytes that are looked for in bytes cost an error inside of Python first, 0.4 µs."""
LF: Final = 0x0A


def as_lf(chunk: bytes, after_cr: bool) -> tuple[bytes, bool]:
    """Return `chunk` with no other line end than LF, and whether it ends with a CR.

    A CRLF that is cut in two is one end.

    Args:
        chunk: With LF, CRLF and CR as line ends.
        after_cr: Whether the chunk before it ended with a CR.
    """
    if after_cr:
        if not chunk:
            return chunk, True
        if chunk[0] == LF:  # its CR was an end already
            chunk = chunk[1:]
    if CR not in chunk:
        return chunk, False
    return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), chunk[-1] == CR


class LineDecoder:
    """Splits chunks into lines; the same lines come out however the bytes are cut.

    A line over the limit is an error that comes after the lines before it: `feed` returns those first and
    raises on the next call, so that nothing readable is lost.

    Args:
        limit: The most bytes of one line, without its end.
        cr: Whether a lone CR ends a line as well.
    """

    __slots__ = ("_after_cr", "_cr", "_failure", "_limit", "_rest")

    def __init__(self, limit: int, *, cr: bool = False) -> None:
        self._limit = limit
        self._cr = cr
        self._after_cr = False
        self._rest = bytearray()  # the unfinished line; holds no LF, so it is never searched again
        self._failure: ReplyTooLarge | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, without their ends.

        Raises:
            ReplyTooLarge: A line, finished or not, is over the limit.
        """
        if self._failure is not None:
            raise self._failure
        if self._cr:
            chunk, self._after_cr = as_lf(chunk, self._after_cr)
        pieces = chunk.split(b"\n")
        rest = self._rest
        short = len(rest) + len(chunk) <= self._limit
        if len(pieces) > 1 and rest:
            pieces[0] = bytes(rest) + pieces[0]
            rest.clear()
        rest += pieces.pop()
        if CR in chunk or (pieces and pieces[0][-1:] == b"\r"):  # of a CRLF, which may have been cut
            pieces = [piece[:-1] if piece[-1:] == b"\r" else piece for piece in pieces]
        return pieces if short else self._within_limit(pieces)

    def flush(self) -> bytes:
        """Return the unfinished rest, at the end of the bytes; b"" if there is none.

        Raises:
            ReplyTooLarge: The rest, or a line before it, is over the limit.
        """
        if self._failure is not None:
            raise self._failure
        rest = bytes(self._rest)
        self._rest.clear()
        if len(rest) > self._limit:
            raise self._too_large()
        return rest

    def _within_limit(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines up to the first one over the limit; raise where that is the first of all."""
        for number, line in enumerate(lines):
            if len(line) > self._limit:
                return self._fail_after(lines[:number])
        # The CR at the end of the rest may be the first half of its end.
        if len(self._rest) - self._rest.endswith(b"\r") > self._limit:
            return self._fail_after(lines)
        return lines

    def _fail_after(self, lines: list[bytes]) -> list[bytes]:
        self._rest.clear()
        self._failure = self._too_large()
        if not lines:
            raise self._failure
        return lines

    def _too_large(self) -> ReplyTooLarge:
        return ReplyTooLarge(f"the provider sent a line over the limit of {self._limit} bytes")
