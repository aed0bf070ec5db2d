"""A request as a simulator got it: whole, and with its forms and cookies taken apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Received:
    """One request, read to its end.

    Attributes:
        method: As sent, such as `POST`.
        target: The request target, path and query as sent.
        headers: Names in lower case, and values, in the order they came.
        body: All of it.
    """

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(urlsplit(self.target).path)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query, percent-decoded; the first value of each name."""
        return _first(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """Return the first value of the header `name`, in any case, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        """Return the body as JSON, whatever its content type says.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """Return the fields of an urlencoded or multipart form; the first value of each name."""
        content_type = self.header("content-type") or ""
        if content_type.lower().startswith("multipart/form-data"):
            return _first(_multipart(content_type, self.body))
        return _first(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def cookies(self) -> dict[str, str]:
        """Return the cookies that were sent."""
        jar: SimpleCookie = SimpleCookie()
        for name, value in self.headers:
            if name == "cookie":
                jar.load(value)
        return {name: morsel.value for name, morsel in jar.items()}


def _first(pairs: list[tuple[str, str]]) -> dict[str, str]:
    return dict(reversed(pairs))


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    # A form is a MIME message without its head, and the standard library reads those.
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields.append((name, payload.decode("utf-8", "replace")))
    return fields
