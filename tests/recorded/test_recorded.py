"""Every recorded turn of the real servers, through the adapters, on both backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.carrier import CARRIERS
from tests.depth import sampled
from tests.recorded.player import ABSENT, ADAPTERS, Played, Turn, is_here, judge, play, turns

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.anyio,
    pytest.mark.skipif(not is_here(), reason=ABSENT),
]
AT_ONCE: Final = 12
SHARE: Final = 0.98
WAYS: Final = sampled(
    [
        (adapter, carrier, backend)
        for adapter in ADAPTERS
        for carrier in CARRIERS
        for backend in ("asyncio", "trio")
    ],
    0.4,
    "recorded turns",
    lambda way: way[0],
)
"""In `quick` not every adapter plays its turns over both transports and on both backends."""


@pytest.mark.parametrize(
    ("adapter_name", "carrier", "anyio_backend"), WAYS, indirect=["carrier", "anyio_backend"]
)
async def test_recorded_turns_end_as_expected(
    adapter_name: str, carrier: str, record_property: Callable[[str, object], None]
) -> None:
    """At least 98 of 100 turns of each adapter give exactly what a correct client makes of them."""
    results: list[tuple[Turn, Played]] = []
    limit = anyio.Semaphore(AT_ONCE)

    async def play_one(turn: Turn) -> None:
        async with limit:
            results.append((turn, await play(turn)))

    async with anyio.create_task_group() as group:
        for turn in turns(adapter_name):
            group.start_soon(play_one, turn)

    misses = sorted(f"  {turn['id']}: {miss}" for turn, played in results if (miss := judge(turn, played)))
    right = len(results) - len(misses)
    count = f"{right} of {len(results)} turns as expected ({adapter_name}, over {carrier})"
    record_property("summary", "\n".join([count, *misses]))

    assert results
    assert right >= SHARE * len(results)
