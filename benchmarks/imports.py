"""How long an import takes, in new processes: what a user waits for before his program begins.

The modules are compiled beforehand, as those of an installed package are. Where PYTHONDONTWRITEBYTECODE
is set, the sources of a working copy would be compiled anew in each process, and those of httpx and aiohttp
not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final

from benchmarks.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES: Final = ("router", "httpx", "aiohttp")
_CODE: Final = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"


def seconds(modules: Sequence[str] = MODULES, times: int = 7) -> dict[str, list[float]]:
    """Return the wall seconds of importing each module, in turn, without a first round, which compiles."""
    found: dict[str, list[float]] = {module: [] for module in modules}
    with tempfile.TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        for number in range(times + 1):
            for module in modules:
                command = [sys.executable, "-c", _CODE.format(module)]
                done = subprocess.run(
                    command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
                )
                if number:
                    found[module].append(float(done.stdout))
    return found
