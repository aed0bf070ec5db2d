"""Two clients: ours, and the one that everybody writes first."""

from __future__ import annotations

import json
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from router import Router
from router._structlog import log_event
from tests.faults.framings import COOKIE, FRAMINGS, HEADER, KEY
from tests.faults.world import MESSAGES, SECOND_KEY, TIMEOUTS, Seen

if TYPE_CHECKING:
    from tests.faults.world import World

PATIENCE: Final = 400.0


async def ours(world: World) -> Seen:
    """The router with real adapters."""
    adapters = world.adapters()
    seen = Seen()
    observers = (seen.events.append, log_event)
    router = Router(adapters, timeouts=TIMEOUTS, observers=observers, random_source=random.Random(7))
    started = anyio.current_time()
    async with router:
        seen.said += [router.health(), router.health().as_dict()]
        try:
            async with await router.stream(MESSAGES) as reply:
                seen.provider = reply.provider
                seen.said.append(reply)
                parts = []
                try:
                    async for delta in reply:
                        parts.append(delta.text)  # noqa: PERF401 - what came before an error counts
                finally:
                    seen.text = "".join(parts)
        except Exception as error:  # noqa: BLE001 - judged
            seen.error = error
        seen.took = anyio.current_time() - started
        seen.said += [router, *adapters, router.health(), router.health().as_dict()]
        seen.said += [vars(adapter) for adapter in adapters]
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
        httpx.AsyncClient(headers=headers, timeout=30.0, follow_redirects=True) as client,
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
