"""The transport below httpx's client, which keeps a peer's own words out of httpx's log."""

from __future__ import annotations

from typing import Final

import httpx

SAID: Final = "said"
"""The extension of an answer that holds its reason phrase, as bytes."""


class Hushed(httpx.AsyncBaseTransport):
    """Moves the reason phrase of an answer where httpx does not look for it.

    httpx logs the phrase at INFO, as it came, and a peer can quote there the key that it was sent.

    Args:
        inner: Does the work.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of the inner transport, its reason phrase moved."""
        response = await self._inner.handle_async_request(request)
        response.extensions[SAID] = response.extensions.pop("reason_phrase", b"")
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
