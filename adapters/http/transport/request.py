"""The head of a request as bytes, checked once and sent many times. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(_TOKEN + rb" [\x21-\x7e]+ HTTP/1\.1\r\n")
_FIELDS: Final = re.compile(rb"(?:" + _TOKEN + rb":[^\x00\r\n]*\r\n)*")
_HAVE_BODY: Final = frozenset((b"POST", b"PUT", b"PATCH"))


class Origin(NamedTuple):
    """Where connections go to: they are shared within one origin only.

    Attributes:
        tls: Whether TLS is spoken.
        host: A name in ASCII (IDNA), or an address without brackets.
        port: Of TCP.
    """

    tls: bool
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request, without the length of its body. Made by `request_head`.

    Attributes:
        origin: Where it goes.
        method: The HTTP method.
        lines: The request line and the header lines as they are sent.
    """

    origin: Origin
    method: bytes
    lines: bytes

    def __repr__(self) -> str:
        # The lines hold keys and cookies.
        return f"<RequestHead {self.method.decode('latin-1')} to {self.origin}>"

    def with_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> RequestHead:
        """Return a head with further headers behind those of this one.

        Raises:
            ValueError: As of `request_head`.
        """
        lines = _lines(headers)
        return RequestHead(self.origin, self.method, self.lines + lines) if lines else self

    def for_body(self, size: int) -> bytes:
        """Return the head as it stands before a body of so many bytes."""
        if size or self.method in _HAVE_BODY:
            return b"%bContent-Length: %d\r\n\r\n" % (self.lines, size)
        return self.lines + b"\r\n"


def request_head(
    origin: Origin, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> RequestHead:
    """Return the head of a request.

    Args:
        origin: Where it goes.
        method: The HTTP method.
        target: Path and query, percent-encoded.
        headers: `Host` among them. Content-Length and Transfer-Encoding are left out: the body is sent with
            its length.

    Raises:
        ValueError: Something has no form in HTTP. The message shows no value: it may be a key.
    """
    line = b"%b %b HTTP/1.1\r\n" % (method, target)
    if not _LINE.fullmatch(line):
        raise ValueError("the method or the target of the request has a character that HTTP does not carry")
    return RequestHead(origin, method, line + _lines(headers))


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [
        b"%b: %b\r\n" % (name, value)
        for name, value in headers
        if name.lower() not in (b"content-length", b"transfer-encoding")
    ]
    sent = b"".join(lines)
    # The count finds a value that brings lines of its own along.
    if not _FIELDS.fullmatch(sent) or sent.count(b"\r\n") != len(lines):
        raise ValueError("a header of the request has a character that HTTP does not carry (CR, LF, NUL)")
    return sent
