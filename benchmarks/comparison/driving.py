"""Plays the scenarios with one library, in that library's environment: standard library only.

python -m benchmarks.comparison.driving NAME PORT [SCENARIO ...]     prints a line of JSON for each scenario
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from benchmarks.comparison.peers import PEERS
from benchmarks.comparison.scenarios import LONGEST, PATIENCE, SCENARIOS, WARM_UP

if TYPE_CHECKING:
    from benchmarks.comparison.peers import Peer
    from benchmarks.comparison.scenarios import Scenario

SHOWN: Final = 300
"""Characters of an error's text that are kept."""
NOTICES: Final = 3.0
"""Seconds in which an upstream is to notice that its reader left."""


class Played:
    """A scenario with one library.

    Args:
        name: Of the library.
        port: Of the upstream.
        scenario: What is played.
    """

    def __init__(self, name: str, port: int, scenario: Scenario) -> None:
        self._names = [f"{name}-{scenario.name}-{number}" for number in range(len(scenario.behaviours))]
        self._port, self._scenario = port, scenario
        self._peer: Peer = PEERS[name]()

    @property
    def addresses(self) -> list[str]:
        """Base URLs; port 9 of the loopback address refuses."""
        return [
            "http://127.0.0.1:9/v1"
            if behaviour == "refused"
            else f"http://127.0.0.1:{self._port}/{name}/{behaviour}/v1"
            for name, behaviour in zip(self._names, self._scenario.behaviours, strict=True)
        ]

    async def play(self) -> dict[str, Any]:
        """Return what came of it."""
        patience = PATIENCE if self._scenario.patient else None
        await self._peer.open(self.addresses, patience, takes_over=self._scenario.takes_over)
        asks = [await self._asked() for _ in range(self._scenario.times)]
        if self._scenario.kind == "leave":
            await asyncio.sleep(NOTICES)
        seen = [self._seen(name) for name in self._names]
        await self._peer.close()
        return {"scenario": self._scenario.name, **asks[-1], "seen": seen}

    async def _asked(self) -> dict[str, Any]:
        """Ask once."""
        parts: list[str] = []
        found: dict[str, Any] = {"end": "whole", "error": "", "words": "", "called": []}
        began = time.monotonic()
        try:
            async with asyncio.timeout(LONGEST):
                if self._scenario.kind == "call":
                    found["called"] = list(await self._peer.call())
                elif self._scenario.kind == "leave":
                    await self._left(parts)
                else:
                    await self._peer.read(parts.append)
        except TimeoutError as error:
            late = time.monotonic() - began >= LONGEST
            found |= {"end": "never"} if late else _told(error)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is what is looked for
            found |= _told(error)
        return {**found, "text": "".join(parts), "seconds": round(time.monotonic() - began, 2)}

    async def _left(self, parts: list[str]) -> None:
        """Read the first text in a task, and cancel the task."""
        first = asyncio.Event()

        def tell(text: str) -> None:
            parts.append(text)
            first.set()

        task = asyncio.ensure_future(self._peer.read(tell))
        await first.wait()
        task.cancel()
        await asyncio.wait({task})

    def _seen(self, name: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/seen/{name}") as answer:
            requests = json.load(answer)
        gaps = (round(b["at"] - a["at"], 2) for a, b in itertools.pairwise(requests))
        left = [each["left"] is not None and each["ended"] is None for each in requests]
        return {"requests": len(requests), "first_gap": next(iter(gaps), None), "left": any(left)}


def _told(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    words = " ".join([str(error), *(str(each) for each in getattr(error, "exceptions", ()))])
    partial = getattr(error, "partial", None)
    return {
        "end": "error",
        "error": f"{kind.__module__.partition('.')[0]}.{kind.__name__}",
        "words": words[:SHOWN],
        "both": "500" in words and "401" in words,
        "carries_text": bool(partial),
    }


async def main(name: str, port: int, wanted: list[str]) -> None:
    """Play, and print."""
    logging.disable(logging.CRITICAL)
    await Played(name, port, WARM_UP).play()
    for scenario in SCENARIOS:
        if wanted and scenario.name not in wanted:
            continue
        sys.stdout.write(json.dumps(await Played(name, port, scenario).play()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
