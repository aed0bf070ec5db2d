"""Half a second, as the machine at hand passes it: for promises that something happens at once.

A loaded machine keeps every thread waiting. A clock on the wall counts that against the code under test. The
clock here is a thread that sleeps and counts: it waits as the others do, and counts less. On a machine with
nothing else to do the two agree.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

BEAT: Final = 0.005
"""Seconds that the thread sleeps at a time."""


class Pulse(threading.Thread):
    """Counts the seconds since its start."""

    def __init__(self) -> None:
        super().__init__(name="pulse", daemon=True)
        self.seconds = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(BEAT):
            self.seconds += BEAT

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def promptly(seconds: float) -> Iterator[None]:
    """Fail where the block takes longer. What waits within it needs a limit of its own, a generous one."""
    pulse = Pulse()
    pulse.start()
    try:
        yield
    finally:
        pulse.stop()
    assert pulse.seconds < seconds, f"it took {pulse.seconds:.2f} s, and {seconds} s are promised"
