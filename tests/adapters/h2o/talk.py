"""What the tests of H2o share: a simulator with an adapter for it, and a server that answers all alike."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from adapters import H2o
from adapters.simulators.h2o import H2oSimulator
from tests.adapters.bodies import CHUNKED, Body, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEXT: Final = "Grüße, 世界 🦉, one two three"


class Always(Wire):
    """Answers every request alike."""

    def __init__(self, body: bytes, status: int = 200, content_type: str = "application/json") -> None:
        super().__init__()
        self.content = body
        self.status = status
        self.headers = {"content-type": content_type, **CHUNKED}

    def answer_to(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, stream=Body([self.content]))


class Scripted(Wire):
    """Answers by method and path: a status, a body and a content type; a page with 404 otherwise."""

    def __init__(self, **answers: tuple[int, bytes, str]) -> None:
        super().__init__()
        self.answers = answers

    def answer_to(self, request: httpx.Request) -> httpx.Response:
        name = (request.method + request.url.path.replace("/", "_")).lower()
        status, body, content_type = self.answers.get(name, (404, b"<html>", "text/html"))
        headers = {"content-type": content_type, "set-cookie": "balancer=a1; Path=/", **CHUNKED}
        return httpx.Response(status, headers=headers, stream=Body([body]))


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[H2oSimulator, H2o]]:
    """Serve a simulator and an adapter for it; nothing may stay behind."""
    async with H2oSimulator(**{"text": TEXT, **options}) as simulator:
        adapter = H2o(simulator.url)
        try:
            yield simulator, adapter
        finally:
            with anyio.CancelScope(shield=True):
                await adapter.aclose()
                await simulator.drained()
        assert not simulator.unknown


def calls(simulator: H2oSimulator, since: int = 0) -> list[str]:
    """The requests, without the ids."""
    names = simulator.created
    paths = [
        "/".join("*" if part in names else part for part in r.path.split("/")) for r in simulator.requests
    ]
    return [f"{r.method} {path}" for r, path in zip(simulator.requests, paths, strict=True)][since:]
