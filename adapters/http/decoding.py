"""Bodies that come compressed though identity was asked for: decoded piece by piece, within the limits.

gzip and deflate are decoded; deflate with the header of zlib and without it, since servers mean either
(RFC 9110, 8.4.1.2). How much one step decodes is bounded, and all of it is counted: a bomb costs no memory.
Other codings, and one inside another, are refused when the body is read: status and headers count all the
same.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import anyio.lowlevel

from adapters.contract.errors import BadReply, ReplyTooLarge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE: Final = 1 << 16
"""Bytes of a decoded piece, at most."""

_GZIP: Final = zlib.MAX_WBITS | 16
_RAW: Final = -zlib.MAX_WBITS
_GZIP_BEGINS: Final = b"\x1f\x8b"
_KNOWN: Final = (["gzip"], ["x-gzip"], ["deflate"])


def codings_of(header: str | None) -> list[str]:
    """Return the codings of a Content-Encoding, in lower case, without those that change nothing."""
    if header is None:
        return []
    named = (coding.strip().lower() for coding in header.split(","))
    return [coding for coding in named if coding not in ("", "identity")]


class Inflater:
    """Decodes gzip or deflate. Sans-I/O: bytes are fed, and pieces taken until there are none.

    Args:
        coding: `gzip`, `x-gzip` or `deflate`.
    """

    __slots__ = ("_gzip", "_inflate", "_left")

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._inflate = zlib.decompressobj(_GZIP) if self._gzip else None  # of deflate, the first bytes tell
        self._left = b""  # fed, and not decoded yet

    def feed(self, data: bytes) -> None:
        """Take bytes of the body."""
        self._left += data

    def take(self) -> bytes:
        """Return the next piece of what was fed, at most `PIECE` bytes, or nothing where more has to be fed.

        Raises:
            zlib.error: The bytes are not of this coding.
        """
        while self._left:
            inflate = self._inflate or self._begun()
            if inflate is None:
                break
            piece = inflate.decompress(self._left, PIECE)
            self._left = inflate.unconsumed_tail
            if inflate.eof:
                self._left = inflate.unused_data
                if self._left.startswith(_GZIP_BEGINS) and self._gzip:  # some send several, one after another
                    self._inflate = zlib.decompressobj(_GZIP)
                else:
                    self._left = b""  # padding
            if piece:
                return piece
        return b""

    @property
    def is_cut(self) -> bool:
        """Whether the bytes so far end inside of the coding."""
        return bool(self._left) if self._inflate is None else not self._inflate.eof

    def _begun(self) -> zlib._Decompress | None:
        """Return the decoder of a deflate, once two bytes tell whether zlib's header stands before it."""
        if len(self._left) < 2:
            return None
        first, second = self._left[0], self._left[1]
        has_header = first & 0x0F == 8 and (first << 8 | second) % 31 == 0
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS if has_header else _RAW)
        return self._inflate


class Decoded:
    """The decoded bytes of a body, as an async iterator over the sent ones.

    Args:
        sent: The body as it is sent.
        codings: Of the body, as `codings_of` returns them.
        shown: The codings, fit to be shown.
        where: The step, for messages.
        limit: Bytes that a body may decode to (`Limits.body`).
        status: Of the answer.
    """

    __slots__ = ("_decoded", "_heard", "_inflater", "_limit", "_sent", "_shown", "_status", "_where")

    def __init__(
        self,
        sent: AsyncIterator[bytes],
        codings: list[str],
        *,
        shown: str,
        where: str,
        limit: int,
        status: int,
    ) -> None:
        self._sent = sent
        self._inflater = Inflater(codings[0]) if codings in _KNOWN else None
        self._heard = False  # any byte
        self._decoded = 0
        self._limit = limit
        self._shown = shown
        self._where = where
        self._status = status

    def __aiter__(self) -> Decoded:
        aiter(self._sent)
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece.

        Raises:
            BadReply: The coding is unknown, or the body is not of it, or ends inside of it.
            ReplyTooLarge: It decodes to more than the limit.
        """
        inflater = self._inflater
        if inflater is None:
            raise self._bad("which is not known here, and only identity was asked for")
        try:
            piece = inflater.take()
            if piece:
                await anyio.lowlevel.checkpoint()  # a bomb is decoded without any wait
            while not piece:
                try:
                    inflater.feed(await anext(self._sent))
                    self._heard = True
                except StopAsyncIteration:
                    if inflater.is_cut and self._heard:
                        raise self._bad("and is cut") from None
                    raise
                piece = inflater.take()
        except zlib.error:
            raise self._bad("but it is not, or is damaged") from None
        self._decoded += len(piece)
        if self._decoded > self._limit:
            raise ReplyTooLarge(f"{self._where}: the body decodes to over {self._limit} bytes (Limits.body)")
        return piece

    def _bad(self, what: str) -> BadReply:
        text = f"{self._where}: the body is said to be encoded as {self._shown!r}, {what}"
        return BadReply(text, status=self._status)
