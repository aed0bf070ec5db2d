"""Which faults were tried, and which of them ended as promised on every backend that they were tried on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tally:
    """Counts faults."""

    def __init__(self) -> None:
        self.tried: dict[str, bool] = {}
        self.rows: set[str] = set()

    @contextmanager
    def kept(self, fault: str, row: str) -> Iterator[None]:
        """Count `fault`: as promised where the block does not raise."""
        before = self.tried.get(fault, True)
        self.tried[fault] = False
        self.rows.add(row)
        yield
        self.tried[fault] = before

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, to send it to another process."""
        return {"tried": self.tried, "rows": sorted(self.rows)}

    def add(self, plain: dict[str, Any]) -> None:
        """Add what another process counted."""
        for fault, kept in plain["tried"].items():
            self.tried[fault] = self.tried.get(fault, True) and kept
        self.rows.update(plain["rows"])

    @property
    def line(self) -> str:
        return f"{sum(self.tried.values())} of {len(self.tried)} faults as promised"


@dataclass
class Numbers:
    """What all runs came to."""

    runs: int = 0
    strings: int = 0
    overshoot: float = 0.0
    peak: float = 0.0
    requests: int = 0

    def add(self, runs: int, strings: int, overshoot: float, peak: float, requests: int) -> None:
        """Add what another process counted."""
        self.runs += runs
        self.strings += strings
        self.overshoot = max(self.overshoot, overshoot)
        self.peak = max(self.peak, peak)
        self.requests = max(self.requests, requests)


TALLY: Final = Tally()
NUMBERS: Final = Numbers()
