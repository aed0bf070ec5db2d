"""Two clients: ours, and the one that everybody writes first."""

from __future__ import annotations

import functools
import json
import logging
import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from router import Router
from router.observers.structlog import LogObserver
from tests.faults.framings import COOKIE, FRAMINGS, HEADER, KEY
from tests.faults.world import MESSAGES, SECOND_KEY, TIMEOUTS, Seen

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from tests.faults.world import World

PATIENCE: Final = 400.0


@asynccontextmanager
async def chain(world: World, seen: Seen) -> AsyncIterator[Router]:
    """The router with real adapters; what it shows of itself is kept, and then it is closed."""
    adapters = world.adapters()
    observers = (seen.events.append, LogObserver())
    router = Router(adapters, timeouts=TIMEOUTS, observers=observers, random_source=random.Random(7))
    async with router:
        seen.said += [router.health(), router.health().as_dict()]
        yield router
        seen.said += [router, *adapters, router.health(), router.health().as_dict()]
        seen.said += [vars(adapter) for adapter in adapters]


async def converse(router: Router, seen: Seen) -> None:
    """Send a request, and keep what comes of it."""
    started = anyio.current_time()
    parts: list[str] = []
    try:
        async with await router.stream(MESSAGES) as reply:
            seen.provider = reply.provider
            seen.said.append(reply)
            async for delta in reply:
                parts.append(delta.text)  # noqa: PERF401 - what came before an error counts
    except Exception as error:  # noqa: BLE001 - judged
        seen.error = error
    finally:
        seen.text = "".join(parts)
        seen.took = anyio.current_time() - started


async def ours(world: World) -> Seen:
    """One request."""
    seen = Seen()
    async with chain(world, seen) as router:
        await converse(router, seen)
    return seen


async def ours_again(world: World) -> Seen:
    """A request after a good one, whose connection is kept alive; only the second is judged."""
    seen = Seen()
    async with chain(world, seen) as router:
        await router.complete(MESSAGES)
        await anyio.sleep(0.05)
        seen.events.clear()
        seen.earlier = world.requests
        await converse(router, seen)
    return seen


async def naive(world: World) -> Seen:
    """A loop with `try`: lines, JSON, and on every exception the next provider."""
    suffix = FRAMINGS[world.case.framing].suffix
    providers = [("first", world.faulty.url + suffix, KEY)]
    if not world.alone:
        providers.append(("second", world.good.url + "/v1", SECOND_KEY))
    seen = Seen()
    started = anyio.current_time()
    with anyio.move_on_after(PATIENCE):
        await _try_each(seen, providers)
    seen.took = anyio.current_time() - started
    return seen


@functools.cache
def _trust() -> ssl.SSLContext:
    """Return what httpx trusts, read once: that takes longer than a request."""
    return httpx.create_ssl_context()


async def _try_each(seen: Seen, providers: list[tuple[str, str, str]]) -> None:
    for name, url, key in providers:
        seen.provider = name
        try:
            await _ask(seen, url, key)
        except Exception as error:  # noqa: BLE001 - that is how it is written
            seen.error = error
            logging.getLogger("naive").warning("%s failed: %r", name, error)
            continue
        seen.error = None
        return


async def _ask(seen: Seen, url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    if key == KEY:
        headers |= {"X-Canary": HEADER, "Cookie": f"canary={COOKIE}"}
    body = {"model": "m", "messages": MESSAGES, "stream": True}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30.0, follow_redirects=True, verify=_trust()) as client,
        client.stream("POST", f"{url}/chat/completions", json=body) as response,
    ):
        if response.status_code >= 400:
            raise RuntimeError(f"{response.status_code}: {(await response.aread()).decode()}")
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            if line == "data: [DONE]":
                return
            with suppress(IndexError):
                seen.text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
