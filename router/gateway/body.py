"""The body of a client's request, read under a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from router.gateway.client import client_of
from router.gateway.failure import refused

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


class Left(Exception):
    """The client left before its request was whole."""


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """Return the body.

    Args:
        scope: Of the request.
        receive: Gives its parts.
        limit: The most bytes.
        seconds: That it may take to arrive.

    Raises:
        Refused: It is longer or slower; the connection is to be closed after the answer.
        Left: The client left.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_long(limit)
    client = client_of(scope)
    if client is not None and (body := client.whole_body()) is not None:
        if len(body) > limit:
            raise _too_long(limit)
        return body
    with anyio.move_on_after(seconds):
        return await _all_of(receive, limit)
    raise refused(
        f"the request's body took more than {seconds:g} s to arrive; send it faster",
        code="request_timeout",
        status=408,
    )


async def _all_of(receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Left
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_long(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_long(limit: int) -> Exception:
    return refused(
        f"the request's body is over {limit} bytes, which is the gateway's limit; send less",
        code="request_too_large",
        status=413,
    )
