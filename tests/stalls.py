"""A plugin of pytest that finds flaky tests: `pytest -p tests.stalls` holds the process up, again and again.

A loaded machine does that to a process now and then, at any line. Here it comes several times in a second,
for up to STALL seconds. What fails under it leans on being quick; virtual time does not notice.
"""

from __future__ import annotations

import ctypes
import os
import random
import threading
import time
from typing import Final

STALL: Final = float(os.environ.get("STALL", "0.4"))
PAUSE: Final = 0.35
# Through PyDLL a call keeps the interpreter's lock, so that every thread stands still.
_stand_still: Final = ctypes.PyDLL(None).usleep


def _hold_up() -> None:
    source = random.SystemRandom()
    while True:
        time.sleep(source.uniform(0.02, PAUSE))  # noqa: TID251 - it disturbs the real time
        _stand_still(int(source.uniform(0.02, STALL) * 1e6))


def pytest_collection_finish() -> None:
    threading.Thread(target=_hold_up, name="stalls", daemon=True).start()
