"""What runs in the processes of a storm: upstreams that fail at random, and a gateway before them."""

from __future__ import annotations

import json
import random
import sys
from typing import TYPE_CHECKING, Final

import anyio

from adapters import Limits, OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from benchmarks.gateway.server import listening, quiet
from benchmarks.gateway.storm.answers import WORDS
from router import BreakerPolicy, RetryPolicy, Router, Timeouts
from router.gateway import ClientKey, GatewaySettings
from router.gateway.gateway import Gateway
from router.gateway.serving.garbage import collect_seldom
from router.gateway.serving.server import GatewayServer
from router.replicas import Replicas

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY: Final = "sk-of-the-storm"
_MANY: Final = 10_000_000
"""A limit that nobody reaches: it is kept together all the same."""
_FAULTS: Final = (
    *(None,) * 30, "429", "500", "503", "close", "reset", "cut", "cut_clean", "error_after", "stall_after",
)  # fmt: skip


async def upstreams() -> None:
    """Serve three upstreams that fail at random; print their addresses."""
    text = " ".join(["{prompt}"] * WORDS)
    chance = random.Random(7)
    async with (
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as one,
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as two,
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as three,
    ):
        sys.stdout.write(json.dumps([each.url for each in (one, two, three)]) + "\n")
        sys.stdout.flush()
        while True:
            for each in (one, two, three):
                each.requests.clear()
                each.set_fault(chance.choice(_FAULTS))
            await anyio.sleep(0.2)


def gateway(urls: Sequence[str], patience: float, port: int, store: str | None) -> None:
    """Serve the gateway before them; print its port.

    Args:
        urls: Of the upstreams.
        patience: With a silent upstream, in seconds.
        port: To listen on; 0 for a free one.
        store: Of the replicas, or None for a gateway alone.
    """
    limits = Limits(connections=4000)
    shared = None if store is None else _MANY
    chain = [
        OpenAICompatible(f"{u}/v1", name=f"p{n}", model="m", limits=limits, requests_per_minute=shared)
        for n, u in enumerate(urls)
    ]
    router = Router(
        chain,
        timeouts=Timeouts(first_content=patience, stall=patience, total=3 * patience),
        breaker=BreakerPolicy(open_for=0.5, open_cap=1),  # a fault lasts for 0.2 s
        retry=RetryPolicy(attempts=3, backoff=0.05, wait_for_held=True),
        observers=[],
        replicas=None if store is None else Replicas(store, "storm"),
    )
    key = ClientKey("storm", KEY, requests_per_minute=shared, tokens_per_day=shared)
    listener = listening(port)
    quiet()
    collect_seldom()
    GatewayServer(Gateway(router, GatewaySettings(keys=[key]), local=True)).run([listener])
