"""Whether somebody has put something of his own into httpx: a mock of a test, or telemetry.

Those who do that replace methods of httpx or httpcore. A transport beside them would talk to the network
behind a mock, and would be invisible to telemetry, so its user asks here before each request, and sends it
through a stock client where the answer is yes.

    respx                     the pools and connections of httpcore, or `AsyncClient._transport_for_url`
    pytest-httpx              `AsyncHTTPTransport.handle_async_request`
    OpenTelemetry             the same, by a wrapper that shows httpx's own `__module__`

So a method is httpx's own where it is a plain function, and of a module of httpx or httpcore.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Final

import httpx

_OWN: Final = frozenset(("httpx", "httpcore"))
_known: Final[set[FunctionType]] = set()  # their own methods, seen before


def patched() -> bool:
    """Return whether a method of httpx or httpcore that sends requests is not their own."""
    if _foreign(httpx.AsyncHTTPTransport.handle_async_request):
        return True
    if _foreign(httpx.AsyncClient._transport_for_url):  # noqa: SLF001 - where respx puts itself
        return True
    # httpx imports it when it is first needed. Before that nobody can have patched it.
    httpcore = sys.modules.get("httpcore")
    return httpcore is not None and _foreign(httpcore.AsyncConnectionPool.handle_async_request)


def _foreign(method: object) -> bool:
    if type(method) is not FunctionType:
        return True
    if method in _known:
        return False
    if method.__module__.partition(".")[0] not in _OWN:
        return True
    _known.add(method)
    return False
