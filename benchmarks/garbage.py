"""What a delta leaves behind: traces the memory that grows while a long reply is read.

    python -m benchmarks.garbage

The reader keeps every delta, so that nothing that a delta needs is freed before it is counted; a second
reading drops them, which shows what the router itself keeps. Both are compared between an early and a late
delta, so that what a request costs once is not in them.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters import OpenAICompatible
from benchmarks.cases import Case, messages_of
from benchmarks.running import upstream
from router import Router

if TYPE_CHECKING:
    from collections.abc import Iterator

DELTAS: Final = 20_000
EARLY: Final = 5_000
WRITE: Final = 10
LEAST: Final = 0.02
"""Lines that allocate fewer blocks a delta than this are left out, and summed up as the rest."""


def _place(filename: str) -> str:
    """Return a path from the folder of its package on, which is the same on every machine."""
    parts = Path(filename).parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    root = Path(__file__).parents[1].parts
    return "/".join(parts[len(root) :]) if parts[: len(root)] == root else parts[-1]


def grown(
    before: tracemalloc.Snapshot, after: tracemalloc.Snapshot, deltas: int
) -> Iterator[tuple[str, float, float]]:
    """Yield where memory grew, the blocks and the bytes a delta; the last one is the rest."""
    rest_blocks = rest_bytes = 0.0
    for each in after.compare_to(before, "lineno"):
        blocks, size = each.count_diff / deltas, each.size_diff / deltas
        frame = each.traceback[0]
        if blocks >= LEAST and frame.filename != __file__:
            yield f"{_place(frame.filename)}:{frame.lineno}", blocks, size
        elif frame.filename != __file__:
            rest_blocks, rest_bytes = rest_blocks + blocks, rest_bytes + size
    yield "the rest", rest_blocks, rest_bytes


async def read(url: str, *, keep: bool) -> dict[str, Any]:
    """Read one long reply; return what grew, and how often the collector ran.

    Args:
        url: Of the mock upstream.
        keep: Whether the reader keeps its deltas.
    """
    case = Case("garbage", DELTAS, 0, WRITE, 1)
    kept: list[Any] = [None] * (DELTAS + 9)  # the end of a reply may be a delta too
    snapshots: list[tracemalloc.Snapshot] = []
    collections = 0

    def collected(phase: str, info: dict[str, int]) -> None:
        nonlocal collections
        collections += phase == "start" and info["generation"] == 0

    async with Router([OpenAICompatible(f"{url}{case.path}/v1", model="m")]) as router:
        await router.complete(messages_of(1))
        gc.collect()
        gc.callbacks.append(collected)
        tracemalloc.start()
        peak = 0
        try:
            async with await router.stream(messages_of(1)) as reply:
                number = 0
                async for delta in reply:
                    if keep:
                        kept[number] = delta
                    number += 1
                    if number == EARLY:
                        snapshots.append(tracemalloc.take_snapshot())
                        tracemalloc.reset_peak()
                        collections = 0
                        low = tracemalloc.get_traced_memory()[0]
                    elif number == DELTAS - 1:
                        high, peak = tracemalloc.get_traced_memory()
                        peak -= max(low, high)
                        collections_between = collections
                        snapshots.append(tracemalloc.take_snapshot())
        finally:
            tracemalloc.stop()
            gc.callbacks.remove(collected)
    span = DELTAS - 1 - EARLY
    return {
        "lines": [
            {"where": where, "blocks": round(blocks, 3), "bytes": round(size, 1)}
            for where, blocks, size in grown(snapshots[0], snapshots[1], span)
        ],
        "collections": round(1000 * collections_between / span, 2),
        "peak_kib": round(peak / 1024, 1),
    }


async def allocated() -> dict[str, Any]:
    """Return both readings."""
    with upstream() as ports:
        url = f"http://127.0.0.1:{ports['port']}"
        return {"kept": await read(url, keep=True), "dropped": await read(url, keep=False)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(anyio.run(allocated), indent=1) + "\n")
