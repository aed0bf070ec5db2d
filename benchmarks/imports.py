"""How long an import takes, in new processes: what a user waits for before his program begins."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from benchmarks.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES: Final = ("router", "httpx", "aiohttp")
_CODE: Final = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"


def seconds(modules: Sequence[str] = MODULES, times: int = 7) -> dict[str, list[float]]:
    """Return the wall seconds of importing each module, in turn, without a first round, which reads files."""
    found: dict[str, list[float]] = {module: [] for module in modules}
    for number in range(times + 1):
        for module in modules:
            command = [sys.executable, "-c", _CODE.format(module)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            if number:
                found[module].append(float(done.stdout))
    return found
