"""The gateways that a request came through, so that one that comes back to its sender ends there.

The idea is that of RFC 8586 (CDN-Loop). The header is one of our own: services read a meaning into Via and
CDN-Loop, and everybody passes on a header that nobody knows.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

HEADER: Final = "x-chat-router-via"
"""Carries the ids of the gateways, the latest last, each in 16 digits of hexadecimal, with commas between."""

HOPS: Final[ContextVar[tuple[tuple[str, str], ...]]] = ContextVar("chat_router_hops", default=())
"""The header that requests to providers carry where a gateway is answering; empty elsewhere."""
