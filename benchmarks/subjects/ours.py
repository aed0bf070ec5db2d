"""The router with default settings: one provider, or a first one that fails and a second that answers."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any, Final

import httpx

from adapters import OpenAICompatible
from benchmarks.cases import messages_of
from router import Router

if TYPE_CHECKING:
    from benchmarks.cases import Case

DEAD: Final = "http://127.0.0.1:9/v1"


class Ours:
    """The router over the transport that it chooses itself."""

    name = "chat-router"

    def transport(self, verify: Any) -> httpx.AsyncBaseTransport | None:
        """Return the transport to hand in, or None for the router's own choice."""
        return None

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the router."""
        verify: Any = ssl.create_default_context(cafile=ca) if case.tls else True
        settings: dict[str, Any] = {"model": "m", "verify": verify, "transport": self.transport(verify)}
        good = OpenAICompatible(f"{url}{case.path}/v1", name="good", **settings)
        chain = [good]
        chain += [
            OpenAICompatible(f"{url}{case.path}/v1", name=f"spare {number}", **settings)
            for number in range(1, case.providers)
        ]
        if case.fails is not None:
            bad = f"{url}/status/{case.fails}/v1" if case.fails else DEAD
            chain.insert(0, OpenAICompatible(bad, name="bad", **settings))
        self._router = Router(chain)
        self._messages = messages_of(case.messages)
        self._fails = case.fails is not None

    async def read(self) -> tuple[str, float]:
        """Read one reply; a first provider that fails is asked each time, its breaker is reset."""
        if self._fails:
            self._router.reset("bad")
        parts: list[str] = []
        first = 0.0
        async with await self._router.stream(self._messages) as reply:
            async for delta in reply:
                if not parts:
                    first = time.perf_counter()
                parts.append(delta.text)
        return "".join(parts), first

    async def close(self) -> None:
        """Close the router."""
        await self._router.aclose()


class OursOverHttpx(Ours):
    """The router over httpx's own transport, as where a proxy, HTTP/2 or a user's transport demands it."""

    name = "chat-router over httpx"

    def transport(self, verify: Any) -> httpx.AsyncBaseTransport | None:
        """Return a stock transport."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=1000)
        # Without TLS no context is needed, and httpx would make one for each transport.
        context = verify if isinstance(verify, ssl.SSLContext) else False
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
