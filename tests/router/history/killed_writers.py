"""A program that forks writers and kills each at a random moment; the test beside it runs it.

It prints, for each row that a writer reported as written, the row's time; and `kills N` at the end. A process
of its own, because forking wants one without threads, and importing once for all writers makes it quick.
"""

from __future__ import annotations

import os
import random
import select
import signal
import struct
import sys
import time
from itertools import count

from router.history import HistoryFile, Sample

ROWS = 20
"""In each write, all with the same time, so that half a write would be seen."""


def write_until_killed(path: str, first: int, pipe: int) -> None:
    file = HistoryFile(path, busy=30)
    for number in count(first):
        rows = [Sample(float(number), f"provider {n}", "healthy", "x" * 100) for n in range(ROWS)]
        file.add(rows)
        os.write(pipe, struct.pack("q", number))


def main(path: str, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    for turn in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            write_until_killed(path, turn * 1000, writing)
            os._exit(1)
        os.close(writing)
        if turn % 4:
            # Let the first write through, so that the next is hit in the middle; every 4th is hit anywhere.
            select.select([reading], [], [], 5)
        # Hold still for a random while, much shorter than a write or two take.
        end = time.perf_counter() + moments.random() * 0.01
        while time.perf_counter() < end:
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        report = b""
        while piece := os.read(reading, 65536):
            report += piece
        os.close(reading)
        for (number,) in struct.iter_unpack("q", report):
            sys.stdout.write(f"{number}\n")
    sys.stdout.write(f"kills {kills}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
