"""What the tests of H2o share: a simulator with an adapter for it, and a look at its requests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters import H2o
from adapters.simulators.h2o import H2oSimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEXT: Final = "Grüße, 世界 🦉, one two three"


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
